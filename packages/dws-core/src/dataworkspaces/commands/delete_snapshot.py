"""``dws delete-snapshot``: remove a snapshot for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace


def delete_snapshot_command(
    workspace: Workspace, tag_or_hash: str, include_resources: bool = True
) -> SnapshotMetadata:
    """Delete a snapshot and, with ``include_resources``, the results that are kept for it; returns what it was.

    Asks first (outside of batch mode); raises UserAbort if the user answers no."""
    raise NotImplementedError
