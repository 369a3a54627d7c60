"""``dws web``."""

from __future__ import annotations

from pathlib import Path

import click

from dataworkspaces.cli.param_types import SnapshotName, WholeNumber
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

_LARGEST = 2_000_000


@click.group(invoke_without_command=True)
@click.option("--port", metavar="N", type=click.IntRange(1, 65535), help="Serve on this port (default: a free one).")
@click.option("--no-open", is_flag=True, help="Print the address without opening a browser.")
@click.option("--frame", "in_frame", is_flag=True, hidden=True)
@common_options
@click.pass_context
def web(ctx: click.Context, port: int | None, no_open: bool, in_frame: bool) -> None:
    """Show the experiments in the browser, until Ctrl-C.

    The page has a table of all snapshots, which sorts, filters and compares them, and for each snapshot its results,
    files and lineage. It is served on 127.0.0.1 to this machine alone, and fetches nothing from anywhere.

    \b
    Example: dws web
    """
    if ctx.invoked_subcommand is not None:
        if port is not None or no_open or in_frame:
            raise click.UsageError("--port and --no-open are for serving: an export has neither")
        return
    from dataworkspaces.web.server.server import serve
    from dataworkspaces.web.source import Source

    session = ctx.ensure_object(Session)
    source = Source(session.place() or session.directory())
    with source.opened() as workspace:  # refused before anything is served
        name = workspace.name
        source.tables.recall(workspace)
    session.interaction()
    if in_frame:  # for %dws_web
        serve(source, port, click.echo, in_frame=True)
        return
    serve(source, port, lambda address: _tell(name, address, is_opened=not no_open))
    click.echo("Stopped", err=True)


def _tell(name: str, address: str, *, is_opened: bool) -> None:
    from dataworkspaces.cli.text import escape

    click.echo(f"Workspace {escape(name)} at {address}")
    click.echo("Ctrl-C ends it", err=True)
    if is_opened:
        import webbrowser

        webbrowser.open(address)


@web.command()
@click.argument("directory", metavar="DIR", type=click.Path())
@click.option(
    "--only",
    metavar="SNAPSHOT",
    type=SnapshotName(),
    multiple=True,
    help="Export only this snapshot. May be given several times.",
)
@click.option(
    "--largest", metavar="BYTES", type=WholeNumber(min=0), default=_LARGEST, show_default=True,
    help="Leave out results files that are larger.",
)  # fmt: skip
@json_option
@common_options
@pass_session
def export(session: Session, directory: str, only: tuple[str, ...], largest: int, as_json: bool) -> None:
    """Write the pages to DIR, as files that need no server.

    Any browser can open them, and any web server can serve them: GitHub Pages, for example. They contain the table, the
    comparisons, and for each snapshot the results with previews of their files, and the lineage. An earlier export in
    DIR is replaced.

    \b
    Example: dws web export --only run7 --only run8 report
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import escape, plural
    from dataworkspaces.web.export import export as write

    count = write(session.open_workspace(reading=True), Path(directory), only, largest)
    if as_json:
        print_json({"directory": directory, "snapshots": count})
    else:
        click.echo(f"{plural(count, 'snapshot')} written to {escape(directory)}: open {escape(directory)}/index.html")
