"""``dws ls``, ``cat`` and ``cp``."""

from __future__ import annotations

import sys

import click

from dataworkspaces.cli.session import Session, common_options, json_option, pass_session


@click.command()
@click.argument("place", required=False, metavar="RESOURCE[@SNAPSHOT]:[PATH]")
@click.option("--long", "-l", "is_long", is_flag=True, help="Show sizes in bytes.")
@click.option("--recursive", "-r", is_flag=True, help="List all files recursively.")
@json_option
@common_options
@pass_session
def ls(session: Session, place: str | None, is_long: bool, recursive: bool, as_json: bool) -> None:
    """List files of a resource, now or as they were in a snapshot (a tag or a hash).

    Without an argument, lists the resources that have files.

    \b
    Examples:
      dws ls results:
      dws ls -l data@V1:images
    """
    from dataworkspaces.cli.render import on_terminal, print_json
    from dataworkspaces.cli.text import escape, painted
    from dataworkspaces.commands.files import ls_command

    found = ls_command(session.open_workspace(reading=True), place, recursive=recursive)
    if as_json:
        print_json([entry.to_json() for entry in found])
        return
    width = max((len(str(entry.size)) for entry in found if entry.size is not None), default=1)
    for entry in found:
        size = f"{'' if entry.size is None else entry.size:>{width}}  " if is_long else ""
        missing = f"  {painted('missing', 'red')}" if entry.is_missing and on_terminal() else ""
        click.echo(f"{size}{escape(entry.name)}{missing}")


@click.command()
@click.argument("place", metavar="RESOURCE[@SNAPSHOT]:PATH")
@common_options
@pass_session
def cat(session: Session, place: str) -> None:
    """Print a file of a resource to standard output, as it is now or was in a snapshot.

    \b
    Example:
      dws cat results@V1:results.json
    """
    from dataworkspaces.commands.files import cat_command

    cat_command(session.open_workspace(reading=True), place, sys.stdout.buffer)


@click.command()
@click.argument("source")
@click.argument("target")
@click.option("--recursive", "-r", is_flag=True, help="Copy a directory with everything in it.")
@json_option
@common_options
@pass_session
def cp(session: Session, source: str, target: str, recursive: bool, as_json: bool) -> None:
    """Copy files from or to a resource, or between two.

    Write RESOURCE:PATH for a file of a resource, and RESOURCE@SNAPSHOT:PATH for a file in a snapshot. Everything else
    is a local path.

    \b
    Example:
      dws cp data@V1:images/cat.png .
    """
    from dataworkspaces.cli.text import plural
    from dataworkspaces.commands.files import cp_command

    workspace = session.open_workspace(reading=True)
    count = cp_command(workspace, source, target, recursive=recursive)
    if as_json:
        from dataworkspaces.cli.render import print_json

        print_json({"files": count})
        return
    workspace.interaction.tell(f"Copied {plural(count, 'file')}")
