"""``dws snapshot`` and ``dws delete-snapshot``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataworkspaces.cli.param_types import SnapshotName
from dataworkspaces.cli.session import Session, common_options, pass_session

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace


@click.command()
@click.argument("tag", required=False)
@click.option("-m", "--message", metavar="TEXT", default="", help="What this snapshot is about.")
@common_options
@pass_session
def snapshot(session: Session, tag: str | None, message: str) -> None:
    """Keep the present state of all resources, under the name TAG if one is given.

    Current results move to a directory of their own, with the lineage of each.
    """
    from dataworkspaces.cli.text import short_hash, snapshot_name
    from dataworkspaces.commands.snapshot import snapshot_command

    workspace = session.open_workspace()
    tell = workspace.interaction.tell
    outcome = snapshot_command(workspace, tag, message)
    metadata = outcome.metadata
    if outcome.is_new:
        tell(f"Took snapshot {snapshot_name(metadata)}")
        for place in _kept_results(workspace, metadata.relative_destination_path):
            tell(f"Its results are in {place}")
    else:
        tell(f"Nothing has changed since snapshot {snapshot_name(metadata)} of {metadata.timestamp[:19]}")
        if outcome.message_changed:
            tell("It has the new message now")
    if outcome.tag_moved_from is not None:
        tell(f"Tag {tag} was at snapshot {short_hash(outcome.tag_moved_from)} before")


def _kept_results(workspace: Workspace, destination: str) -> list[str]:
    """Where the results of a snapshot are, as ``resource:path``."""
    from dataworkspaces.workspace import FileResourceMixin

    return [
        f"{resource.name}:{destination}"
        for resource in workspace.get_resources()
        if resource.has_results_role()
        and isinstance(resource, FileResourceMixin)
        and resource.does_subpath_exist(destination)
    ]


@click.command("delete-snapshot")
@click.argument("tag_or_hash", type=SnapshotName())
@click.option("--no-include-resources", is_flag=True, help="Keep the results that were kept for this snapshot.")
@common_options
@pass_session
def delete_snapshot(session: Session, tag_or_hash: str, no_include_resources: bool) -> None:
    """Remove a snapshot for good: its metadata, its lineage and the results that were kept for it."""
    from dataworkspaces.cli.text import snapshot_name
    from dataworkspaces.commands.delete_snapshot import delete_snapshot_command

    workspace = session.open_workspace()
    deleted = delete_snapshot_command(workspace, tag_or_hash, not no_include_resources)
    workspace.interaction.tell(f"Deleted snapshot {snapshot_name(deleted)}")
