"""``dws delete-snapshot``: remove a snapshot, which ``dws undo-delete`` brings back for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataworkspaces.errors import ConfigurationError, UserAbort
from dataworkspaces.toolbox.names import some

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace


def delete_snapshot_command(workspace: Workspace, tag_or_hash: str, include_resources: bool = True) -> SnapshotMetadata:
    """Delete a snapshot and, with ``include_resources``, the results that are kept for it; returns what it was.

    Asks first; raises UserAbort if the user answers no. Yes is the default, as for all that can be undone. A snapshot
    that has other tags is not deleted by one of them: ConfigurationError."""
    snapshots = workspace.as_snapshot_ws()
    asked = snapshots.get_snapshot_by_tag_or_hash(tag_or_hash)
    _check_is_meant(asked, tag_or_hash)
    if not workspace.interaction.confirm(_question(asked, include_resources), default=True):
        raise UserAbort(f"Snapshot {asked.hashval[:7]} stays")
    with workspace.transaction("delete-snapshot"):
        metadata = snapshots.get_snapshot_metadata(asked.hashval)
        _check_is_meant(metadata, tag_or_hash)
        snapshots.delete_snapshot(metadata.hashval, include_resources)
        workspace.save(f"Deleted snapshot {metadata.hashval[:7]}")
    return metadata


def _check_is_meant(metadata: SnapshotMetadata, tag_or_hash: str) -> None:
    others = [tag for tag in metadata.tags if tag != tag_or_hash]
    if others and not metadata.matches_partial_hash(tag_or_hash):
        short = metadata.hashval[:12]
        which = f"Snapshot {short[:7]}, which '{tag_or_hash}' names, has other tags: {some(others)}"
        alone = "" if "=" in tag_or_hash else f"To delete only this tag: dws tag --delete {tag_or_hash}. "
        raise ConfigurationError(which, hint=f"{alone}To delete the snapshot: dws delete-snapshot {short}")


def _question(metadata: SnapshotMetadata, include_resources: bool) -> str:
    tags = f" ({', '.join(metadata.tags)})" if metadata.tags else ""
    what = f"snapshot {metadata.hashval[:7]}{tags} of {metadata.taken_at}"
    what += " and the results kept for it" if include_resources else ""
    return f"Delete {what} ('dws undo-delete' brings it back)?"
