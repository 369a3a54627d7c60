"""The command ``dws``.

Importing this module imports click and the table of commands, nothing else: a command's own module is imported when
the command is run, and a plug-in's likewise.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from dataworkspaces.cli import catalog
from dataworkspaces.cli.encoding import encoding_of_terminal
from dataworkspaces.cli.session import Session, common_options

COMPLETE_VARIABLE = "_DWS_COMPLETE"


class RootGroup(click.Group):
    """The commands that distributions announce, in the order of :mod:`dataworkspaces.cli.catalog`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*catalog.listed(), *catalog.plugin_commands()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = catalog.OWN.get(cmd_name)
        if own is not None:
            module, _, attribute = own.partition(":")
            command: click.Command = getattr(_import(module), attribute)
            return command
        from dataworkspaces import plugins

        if not plugins.is_announced(plugins.COMMANDS, cmd_name):
            return None
        loaded: click.Command = plugins.load(plugins.COMMANDS, cmd_name)
        return loaded

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not ctx.resilient_parsing and not name.startswith("-") and self.get_command(ctx, name) is None:
            from difflib import get_close_matches

            near = get_close_matches(name, self.list_commands(ctx), n=2)
            hint = catalog.hint_of(name) or (f"Did you mean {' or '.join(near)}?" if near else "")
            ctx.fail(f"No such command '{name}'. {hint}".rstrip())
        found_name, command, rest = super().resolve_command(ctx, args)
        session = ctx.ensure_object(Session)
        takes_workspace = isinstance(command, click.Group) or any(
            option.name == "workspace_dir" for option in (command.params if command else ())
        )
        if not takes_workspace and (session.workspace_dir or session.workspace):
            ctx.fail(f"'dws {name}' does not use a workspace, so it takes neither --workspace-dir nor --workspace.")
        return found_name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections = catalog.sections()
        width = max(len(name) for section in sections.values() for name in section)
        for title, commands in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, text in commands.items()])
        if "status" not in catalog.listed():
            formatter.write_paragraph()
            formatter.write_text("The commands of a workspace are not installed: pip install dws-commands")
        added = catalog.plugin_commands()
        if added:
            with formatter.section("Commands of plug-ins"):
                formatter.write_dl([(name, f"from {distribution}") for name, distribution in added.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        items = [
            CompletionItem(name, help=text) for name, text in catalog.listed().items() if name.startswith(incomplete)
        ]
        items += [CompletionItem(name) for name in catalog.plugin_commands() if name.startswith(incomplete)]
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> None:
        super().invoke(ctx)  # Commands return nothing: what main() returns below is an exit status.

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run a command and exit, with a line on stderr for whatever went wrong."""
        session = Session()
        arguments = list(sys.argv[1:] if args is None else args)
        _open_closed_streams()
        if isinstance(sys.stdout, io.TextIOWrapper):
            # For what the user's locale cannot write.
            sys.stdout.reconfigure(encoding=encoding_of_terminal(), errors="backslashreplace")
        status: int | None = None
        try:
            status = super().main(arguments, prog_name="dws", **{**extra, "standalone_mode": False, "obj": session})
            sys.stdout.flush()
        except (Exception, KeyboardInterrupt) as e:
            from dataworkspaces.cli.failures import asks_for_json, report

            # A mistake in the command line is found before the options have been looked at.
            as_json = session.as_json or (isinstance(e, click.UsageError) and asks_for_json(e, arguments))
            status = report(e, verbose=session.verbose, as_json=as_json)
        finally:
            logs = sys.modules.get("dataworkspaces.cli.logs")
            if logs is not None:
                logs.hide_log()
        sys.exit(status or 0)


def _open_closed_streams() -> None:
    """Give us the standard streams that were closed when we started: else the next file that is opened, a lock or an
    index, takes the number of one of them, and gets what is printed."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            fd = os.open(os.devnull, os.O_RDWR)  # the lowest that is free, which is the number of this stream
            setattr(sys, name, os.fdopen(fd, mode, encoding="utf-8"))


def _import(module: str) -> Any:
    from importlib import import_module

    return import_module(module)


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.invoke(_import("dataworkspaces.cli.cmd_version").version)
        ctx.exit()


@click.group(cls=RootGroup, epilog="Run 'dws COMMAND --help' for help on a command.")
@common_options
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version and exit.",
)
def dws() -> None:
    """Version the data, code and results of a data science project together. Restore any snapshot, and trace each
    result back to what it was made from.
    """


def _start_again_in_utf8() -> None:
    """Names of files are bytes. Whatever the locale is, a ``dws`` takes them for UTF-8, with surrogate escapes, so that
    metadata of different machines agree. An option is used for it, since a variable would change what steps run."""
    if sys.executable and sys.orig_argv[1:] and not sys.flags.utf8_mode:
        try:
            os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
        except OSError:
            return  # names that are not ASCII are then as the locale has them


def main() -> NoReturn:
    """Run the command ``dws`` with the arguments of the process."""
    if sys.getfilesystemencoding().lower() not in ("utf-8", "utf8"):
        _start_again_in_utf8()
    instruction = os.environ.get(COMPLETE_VARIABLE)
    if instruction:
        from dataworkspaces.cli.completion import answer

        sys.exit(answer(dws, instruction, COMPLETE_VARIABLE))
    dws.main()


if __name__ == "__main__":
    main()
