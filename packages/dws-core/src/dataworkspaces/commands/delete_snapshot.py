"""``dws delete-snapshot``: remove a snapshot, which ``dws undo-delete`` brings back for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataworkspaces.errors import UserAbort

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace


def delete_snapshot_command(workspace: Workspace, tag_or_hash: str, include_resources: bool = True) -> SnapshotMetadata:
    """Delete a snapshot and, with ``include_resources``, the results that are kept for it; returns what it was.

    Asks first; raises UserAbort if the user answers no. Yes is the default, as for all that can be undone."""
    snapshots = workspace.as_snapshot_ws()
    with workspace.transaction("delete-snapshot"):
        metadata = snapshots.get_snapshot_by_tag_or_hash(tag_or_hash)
        if not workspace.interaction.confirm(_question(metadata, include_resources), default=True):
            raise UserAbort(f"Snapshot {metadata.hashval[:7]} stays")
        snapshots.delete_snapshot(metadata.hashval, include_resources)
        workspace.save(f"Deleted snapshot {metadata.hashval[:7]}")
    return metadata


def _question(metadata: SnapshotMetadata, include_resources: bool) -> str:
    tags = f" ({', '.join(metadata.tags)})" if metadata.tags else ""
    what = f"snapshot {metadata.hashval[:7]}{tags} of {metadata.taken_at}"
    what += " and the results kept for it" if include_resources else ""
    return f"Delete {what} ('dws undo-delete' brings it back)?"
