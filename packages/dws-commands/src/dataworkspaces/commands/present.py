"""Which snapshot the present state is, or comes from, and what has changed since.

Where no note says from which snapshot the state comes, it is compared with the newest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from dataworkspaces.errors import NO_ANSWER, DwsError
from dataworkspaces.operations.present_snapshot import present_snapshot
from dataworkspaces.workspace import FileResourceMixin, ResourceChange
from dataworkspaces.workspace.results import SNAPSHOTS_DIRS_RE, results_exclude

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace


class PresentState(NamedTuple):
    """:ivar snapshot: None if there is none.
    :ivar changes: how each resource stands to it.
    :ivar newest: the newest snapshot, which need not be that one."""

    snapshot: SnapshotMetadata | None
    changes: Mapping[str, ResourceChange]
    newest: SnapshotMetadata | None = None

    @property
    def is_snapshot(self) -> bool:
        """Whether nothing has changed since, as far as that can be told."""
        return self.snapshot is not None and all(c.state in ("unchanged", "unknown") for c in self.changes.values())


def present_state(workspace: Workspace) -> PresentState:
    """The snapshot that the present state is, or else the one that it comes from."""
    snapshots = workspace.as_snapshot_ws()
    newest = snapshots.get_most_recent_snapshot()
    noted = _noted(workspace)
    if newest is None:
        return PresentState(None, {})
    found = _compared(workspace, newest if noted is None else noted, newest)
    if not found.is_snapshot and noted is not None and noted.hashval != newest.hashval:
        pulled = _compared(workspace, newest, newest)
        return pulled if pulled.is_snapshot else found
    return found


def _compared(workspace: Workspace, snapshot: SnapshotMetadata, newest: SnapshotMetadata) -> PresentState:
    return PresentState(snapshot, _changes(workspace, snapshot), newest)


def _noted(workspace: Workspace) -> SnapshotMetadata | None:
    hashval = present_snapshot(workspace)
    try:
        return None if hashval is None else workspace.as_snapshot_ws().get_snapshot_metadata(hashval)
    except NO_ANSWER:
        raise
    except DwsError:
        return None  # it was deleted, or is damaged


def _changes(workspace: Workspace, snapshot: SnapshotMetadata) -> dict[str, ResourceChange]:
    snapshots = workspace.as_snapshot_ws()
    changes = dict(snapshots.changes_since(snapshots.get_snapshot_versions(snapshot.hashval)))
    for name, change in changes.items():
        # Results of other snapshots lie beside those of this one: they are no change of the state.
        if change.state == "changed" and not _has_current_results(workspace, name):
            changes[name] = ResourceChange("unchanged")
    return changes


def _has_current_results(workspace: Workspace, name: str) -> bool:
    """Whether a resource has something that the next snapshot would take; True for what holds no results."""
    resource = workspace.get_resource(name)
    if not resource.has_results_role() or not isinstance(resource, FileResourceMixin):
        return True
    try:
        return bool(resource.results_current_files(results_exclude(workspace), SNAPSHOTS_DIRS_RE))
    except DwsError:
        return True
