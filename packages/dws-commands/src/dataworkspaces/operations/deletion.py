"""The deletion of a snapshot, which is kept on this machine to be undone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from dataworkspaces.errors import DwsError, MetadataError
from dataworkspaces.operations import environments
from dataworkspaces.operations.deleted_snapshots import DeletedSnapshots
from dataworkspaces.workspace.documents import ATTESTATIONS
from dataworkspaces.workspace.local_directory import LocalDirectoryMixin
from dataworkspaces.workspace.parts import workspace_of
from dataworkspaces.workspace.snapshot_metadata import RESULTS_IN, SnapshotMetadata
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin


def delete(snapshots: SnapshotWorkspaceMixin, hash_val: str, include_resources: bool = False) -> None:
    """Delete a snapshot's metadata, manifest and lineage, and with ``include_resources`` the results that are
    kept for it. Idempotent; a killed one is completed."""
    metadata = snapshots.get_snapshot_metadata(hash_val)
    destination = metadata.relative_destination_path
    results_in = _own_results(snapshots, metadata) if include_resources else []
    kept_as = _keep(snapshots, metadata)
    journal = workspace_of(snapshots).journal
    if journal is not None:
        journal.record(
            "delete-snapshot",
            hash=hash_val,
            include_resources=include_resources,
            destination=destination,
            restore_hashes=metadata.restore_hashes,
            results_in=results_in,
            kept_as=kept_as,
        )
    complete(snapshots, hash_val, include_resources, destination, metadata.restore_hashes, results_in, kept_as)


def _keep(snapshots: SnapshotWorkspaceMixin, metadata: SnapshotMetadata) -> str:
    """Note a snapshot on this machine, from where its deletion can be undone."""

    lineage = {}
    if snapshots.supports_lineage():
        store = snapshots.get_lineage_store()
        for name in metadata.restore_hashes:
            try:
                lineage[name] = store.kept_document(metadata.hashval, name)
            except MetadataError as e:  # which keeps nobody from deleting it
                workspace_of(snapshots).interaction.warn(f"The lineage of '{name}' is lost: {e.message}")
    manifest: bytes | None = None
    with suppress(MetadataError):
        manifest = snapshots.get_snapshot_manifest_bytes(metadata.hashval)
    return DeletedSnapshots(workspace_of(snapshots)).keep(
        metadata,
        manifest,
        lineage,
        tuple(snapshots.get_snapshot_graph().children(metadata.hashval)),
        {**environments.documents_of(snapshots, metadata), **_attestations(snapshots, metadata.hashval)},
    )


def _attestations(snapshots: SnapshotWorkspaceMixin, hash_val: str) -> dict[str, bytes]:
    workspace = workspace_of(snapshots)
    found = {key: workspace.read_document(key) for key in workspace.list_documents(f"{ATTESTATIONS}/{hash_val}")}
    return {key: content for key, content in found.items() if content is not None}


def complete(
    snapshots: SnapshotWorkspaceMixin,
    hash_val: str,
    include_resources: bool,
    destination: str,
    restore_hashes: Mapping[str, str | None],
    results_in: Collection[str] | None = None,
    kept_as: str | None = None,
) -> None:
    if snapshots.has_snapshot(hash_val):
        _hand_on_parents(snapshots, hash_val)
    snapshots.delete_snapshot_metadata_and_manifest(hash_val)
    if snapshots.supports_lineage():
        snapshots.get_lineage_store().delete_snapshot(hash_val)
        environments.collect(snapshots)
    workspace = workspace_of(snapshots)
    workspace.delete_documents(workspace.list_documents(f"{ATTESTATIONS}/{hash_val}"))
    if not include_resources or not destination:
        return

    deleted = DeletedSnapshots(workspace_of(snapshots))
    for resource in workspace_of(snapshots).get_resources():
        if results_in is not None and resource.name not in results_in:
            continue
        if resource.has_results_role() and isinstance(resource, SnapshotResourceMixin):
            try:
                if kept_as is not None and isinstance(resource, LocalDirectoryMixin):
                    place = deleted.place_of_results(kept_as, resource.name)
                    resource.take_results_directory(destination, place)
                resource.delete_snapshot(hash_val, restore_hashes.get(resource.name), destination)
            except DwsError as e:
                # The snapshot is gone all the same; an error here would come again at each attempt to finish.
                interaction = workspace_of(snapshots).interaction
                interaction.warn(f"The results in '{resource.name}' are still there: {e.message}")


def _own_results(snapshots: SnapshotWorkspaceMixin, metadata: SnapshotMetadata) -> list[str]:
    """The resources in which the results directory of a snapshot is its own: those whose files it moved, unless
    another snapshot names the same directory, and did not say that it moved nothing there.

    Snapshots of earlier releases did not say which they moved: where two name one directory, it stays."""
    noted = metadata.other.get(RESULTS_IN)
    names = [r.name for r in workspace_of(snapshots).get_resources() if r.has_results_role()]
    own = [name for name in names if not isinstance(noted, list) or name in noted]
    for other in snapshots.list_snapshots() if own else ():
        if other.hashval == metadata.hashval or other.relative_destination_path != metadata.relative_destination_path:
            continue
        theirs = other.other.get(RESULTS_IN)
        shared = [name for name in own if not isinstance(theirs, list) or name in theirs]
        if shared:
            workspace_of(snapshots).interaction.warn(
                f"'{metadata.relative_destination_path}' in {', '.join(shared)} stays: snapshot "
                f"{other.hashval[:7]} has its results there too"
            )
            own = [name for name in own if name not in shared]
    return own


def _hand_on_parents(snapshots: SnapshotWorkspaceMixin, hash_val: str) -> None:
    """The snapshots that came after one that goes come after its parents, too. Idempotent."""
    graph = snapshots.get_snapshot_graph()
    gone = snapshots.get_snapshot_metadata(hash_val)
    before = graph.parents(hash_val)
    for child in graph.children(hash_val):
        metadata = snapshots.get_snapshot_metadata(child)
        parents = None if metadata.parents is None else _with_those_of(metadata.parents, hash_val, before)
        names = {*metadata.resource_parents, *(gone.resource_parents if hash_val in (parents or ()) else ())}
        of_resources = {
            name: _with_those_of(
                metadata.resource_parents.get(name, metadata.parents or []), hash_val, graph.parents(hash_val, name)
            )
            for name in sorted(names)
        }
        new = metadata.replace(parents=parents, resource_parents=of_resources)
        if new != metadata:
            snapshots.save_snapshot_metadata_and_manifest(new, snapshots.get_snapshot_manifest_bytes(child))


def _with_those_of(parents: Sequence[str], gone: str, before: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*parents, *before])) if gone in parents else list(parents)
