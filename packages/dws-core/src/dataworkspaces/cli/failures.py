"""What the user reads, and the exit status, when a command fails."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from contextlib import suppress

import click

from dataworkspaces.cli.text import escape
from dataworkspaces.errors import DwsError, InternalError, ToolError, kind_of_os_error, with_hint

DEBUG_VARIABLE = "DWS_DEBUG"
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the number of the signal, as shells have it."""


def report(error: BaseException, *, verbose: bool) -> int:
    """Tell on stderr why a command ended, and return the exit status."""
    if isinstance(error, BrokenPipeError):
        _drop_output()
        return 1
    try:
        status = _report(error, verbose)
        if sys.stderr is not None:
            sys.stderr.flush()
    except BrokenPipeError:
        status = 1
    _drop_output()
    return status


def print_error(error: DwsError) -> None:
    """Tell on stderr what went wrong with a part of a command that goes on."""
    _line(error.label, error.message, error.hint)


def _report(error: BaseException, verbose: bool) -> int:
    debug = bool(os.environ.get(DEBUG_VARIABLE))
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return _interrupted(error)
    if isinstance(error, DwsError):
        print_error(error)
        if verbose or isinstance(error, InternalError):
            _details(error)
        status = error.exit_code
    elif isinstance(error, OSError):
        _os_error(error)
        status = kind_of_os_error(error).exit_code
    elif isinstance(error, RecursionError):
        _line("Error", "The metadata of the workspace is nested too deeply", "dws fsck says which file it is")
        status = 1
    elif isinstance(error, RuntimeError) and "home directory" in str(error):  # pathlib's, of ~NAME
        _line("Error", "A path begins with the name of a user who has no home directory here", "Write it in full")
        status = 1
    elif isinstance(error, MemoryError):
        _line("Error", "There is not enough memory for this", "Close other programs, or use a larger machine")
        status = 1
    else:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        _line(InternalError.label, what, _please_report(error, verbose or debug))
        status = InternalError.exit_code
        debug = debug or verbose
    if debug:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    return status


def _line(label: str, message: str, hint: str | None = None) -> None:
    text = with_hint(escape(message), escape(hint) if hint else None)
    click.echo(f"{_red(f'{label}:')} {text}", err=True)


def _red(text: str) -> str:
    if os.environ.get("NO_COLOR"):
        return text
    return click.style(text, fg="red", bold=True)  # click.echo drops the colour if stderr is no terminal.


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


def _os_error(error: OSError) -> None:
    reason = error.strerror or str(error) or type(error).__name__
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, (str, bytes))]
    where = " -> ".join(names)
    _line("Error", f"{where}: {reason}" if where else reason, _OS_HINTS.get(error.errno or 0))


def _interrupted(error: BaseException) -> int:
    """Ctrl-C, or an end of the input where an answer was needed: click has one exception for both."""
    origin = error if isinstance(error, KeyboardInterrupt) else error.__cause__ or error.__context__
    if isinstance(origin, EOFError):
        _line("Error", "An answer is needed, and the input has ended")
        return 1
    click.echo(_red("Cancelled"), err=True)
    return INTERRUPTED


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
