"""``dws rename``."""

from __future__ import annotations

import click

from dataworkspaces.cli.param_types import ResourceName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session


@click.command()
@click.argument("resource", type=ResourceName())
@click.argument("new_name", metavar="NEW")
@json_option
@common_options
@pass_session
def rename(session: Session, resource: str, new_name: str, as_json: bool) -> None:
    """Call RESOURCE NEW from now on. Its files stay where they are.

    Old snapshots and their lineage show the new name, and so do all copies after 'dws pull'. Scripts and dws:// links
    that name the old one still work.

    \b
    Example: dws rename data digits
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.rename import rename_command

    workspace = session.open_workspace()
    done = rename_command(workspace, resource, new_name)
    if as_json:
        print_json(done.to_json())
        return
    files = "" if done.path is None else f"; its files stay in {done.path}"
    workspace.interaction.tell(f"Resource {done.old_name} is called {done.name} now{files}")
