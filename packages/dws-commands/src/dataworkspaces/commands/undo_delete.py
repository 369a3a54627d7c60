"""``dws undo-delete``: bring back a snapshot that was deleted, with its results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataworkspaces.errors import ConflictError, NotFoundError
from dataworkspaces.lineage.from_json import entries_from_json
from dataworkspaces.operations.deleted_snapshots import DeletedSnapshot, DeletedSnapshots, without_tags
from dataworkspaces.workspace.files import FileResourceMixin
from dataworkspaces.workspace.local_directory import LocalDirectoryMixin
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace
    from dataworkspaces.workspace.resource import Resource


def list_deleted(workspace: Workspace) -> list[DeletedSnapshot]:
    """What can be brought back, the latest deletion first."""
    snapshots = workspace.as_snapshot_ws()
    return [each for each in DeletedSnapshots(workspace).all() if not snapshots.has_snapshot(each.metadata.hashval)]


def undo_delete_command(workspace: Workspace, tag_or_hash: str) -> SnapshotMetadata:
    """Bring back the snapshot that was deleted last of those with a tag, or with a hash that starts so.

    Results first, then the lineage, then the snapshot itself: whoever is killed between does it once more."""
    with workspace.transaction("undo-delete"):
        deleted = _find(workspace, tag_or_hash)
        deleted.manifest()
        _bring_back_results(workspace, deleted)
        metadata = _bring_back_snapshot(workspace, deleted)
        workspace.save(f"Undid the deletion of snapshot {metadata.hashval[:7]}")
        deleted.forget()
    return metadata


def _find(workspace: Workspace, tag_or_hash: str) -> DeletedSnapshot:
    """Also one that is there again, if it was brought back by a process that was killed before it could save that."""
    known = list_deleted(workspace)
    if workspace.is_unfinished():
        known += [each for each in DeletedSnapshots(workspace).all() if each not in known and not each.results()]
    for deleted in known:
        if deleted.metadata.has_tag(tag_or_hash) or deleted.metadata.matches_partial_hash(tag_or_hash):
            return deleted
    raise NotFoundError(
        f"No snapshot '{tag_or_hash}' was deleted here recently",
        hint="'dws undo-delete --list' lists deleted snapshots",
    )


def _bring_back_results(workspace: Workspace, deleted: DeletedSnapshot) -> None:
    """Raises ConflictError, before anything is moved, if something else lies in their place by now."""
    destination = deleted.metadata.relative_destination_path
    places: list[tuple[Resource, LocalDirectoryMixin]] = []
    for name in deleted.results():
        resource = workspace.get_resource(name)
        if not isinstance(resource, LocalDirectoryMixin):
            raise ConflictError(f"Resource '{name}' is no longer a directory; its results are in {deleted.directory}")
        if resource.holds_results_directory(destination):
            raise ConflictError(
                f"Resource '{name}' contains '{destination}' again, so the deleted results cannot go there",
                hint="Move away what is there now, and try again",
            )
        places.append((resource, resource))
    for resource, local in places:
        local.bring_back_results_directory(destination, deleted.results()[resource.name])
    for resource in workspace.get_resources():  # also those whose results an undoing that was killed has brought back
        if (
            resource.has_results_role()
            and isinstance(resource, SnapshotResourceMixin)
            and isinstance(resource, FileResourceMixin)
            and resource.does_subpath_exist(destination)
        ):
            resource.keep_snapshot_files([destination])


def _bring_back_snapshot(workspace: Workspace, deleted: DeletedSnapshot) -> SnapshotMetadata:
    snapshots = workspace.as_snapshot_ws()
    hashval = deleted.metadata.hashval
    own = snapshots.get_snapshot_metadata(hashval).tags if snapshots.has_snapshot(hashval) else []
    taken = set(snapshots.get_tags()).intersection(deleted.metadata.tags).difference(own)
    if taken:
        names = ", ".join(sorted(taken))
        workspace.interaction.warn(f"Another snapshot now has the tag {names}, and keeps it")
    metadata = without_tags(deleted.metadata, taken)
    if snapshots.supports_lineage():
        where = str(deleted.directory)
        kept = {name: entries_from_json(document, where) for name, document in deleted.lineage().items()}
        snapshots.get_lineage_store().bring_back_snapshot(hashval, kept)
    workspace.write_documents(deleted.documents())
    snapshots.save_snapshot_metadata_and_manifest(metadata, deleted.manifest())
    for child in deleted.children:
        if not snapshots.has_snapshot(child):
            continue
        after = snapshots.get_snapshot_metadata(child)
        if after.parents is not None and hashval not in after.parents:
            mine = metadata.parents or []
            parents = [hashval, *(parent for parent in after.parents if parent not in mine)]
            manifest = snapshots.get_snapshot_manifest_bytes(child)
            snapshots.save_snapshot_metadata_and_manifest(after.replace(parents=parents), manifest)
    return metadata
