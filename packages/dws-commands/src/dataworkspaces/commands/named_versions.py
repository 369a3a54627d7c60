"""Snapshots as a user names them: by tag, hash or label, by the name of an experiment, or to compare them by the branch
whose newest one is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataworkspaces.errors import NotFoundError
from dataworkspaces.operations.included_experiments import include_named
from dataworkspaces.workspace import SnapshotVersion

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, SnapshotWorkspaceMixin, Workspace


def find_snapshot(workspace: Workspace, name: str) -> SnapshotMetadata:
    """The snapshot of that tag, hash or label, or else that of the experiment of that name, which this object reads
    from then on as if it were one of the workspace."""
    include_named(workspace, name)
    return workspace.as_snapshot_ws().get_snapshot_by_tag_or_hash(name)


def find_version(workspace: Workspace, name: str) -> SnapshotMetadata:
    """As :func:`find_snapshot`, or the newest of the branch of that name. It may be on another branch only."""
    snapshots = workspace.as_snapshot_ws()
    try:
        return find_snapshot(workspace, name)
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
