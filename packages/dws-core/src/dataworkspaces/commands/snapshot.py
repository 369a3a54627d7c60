"""``dws snapshot``: keep the present state of all resources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.summaries import snapshot_json

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace


@dataclass(frozen=True)
class SnapshotOutcome:
    """The snapshot of the present state.

    :ivar is_new: False if nothing had changed since a snapshot, which is then the one described here.
    :ivar tag_moved_from: hash of the snapshot that had the tag before.
    :ivar message_changed: whether the message of a snapshot that is not new was replaced.
    """

    metadata: SnapshotMetadata
    is_new: bool
    tag_moved_from: str | None = None
    message_changed: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            **snapshot_json(self.metadata),
            "is_new": self.is_new,
            "tag_moved_from": self.tag_moved_from,
            "message_changed": self.message_changed,
            "relative_destination_path": self.metadata.relative_destination_path,
            "metrics": self.metadata.metrics,
        }


def snapshot_command(workspace: Workspace, tag: str | None = None, message: str = "") -> SnapshotOutcome:
    """Take a snapshot. A taken tag is moved on confirmation, and an error in batch mode."""
    raise NotImplementedError
