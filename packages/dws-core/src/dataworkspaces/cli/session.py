"""What all commands have in common: ``--batch``, ``--verbose``, ``--workspace-dir``, ``--workspace``, and opening the
workspace."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from dataworkspaces.workspace import Interaction, Workspace

F = TypeVar("F", bound=Callable[..., Any])


class Session:
    """One run of ``dws``. It is the ``obj`` of click's context, for the commands of plug-ins too.

    :ivar batch: never ask.
    :ivar yes: ``--yes`` was given: the answer to each question that names it.
    :ivar verbose: say each thing that is done.
    :ivar workspace_dir: what ``--workspace-dir`` named.
    :ivar workspace: what ``--workspace`` named.
    :ivar to_stderr: stdout is for the one document you asked for it; what is told goes to stderr.
    :ivar as_json: ``--json`` was given: an error is a document, too.
    """

    batch: bool = False
    yes: bool = False
    verbose: bool = False
    workspace_dir: str | None = None
    workspace: str | None = None
    to_stderr: bool = False
    as_json: bool = False

    def interaction(self) -> Interaction:
        """How to reach the user; also shows what is logged, from here on."""
        from dataworkspaces.cli.interaction import TerminalInteraction

        if self.verbose or "logging" in sys.modules:  # else nothing is logged yet, and importing it takes time
            from dataworkspaces.cli.logs import show_log

            show_log(self.verbose)
        return TerminalInteraction(batch=self.batch, yes=self.yes, to_stderr=self.to_stderr)

    def place(self) -> str | None:
        """The directory or URI of the workspace that the user means; None for the one around the current directory."""
        if self.workspace is None:
            return self.workspace_dir
        if self.workspace_dir is not None:
            raise click.UsageError("--workspace and --workspace-dir cannot be used together.")
        from dataworkspaces.workspace.workspace_uri import backend_of, find_workspace_by_name

        return self.workspace if backend_of(self.workspace) is not None else find_workspace_by_name(self.workspace)

    def directory(self) -> str:
        """The directory of the workspace that the user means; it need not be possible to open it."""
        from pathlib import Path

        from dataworkspaces.workspace.workspace_uri import current_directory, find_workspace_directory

        place = self.place()
        found = Path(place) if place is not None else find_workspace_directory(current_directory())
        return str(found or current_directory())

    def open_workspace(self, *, reading: bool = False) -> Workspace:
        """The workspace that the user means. A command that is only ``reading`` takes no lock, and so what a killed
        command left is put in order here."""
        from dataworkspaces.workspace import find_and_load_workspace

        interaction = self.interaction()
        workspace = find_and_load_workspace(self.batch, self.verbose, self.place())
        workspace.interaction = interaction
        for note in workspace.notes():
            interaction.warn(note)
        if reading:
            workspace.recover_if_interrupted()
        return workspace


def _store(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep an option's value in the session; it may stand before or after the command."""
    if value and param.name is not None:
        setattr(ctx.ensure_object(Session), param.name, value)


yes_option = click.option(
    "--yes", is_flag=True, expose_value=False, callback=_store, help="Do not ask before files are deleted or sent."
)


class CommonOption(click.Option):
    """An option that ``dws`` has before each command, too. ``dws --help`` describes it; the help of a command names all
    of them in one entry."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        if ctx.parent is None:
            return super().get_help_record(ctx)
        common = [option for option in ctx.command.params if isinstance(option, CommonOption)]
        if self is not common[0]:
            return None
        names = [f"{option.opts[-1]} {option.metavar or ''}".rstrip() for option in common]
        return "Common options", f"{', '.join(names)}: see 'dws --help'."


class WorkspaceName(click.types.StringParamType):
    """A name in the user's configuration, or a URI."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from dataworkspaces.workspace.workspace_uri import known_workspaces

        return [CompletionItem(name) for name in known_workspaces() if name.startswith(incomplete)]


workspace_option = click.option(
    "--workspace-dir",
    cls=CommonOption,
    type=click.Path(file_okay=False),
    metavar="DIR",
    expose_value=False,
    callback=_store,
    help="Use the workspace in DIR (default: the one that contains the current directory).",
)
named_workspace_option = click.option(
    "--workspace",
    cls=CommonOption,
    type=WorkspaceName(),
    metavar="NAME",
    expose_value=False,
    callback=_store,
    help="Use this workspace: a name from ~/.config/dws/config.toml, or a URI.",
)
batch_option = click.option(
    "-b",
    "--batch",
    cls=CommonOption,
    is_flag=True,
    expose_value=False,
    callback=_store,
    help="Never ask: use the default, or fail and name the missing option.",
)
verbose_option = click.option(
    "--verbose",
    cls=CommonOption,
    is_flag=True,
    expose_value=False,
    callback=_store,
    help="Report each action.",
)


def common_options(function: F) -> F:
    """``--workspace-dir``, ``--workspace``, ``--batch`` and ``--verbose``, at the end of a command's options."""
    return workspace_option(named_workspace_option(batch_option(verbose_option(function))))


def json_option(function: F) -> F:
    """``--json``, for a command that calls :func:`dataworkspaces.cli.render.print_json` then.

    Who reads the document is a program, so nothing is asked: ``--json`` has in it what ``--batch`` says."""

    def set_session(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
        if value:
            session = ctx.ensure_object(Session)
            session.as_json = session.to_stderr = session.batch = True
        return value

    option = click.option(
        "--json",
        "as_json",
        is_flag=True,
        is_eager=True,  # what is wrong with another option is told as JSON, too
        callback=set_session,
        help="Print one JSON document, and never ask.",
    )
    return option(function)


pass_session = click.make_pass_decorator(Session, ensure=True)
