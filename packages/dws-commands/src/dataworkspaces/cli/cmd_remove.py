"""``dws remove``."""

from __future__ import annotations

import click

from dataworkspaces.cli.param_types import AnyResourceName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session


@click.command()
@click.argument("resource", type=AnyResourceName(), required=False)
@click.option("--undo", is_flag=True, help="Bring a removed resource back.")
@click.option("--list", "only_list", is_flag=True, help="List removed resources.")
@json_option
@common_options
@pass_session
def remove(session: Session, resource: str | None, undo: bool, only_list: bool, as_json: bool) -> None:
    """Take RESOURCE out of the workspace. Its files stay where they are.

    Later snapshots do not include it. Older ones keep what they have of it, and --undo brings it back.

    \b
    Example: dws remove old-data
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import escape
    from dataworkspaces.commands.remove import list_removed, remove_command, undo_remove_command

    if only_list:
        found = list_removed(session.open_workspace(reading=True))
        if as_json:
            print_json([each.to_json() for each in found])
            return
        for each in found:
            click.echo(f"{escape(each.name)}  {each.role}  {escape(each.path or '')}".rstrip())
        if not found:
            click.echo("No resource was removed", err=True)
        return
    if resource is None:
        raise click.UsageError("Name the resource, as in: dws remove RESOURCE")
    workspace = session.open_workspace()
    done = undo_remove_command(workspace, resource) if undo else remove_command(workspace, resource)
    if as_json:
        print_json(done.to_json())
    elif undo:
        workspace.interaction.tell(f"Resource {resource} is back")
    else:
        files = "" if done.path is None else f"; its files stay in {done.path}"
        workspace.interaction.tell(f"Removed resource {resource}{files}")
