"""``dws lineage``: what the lineage of a workspace can be turned into."""

from __future__ import annotations

from importlib import import_module

import click

from dataworkspaces.cli.session import common_options

_COMMANDS = {
    "graph": ("dataworkspaces.cli.cmd_lineage_graph:graph", "Draw the lineage of a resource"),
    "export": ("dataworkspaces.cli.cmd_lineage_export:export", "Write the lineage in a standard format"),
}


class _LineageGroup(click.Group):
    """Its commands are imported when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_target, help_text) in _COMMANDS.items()])


@click.group(cls=_LineageGroup)
@common_options
def lineage() -> None:
    """Draw the lineage of a resource, or export it. 'dws report lineage' shows it as a table."""
