"""Snapshots as a user names them to compare them: by tag, hash or label, or by the branch whose newest one is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataworkspaces.errors import NotFoundError
from dataworkspaces.workspace import SnapshotVersion

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, SnapshotWorkspaceMixin


def find_version(snapshots: SnapshotWorkspaceMixin, name: str) -> SnapshotMetadata:
    """The snapshot of that tag, hash or label, or the newest of that branch. It may be on another branch only."""
    try:
        return snapshots.get_snapshot_by_tag_or_hash(name)
    except NotFoundError:
        if name not in snapshots.get_branches():
            raise
    newest = next(iter(snapshots.list_branch(name)), None)
    if newest is None:
        raise NotFoundError(
            f"Branch '{name}' holds no snapshot", hint="'dws history --all' lists those of all branches"
        )
    return newest


def versions_in(snapshots: SnapshotWorkspaceMixin, snapshot: SnapshotMetadata) -> dict[str, SnapshotVersion]:
    """As :meth:`SnapshotWorkspaceMixin.get_snapshot_versions`, also of a snapshot on another branch."""
    return {
        entry["name"]: SnapshotVersion(entry.get("hash"), snapshot.restore_hashes.get(entry["name"]))
        for entry in snapshots.get_snapshot_manifest(snapshot.hashval)
    }
