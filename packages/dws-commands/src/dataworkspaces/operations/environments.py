"""The environments that the steps of snapshots ran in: documents that snapshots share, each kept once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from dataworkspaces.errors import DwsError, MetadataError, NotFoundError
from dataworkspaces.lineage.environment_records import keep_records, read_record
from dataworkspaces.workspace.documents import ENVIRONMENTS, is_document_name
from dataworkspaces.workspace.parts import workspace_of

if TYPE_CHECKING:
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin
    from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata

KEY = "environments"
"""In the metadata of a snapshot: the names of the documents, sorted."""


def keep(snapshots: SnapshotWorkspaceMixin, resource_names: Sequence[str]) -> list[str]:
    """Have those that current lineage names travel with a snapshot; returns their names. Idempotent, and no snapshot
    fails for them."""
    store = snapshots.get_lineage_store()
    entries = [entry for name in resource_names for entry in store.entries(name)]
    return keep_records(workspace_of(snapshots), entries)


def names_in(metadata: SnapshotMetadata) -> list[str]:
    """What a snapshot says of itself; somebody else may have written anything there."""
    noted = metadata.other.get(KEY)
    found = noted if isinstance(noted, list) else []
    return [name for name in found if isinstance(name, str) and is_document_name(name)]


def documents_of(snapshots: SnapshotWorkspaceMixin, metadata: SnapshotMetadata) -> dict[str, bytes]:
    """By key, for a deletion that may be undone; without those that are lost."""
    found = {}
    for name in names_in(metadata):
        with suppress(NotFoundError, MetadataError):
            found[f"{ENVIRONMENTS}/{name}"] = read_record(workspace_of(snapshots), name)
    return found


def collect(snapshots: SnapshotWorkspaceMixin) -> None:
    """Forget those that no snapshot names any more. Where one cannot be read, nothing is forgotten: it may name any."""
    workspace = workspace_of(snapshots)
    unused = set(workspace.list_documents(ENVIRONMENTS))
    if not unused:
        return
    try:
        for metadata in snapshots.list_snapshots():
            unused.difference_update(f"{ENVIRONMENTS}/{name}" for name in names_in(metadata))
            if not unused:
                return
    except DwsError as e:
        workspace.interaction.warn(f"Environments of deleted snapshots stay: {e.message}")
        return
    workspace.delete_documents(sorted(unused))
