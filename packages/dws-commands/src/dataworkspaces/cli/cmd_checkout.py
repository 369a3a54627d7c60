"""``dws checkout``."""

from __future__ import annotations

import click

from dataworkspaces.cli.param_types import ResourceName, SnapshotName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session


@click.command()
@click.argument("tag_or_hash", metavar="SNAPSHOT", type=SnapshotName())
@click.argument("directory", metavar="DIR", type=click.Path())
@click.option("--only", metavar="R,R", type=ResourceName(many=True), help="Check out only these resources.")
@json_option
@common_options
@pass_session
def checkout(session: Session, tag_or_hash: str, directory: str, only: list[str] | None, as_json: bool) -> None:
    """Create a copy of the workspace, as of a snapshot, in another directory.

    DIR is a workspace of its own: nothing here changes, and what is done there stays there until 'dws pull --checkout
    DIR' brings its snapshots here. To go back in this directory, use 'dws restore'.

    \b
    Examples:
      dws checkout V1 ../V1
      dws checkout --only data,code V1 /tmp/try
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import escape, snapshot_name
    from dataworkspaces.commands.checkout import checkout_command, plan_checkout

    workspace = session.open_workspace(reading=True)
    outcome = checkout_command(workspace, plan_checkout(workspace, tag_or_hash, directory, only))
    if as_json:
        print_json(outcome.to_json())
        return
    for left in outcome.left:
        click.echo(f"Left {escape(left.name)}: {escape(left.reason)}")
    workspace.interaction.tell(f"Snapshot {snapshot_name(outcome.snapshot)} is checked out in {outcome.directory}")
