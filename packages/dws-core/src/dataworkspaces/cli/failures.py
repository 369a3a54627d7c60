"""What the user reads, and the exit status, when a command fails."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import click

from dataworkspaces.cli.text import escape, painted
from dataworkspaces.errors import DwsError, InternalError, ToolError, UserAbort, kind_of_os_error, with_hint

DEBUG_VARIABLE = "DWS_DEBUG"
JSON_OPTION = "--json"
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the number of the signal, as shells have it."""
_NO_COMMAND = getattr(click.exceptions, "NoArgsIsHelpError", ())
"""What click raises, since 8.2, for a group without a command; its message is the whole help."""


def report(error: BaseException, *, verbose: bool, as_json: bool = False) -> int:
    """Tell on stderr why a command ended, and return the exit status.

    :param as_json: tell it as one JSON document, in a line.
    """
    if isinstance(error, BrokenPipeError):
        _drop_output()
        return 1
    try:
        status = _report(error, verbose, as_json)
        if sys.stderr is not None:
            sys.stderr.flush()
    except BrokenPipeError:
        status = 1
    _drop_output()
    return status


def asks_for_json(error: click.UsageError, arguments: Sequence[str]) -> bool:
    """Whether a command line that click cannot read has ``--json``: also one of a command without that option."""
    if isinstance(error, click.NoSuchOption) and error.option_name == JSON_OPTION:
        return True
    if error.ctx is not None and not error.ctx.allow_interspersed_args:
        own = any(JSON_OPTION in parameter.opts for parameter in error.ctx.command.params)
        if not own and not isinstance(error.ctx.command, click.Group):
            return False  # it is an option of the program that the command runs
    return JSON_OPTION in list(arguments)[: arguments.index("--") if "--" in arguments else None]


def print_error(error: DwsError) -> None:
    """Tell on stderr what went wrong with a part of a command that goes on."""
    _print_line(_told_of(error))


class Told(NamedTuple):
    """What the user reads of an error."""

    kind: str
    status: int
    message: str
    hint: str | None = None


def _report(error: BaseException, verbose: bool, as_json: bool) -> int:
    debug = bool(os.environ.get(DEBUG_VARIABLE))
    if isinstance(error, click.ClickException) and not as_json:
        _print_usage_error(error)
        return error.exit_code
    told = _told(error, verbose or debug)
    if as_json:
        _print_json(told)
    elif told.kind == UserAbort.kind:
        text = _red("Cancelled")
        click.echo(f"{text}: {escape(told.message)}" if told.message else text, err=True)
    else:
        _print_line(told)
    if isinstance(error, DwsError) and not as_json and (verbose or isinstance(error, InternalError)):
        _details(error)
    is_bug = told.kind == InternalError.kind and not isinstance(error, InternalError)
    if debug or (is_bug and verbose):
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    return told.status


def _told(error: BaseException, traceback_shown: bool) -> Told:
    if isinstance(error, DwsError):
        return _told_of(error)
    if isinstance(error, click.ClickException):
        return Told("usage", error.exit_code, error.format_message(), _help_of(error))
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return _interrupted(error)
    if isinstance(error, OSError):
        return _os_error(error)
    if isinstance(error, RecursionError):
        return _other("The metadata of the workspace is nested too deeply", "dws fsck names the file")
    if isinstance(error, RuntimeError) and "home directory" in str(error):  # pathlib's, of ~NAME
        return _other(
            "A path begins with ~ and the name of a user who has no home directory here", "Write the path in full"
        )
    if isinstance(error, MemoryError):
        return _other("There is not enough memory for this", "Close other programs, or use a larger machine")
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Told(InternalError.kind, InternalError.exit_code, what, _please_report(error, traceback_shown))


def _told_of(error: DwsError) -> Told:
    return Told(error.kind, error.exit_code, error.message, error.hint)


def _other(message: str, hint: str | None = None) -> Told:
    return Told(DwsError.kind, DwsError.exit_code, message, hint)


def _print_line(told: Told) -> None:
    text = with_hint(escape(told.message), escape(told.hint) if told.hint else None)
    click.echo(f"{_red('error:')} {text}", err=True)


def _print_json(told: Told) -> None:
    import json

    click.echo(json.dumps({"error": told._asdict()}), err=True)


def _print_usage_error(error: click.ClickException) -> None:
    """As click does, with our label. Whoever names no command is helped, and has made no error."""
    if isinstance(error, _NO_COMMAND):
        click.echo(error.format_message(), err=True)
        return
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(error.ctx.get_usage(), err=True)
        if error.ctx.command.get_help_option(error.ctx) is not None:
            click.echo(f"Try '{error.ctx.command_path} --help' for help.\n", err=True)
    click.echo(f"{_red('error:')} {error.format_message()}", err=True)


def _help_of(error: click.ClickException) -> str | None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None or context.command.get_help_option(context) is None:
        return None
    return f"'{context.command_path} --help' describes it"


def _red(text: str) -> str:
    return painted(text, "red", bold=True)


def _details(error: DwsError) -> None:
    """What a program said, and the chain of causes."""
    current: BaseException | None = error
    while current is not None:
        if current is not error:
            click.echo(f"  Caused by {type(current).__name__}: {escape(current)}", err=True)
        if isinstance(current, ToolError):
            for line in current.output.splitlines():
                click.echo(f"  {escape(line)}", err=True)
        current = current.__cause__


_OS_HINTS = {
    errno.ENOSPC: "Free some space, and run the command again",
    errno.EDQUOT: "Free some space, and run the command again",
    errno.EROFS: "The file system is read-only",
    errno.EACCES: "Check the permissions",
    errno.EPERM: "Check the permissions",
}


def _os_error(error: OSError) -> Told:
    reason = error.strerror or str(error) or type(error).__name__
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, (str, bytes))]
    where = " -> ".join(names)
    kind = kind_of_os_error(error)
    return Told(kind.kind, kind.exit_code, f"{where}: {reason}" if where else reason, _OS_HINTS.get(error.errno or 0))


def _interrupted(error: BaseException) -> Told:
    """Ctrl-C, or an end of the input where an answer was needed: click has one exception for both."""
    origin = error if isinstance(error, KeyboardInterrupt) else error.__cause__ or error.__context__
    if isinstance(origin, EOFError):
        return _other("An answer is needed, but the input has ended")
    return Told(UserAbort.kind, INTERRUPTED, "")


def _please_report(error: BaseException, traceback_shown: bool) -> str:
    where = "the traceback below" if traceback_shown else f"the traceback that {DEBUG_VARIABLE}=1 or --verbose shows"
    whose, whom = "Data Workspaces", "please report it"
    with suppress(Exception):  # what is told is the error that brought us here
        from dataworkspaces.cli.faults_of_plugins import plugin_at_fault

        plugin = plugin_at_fault(error)
        if plugin is not None:
            whose, whom = f"the plug-in {plugin}", "please report it to its authors"
    return f"This is a bug in {whose}: {whom}, with {where}"


def _drop_output() -> None:
    """Let go of what cannot be written (nobody reads any more, the disk is full). Python would complain again when it
    flushes stdout at its end."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream is None:  # it was closed when we started
            continue
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(devnull, stream.fileno())
