"""``dws schema``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataworkspaces.cli.param_types import ParamType

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class SchemaName(ParamType):
    name = "name"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from dataworkspaces.schemas import names

        return [CompletionItem(name) for name in names() if name.startswith(incomplete)]


@click.command()
@click.argument("name", required=False, type=SchemaName())
def schema(name: str | None) -> None:
    """Print the JSON Schema NAME, or list all schemas of --json output and of files.

    \b
    Examples:
      dws schema
      dws schema report-results
    """
    from dataworkspaces.cli.render import Column, Table, print_json, print_table
    from dataworkspaces.schemas import load, names

    if name is not None:
        print_json(load(name))
        return
    rows = [(each, load(each)["title"]) for each in names()]
    print_table(Table("JSON Schemas", [Column("Name", fixed=True), "Of what"], rows))
