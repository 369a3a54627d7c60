"""``dws lineage export``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataworkspaces.cli.param_types import ParamType, ResourceName, SnapshotName
from dataworkspaces.cli.session import Session, common_options, pass_session

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class _FormatName(ParamType):
    """A format that is installed. Whether there is one of that name shows when it is loaded."""

    name = "format"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from dataworkspaces import plugins
        from dataworkspaces.plugin_names import shown_names

        return [CompletionItem(name) for name in shown_names(plugins.EXPORTERS) if name.startswith(incomplete)]


@click.command()
@click.argument("out", metavar="OUT", type=click.Path())
@click.option(
    "--format", "format_name", metavar="FORMAT", required=True, type=_FormatName(),
    help="openlineage, prov, ro-crate or html, or the format of another plug-in.",
)  # fmt: skip
@click.option("--snapshot", metavar="SNAPSHOT", type=SnapshotName(), help="As of this snapshot (default: now).")
@click.option(
    "--resource",
    metavar="NAME",
    type=ResourceName(),
    help="Export what this resource was made from (default: all resources).",
)
@common_options
@pass_session
def export(session: Session, out: str, format_name: str, snapshot: str | None, resource: str | None) -> None:
    """Write the lineage to OUT in a standard format.

    \b
    openlineage  OpenLineage run events, a JSON object a line
    prov         W3C PROV, as PROV-JSON
    ro-crate     a Process Run RO-Crate: a directory, or a zip file if OUT ends with .zip
    html         the page of 'dws lineage graph'

    For all formats but ro-crate, OUT can be -, for stdout. No data is copied.

    \b
    Example:
      dws lineage export --format prov lineage.json
    """
    from dataworkspaces.commands.lineage_export import export_command

    session.to_stderr = True
    workspace = session.open_workspace(reading=True)
    text = export_command(workspace, format_name, out, snapshot=snapshot, resource=resource)
    if text is None:
        from dataworkspaces.cli.text import escape

        click.echo(f"Lineage written to {escape(out)}")
    else:
        click.echo(text, nl=False)
