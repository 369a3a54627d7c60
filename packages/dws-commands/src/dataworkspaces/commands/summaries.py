"""The JSON of values that several commands return."""

from __future__ import annotations

from typing import Any

from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata
from dataworkspaces.workspace.versions import FileChange


def snapshot_json(metadata: SnapshotMetadata) -> dict[str, Any]:
    """What identifies a snapshot for people."""
    return {
        "hash": metadata.hashval,
        "tags": list(metadata.tags),
        "message": metadata.message,
        "hostname": metadata.hostname,
        "timestamp": metadata.timestamp,
        "utc_offset": metadata.utc_offset,
    }


def runs_of_snapshot(snapshot: SnapshotMetadata) -> dict[str, str]:
    """By results resource the state of the run whose results the snapshot holds, where it was not completed."""
    found = snapshot.other.get("runs")
    return {str(k): v for k, v in found.items() if v in ("failed", "running")} if isinstance(found, dict) else {}


def changes_json(changes: tuple[FileChange, ...] | None) -> list[dict[str, Any]] | None:
    """The files of a resource; None where its type cannot tell."""
    if changes is None:
        return None
    return [{"status": c.status, "path": c.path, "old_path": c.old_path} for c in changes]
