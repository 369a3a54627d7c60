"""``dws web``."""

from __future__ import annotations

import click

from dataworkspaces.cli.session import Session, common_options, pass_session


@click.command()
@click.option("--port", metavar="N", type=click.IntRange(1, 65535), help="Serve on this port (default: a free one).")
@click.option("--no-open", is_flag=True, help="Print the address, and open no browser.")
@common_options
@pass_session
def web(session: Session, port: int | None, no_open: bool) -> None:
    """Show the experiments in the browser, until Ctrl-C.

    The page has a table of all snapshots, which sorts, filters and compares them, and for each snapshot its results,
    files and lineage. It is served on 127.0.0.1 to this machine alone, and fetches nothing from anywhere.

    \b
    Example: dws web
    """
    from dataworkspaces.web.server.serving import serve
    from dataworkspaces.web.source import Source

    place = session.directory()
    source = Source(session.place() or place)
    with source.opened() as workspace:  # refused before anything is served
        name = workspace.name
    session.interaction()
    serve(source, port, lambda address: _tell(name, address, is_opened=not no_open))
    click.echo("Stopped", err=True)


def _tell(name: str, address: str, *, is_opened: bool) -> None:
    from dataworkspaces.cli.text import escape

    click.echo(f"Workspace {escape(name)} at {address}")
    click.echo("Ctrl-C ends it", err=True)
    if is_opened:
        import webbrowser

        webbrowser.open(address)
