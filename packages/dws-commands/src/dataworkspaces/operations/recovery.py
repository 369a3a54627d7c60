"""What a journal tells of is completed or undone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import MetadataError
from dataworkspaces.operations.deletion import complete
from dataworkspaces.operations.restore import recover as recover_restore
from dataworkspaces.operations.snapshot import keep_lineage_files
from dataworkspaces.operations.unique_names import leave_labels_to, leave_tag_to
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.workspace.absent import is_absent
from dataworkspaces.workspace.files import FileResourceMixin
from dataworkspaces.workspace.parts import workspace_of
from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace.resource import Resource
    from dataworkspaces.workspace.workspace import Workspace


def recover(workspace: Workspace, operation: str, data: dict[str, Any], interrupted: bool) -> str:
    """See :meth:`Workspace.recover`. A snapshot is completed from its commit point on, and undone before it. A
    restore is completed if its process is gone, and undone if it raised. A deletion is completed."""
    if operation == "pull":  # each resource has a commit point of its own
        return "nothing had to be done"
    if isinstance(workspace, SnapshotWorkspaceMixin):
        outcome = _recover_snapshots(workspace, operation, data, interrupted)
        if outcome is not None:
            return outcome
    raise MetadataError(f"The journal tells of '{operation:.40}', which this release cannot finish")


def _recover_snapshots(
    snapshots: SnapshotWorkspaceMixin, operation: str, data: dict[str, Any], interrupted: bool
) -> str | None:
    if operation == "snapshot":
        return _recover_snapshot(snapshots, data)
    if operation == "restore":
        return recover_restore(snapshots, data, interrupted)
    if operation == "delete-snapshot":
        complete(
            snapshots,
            data["hash"],
            data["include_resources"],
            data["destination"],
            data["restore_hashes"],
            data.get("results_in"),
            data.get("kept_as"),
        )
        workspace_of(snapshots).save(f"Deleted snapshot {data['hash']}")
        return "the snapshot has been deleted now"
    if operation in ("move-tag", "move-labels"):
        return _recover_move(snapshots, data)
    return None


def places_of_unfinished(workspace: Workspace, operation: str, data: dict[str, Any]) -> list[str]:
    """What an unfinished operation has left where, a line each, for whoever sets its journal aside. ``data`` may
    hold anything."""
    if not isinstance(workspace, SnapshotWorkspaceMixin):
        return []
    found = [f"snapshot: {data[key]}" for key in ("hash", "snapshot") if isinstance(data.get(key), str)]
    destination, moved = data.get("destination"), data.get("moved")
    if isinstance(destination, str) and isinstance(moved, dict):
        found += [f"results that were to move: {name}:{destination} (or still in their old place)" for name in moved]
    elif isinstance(destination, str):
        found.append(f"results of the snapshot: {destination}, unless already deleted")
    for key, what in (("prior", "content before the restore"), ("targets", "content to restore")):
        versions = data.get(key)
        if isinstance(versions, dict):
            found += [f"{what}: version {version} of {name}" for name, version in versions.items()]
    return found


def _recover_snapshot(snapshots: SnapshotWorkspaceMixin, data: dict[str, Any]) -> str:
    workspace = workspace_of(snapshots)
    hashval = data.get("hash")
    if hashval is not None and snapshots.has_snapshot(hashval):
        if snapshots.supports_lineage() and not data["existed"]:
            keep_lineage_files(snapshots, _here(workspace), data["destination"], data["moved"])
        snapshots.finish_snapshot(hashval)
        workspace.save(f"Completed snapshot {hashval}")
        if data.get("existed"):
            tags = ", ".join(snapshots.get_snapshot_metadata(hashval).tags) or "none"
            return f"nothing had changed since snapshot {hashval[:7]}, whose tags are now: {tags}"
        return f"snapshot {hashval[:7]} has been completed now"
    for name, files in data["moved"].items():
        resource = workspace.get_resource(name)
        if isinstance(resource, FileResourceMixin):
            resource.results_undo_move(data["destination"], files)
    _remove_unfinished_lineage_files(_here(workspace))
    if hashval is not None:
        snapshots.delete_snapshot_metadata_and_manifest(hashval)
        if snapshots.supports_lineage():
            snapshots.get_lineage_store().delete_snapshot(hashval)
    return "it has been undone; take the snapshot again"


def _recover_move(snapshots: SnapshotWorkspaceMixin, data: dict[str, Any]) -> str:
    """Of a tag or labels: done, if the snapshot that they move to has them."""
    to, tag, labels = data["to"], data.get("tag"), data.get("labels", {})
    metadata = snapshots.get_snapshot_metadata(to)
    if tag is not None and metadata.has_tag(tag):
        leave_tag_to(snapshots, to, tag)
    elif tag is None and labels.items() <= metadata.labels.items():
        leave_labels_to(snapshots, to, labels)
    else:
        return "nothing had been changed"
    workspace_of(snapshots).save(f"Completed a change of snapshot {to[:7]}")
    return f"snapshot {to[:7]} has them now"


def _here(workspace: Workspace) -> list[Resource]:
    return [resource for resource in workspace.get_resources() if not is_absent(workspace, resource)]


def _remove_unfinished_lineage_files(resources: Iterable[Resource]) -> None:
    """Of exported resources, at whose root a killed write leaves its temporary file."""
    for resource in resources:
        if resource.is_exported() and isinstance(resource, FileResourceMixin):
            for name in resource.ls(""):
                if name.startswith(f".{LINEAGE_FILE}.") and name.endswith(".tmp"):
                    resource.delete_file(name)
