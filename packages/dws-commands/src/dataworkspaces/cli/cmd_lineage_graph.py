"""``dws lineage graph``."""

from __future__ import annotations

from pathlib import Path

import click

from dataworkspaces.cli.param_types import ResourceName, SnapshotName
from dataworkspaces.cli.session import Session, common_options, pass_session

_PIXELS = click.IntRange(100, 100_000)


@click.command()
@click.argument("output_file", metavar="OUTPUT_FILE", type=click.Path())
@click.option("--resource", metavar="NAME", type=ResourceName(), help="Draw what this resource was made from.")
@click.option("--snapshot", metavar="SNAPSHOT", type=SnapshotName(), help="As of this snapshot (default: now).")
@click.option("--all", "whole", is_flag=True, help="Draw the graph of all resources.")
@click.option(
    "--format", "format_name", type=click.Choice(["html", "dot", "json"]),
    help="The format (default: by the suffix of OUTPUT_FILE, or else html).",
)  # fmt: skip
@click.option("--width", metavar="PIXELS", type=_PIXELS, help="Width of the drawing (default: that of the window).")
@click.option("--height", metavar="PIXELS", type=_PIXELS, help="Height of the drawing (default: that of the window).")
@common_options
@pass_session
def graph(
    session: Session,
    output_file: str,
    resource: str | None,
    snapshot: str | None,
    whole: bool,
    format_name: str | None,
    width: int | None,
    height: int | None,
) -> None:
    """Draw the lineage of a resource (default: the first results resource).

    \b
    html  a page for the browser: pan, zoom, search, click a step for its details
    dot   for Graphviz: dot -Tsvg OUTPUT_FILE   (also for the suffix .gv)
    json  for other programs

    If OUTPUT_FILE is -, prints to stdout.

    \b
    Example:
      dws lineage graph --snapshot V1 lineage.html
    """
    from dataworkspaces.commands.lineage_metrics import draw_with_metrics
    from dataworkspaces.lineage import drawing
    from dataworkspaces.lineage.workspace_graph import lineage_graph
    from dataworkspaces.toolbox.output import names_stdout

    if whole and resource is not None:
        raise click.UsageError("--all and --resource cannot be used together.")
    session.to_stderr = True
    path = Path(output_file)
    is_stdout = names_stdout(output_file)
    if not is_stdout:
        drawing.check_target(path)
    workspace = session.open_workspace(reading=True)
    found = lineage_graph(workspace, resource, snapshot, whole=whole)
    chosen = next((name for name in drawing.FORMATS if name == format_name), drawing.format_of(path))
    text = draw_with_metrics(workspace, found, chosen, width, height)
    if is_stdout:
        click.echo(text, nl=False)
        return
    drawing.write_drawing(path, text)
    from dataworkspaces.cli.text import escape, plural

    click.echo(f"Graph of {plural(len(found.steps), 'step')} written to {escape(output_file)}")
