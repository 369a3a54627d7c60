"""A restore, and its undoing: resources go to versions, and their lineage with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dataworkspaces.operations.included_experiments import include_hash
from dataworkspaces.operations.present_snapshot import note_present_snapshot, present_snapshot
from dataworkspaces.operations.restores import forget_restore, note_restore, past_restores
from dataworkspaces.workspace.parts import workspace_of
from dataworkspaces.workspace.past_restore import PastRestore
from dataworkspaces.workspace.resource import ResourceRoles
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin


def restore(
    snapshots: SnapshotWorkspaceMixin,
    snapshot_hash: str,
    restore_hashes: Mapping[str, str | None],
    resources: Sequence[SnapshotResourceMixin],
) -> None:
    """See :meth:`SnapshotWorkspaceMixin.restore`."""
    snapshots._restore_precheck(resources)
    snapshots.restore_prechecks(resources, restore_hashes)
    names = [resource.name for resource in resources]
    _replace(snapshots, snapshot_hash, {name: restore_hashes[name] for name in names}, resources)
    for resource in resources:
        resource.restored(snapshot_hash, str(restore_hashes[resource.name]))
    _note_restored(snapshots, snapshot_hash, names)
    if snapshots.supports_lineage():
        snapshots.get_lineage_store().restore(snapshot_hash, names)


def undo(snapshots: SnapshotWorkspaceMixin, past: PastRestore, resources: Sequence[SnapshotResourceMixin]) -> None:
    """See :meth:`SnapshotWorkspaceMixin.undo_restore`."""
    snapshots._restore_precheck(resources)
    targets: dict[str, str | None] = {r.name: past.prior[r.name] for r in resources}
    snapshots.restore_prechecks(resources, targets)
    _replace(snapshots, None, targets, resources, undoes=past)
    _finish_undo(snapshots, past, list(targets))


def restore_versions(
    snapshots: SnapshotWorkspaceMixin, versions: Mapping[str, str], resources: Sequence[SnapshotResourceMixin]
) -> None:
    """See :meth:`SnapshotWorkspaceMixin.restore_versions`."""
    snapshots._restore_precheck(resources)
    snapshots.restore_prechecks(resources, versions)
    _replace(snapshots, None, versions, resources)


def _replace(
    snapshots: SnapshotWorkspaceMixin,
    snapshot_hash: str | None,
    targets: Mapping[str, str | None],
    resources: Sequence[SnapshotResourceMixin],
    undoes: PastRestore | None = None,
) -> None:
    workspace = workspace_of(snapshots)
    journal = workspace.journal
    what = {"snapshot": snapshot_hash, "targets": dict(targets), "undoes": None if undoes is None else undoes.name}
    if journal is not None:
        journal.record("restore", **what, prior={})
    prior = {name: v.restore_hash for name, v in snapshots.snapshot_resources(resources).items()}
    lineage = snapshots.get_lineage_store().current_documents(targets) if snapshots.supports_lineage() else {}
    is_whole = snapshot_hash is not None or undoes is not None
    noted = note_restore(workspace, snapshot_hash, present_snapshot(workspace), prior, targets, lineage, is_whole)
    if journal is not None:
        journal.record("restore", **what, prior=prior, noted=noted)
    snapshots.restore_resources(resources, targets)


def _note_restored(snapshots: SnapshotWorkspaceMixin, snapshot_hash: str, names: Collection[str]) -> None:
    """The state is of a snapshot, if all that could be was brought back to it."""
    workspace = workspace_of(snapshots)
    restore_hashes = snapshots.get_snapshot_metadata(snapshot_hash).restore_hashes
    for name in workspace.get_resource_names():  # by name: the type of one may not be installed
        can = workspace.get_resource_role(name) != ResourceRoles.RESULTS and restore_hashes.get(name) is not None
        if can and name not in names:
            return
    note_present_snapshot(workspace, snapshot_hash)


def _finish_undo(snapshots: SnapshotWorkspaceMixin, past: PastRestore, names: Sequence[str]) -> None:
    """What comes after the files. Idempotent."""
    workspace = workspace_of(snapshots)
    if snapshots.supports_lineage():
        documents = {name: document for name, document in past.lineage.items() if name in names}
        snapshots.get_lineage_store().bring_back_current(documents)
    note_present_snapshot(workspace, past.came_from)
    forget_restore(workspace, past.name)


def recover(snapshots: SnapshotWorkspaceMixin, data: dict[str, Any], interrupted: bool) -> str:
    workspace = workspace_of(snapshots)
    names = list(data["targets"])
    own = workspace.own_files_resource()  # which is not listed if the user had deleted all of them
    known = {*workspace.get_resource_names(), *([] if own is None else [own.name])}
    found = [workspace.get_resource(name) for name in names if name in known]
    resources = [resource for resource in found if isinstance(resource, SnapshotResourceMixin)]
    if not interrupted and not data["prior"]:
        return "nothing had been changed"
    # What is there now may be half of each state, and is what a restore expects to be kept.
    snapshots.snapshot_resources(resources)
    if not interrupted:
        snapshots.restore_resources(resources, data["prior"])
        if isinstance(data.get("noted"), str):
            forget_restore(workspace, data["noted"])
        return "it has been undone"
    if isinstance(data["snapshot"], str):
        include_hash(workspace, data["snapshot"])  # it may be that of an experiment
    snapshots.restore_resources(resources, data["targets"])
    snapshot = data["snapshot"]  # None if it is another version of one resource
    for resource in resources if snapshot is not None else ():
        resource.restored(snapshot, data["targets"][resource.name])
    if snapshot is not None:
        _note_restored(snapshots, snapshot, names)
    for past in past_restores(workspace):
        if past.name == data.get("undoes"):
            _finish_undo(snapshots, past, names)
    if snapshots.supports_lineage() and snapshot is not None:
        snapshots.get_lineage_store().restore(snapshot, names)
    workspace.save(f"Completed a restore of {', '.join(names)}")
    return "the restore has been completed now"
