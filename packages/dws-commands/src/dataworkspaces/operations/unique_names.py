"""Tags and labels that one snapshot has and others lose."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata

if TYPE_CHECKING:
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin


def leave_tag_to(snapshots: SnapshotWorkspaceMixin, hash_val: str, tag: str) -> None:
    """Other snapshots lose a tag that one has. Idempotent."""
    for other in snapshots.get_hashes_with_tag(tag):
        if other != hash_val:
            snapshots.remove_tag_from_snapshot(other, tag)


def leave_labels_to(snapshots: SnapshotWorkspaceMixin, hash_val: str, labels: Mapping[str, str]) -> None:
    """Other snapshots lose labels that one has. Idempotent."""
    for key, value in labels.items():
        for other in snapshots.get_hashes_with_label(key, value):
            if other != hash_val:
                snapshots.update_snapshot_metadata(other, partial(_without_label, key))


def _without_label(key: str, metadata: SnapshotMetadata) -> SnapshotMetadata:
    return metadata.replace(labels={name: value for name, value in metadata.labels.items() if name != key})
