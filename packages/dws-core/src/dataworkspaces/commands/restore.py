"""``dws restore``: bring resources back to a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.summaries import changes_json, snapshot_json

if TYPE_CHECKING:
    from dataworkspaces.workspace import FileChange, SnapshotMetadata, Workspace


@dataclass(frozen=True)
class PlannedRestore:
    """A resource to bring back.

    :ivar changes: what would happen to its files; None if nobody asked, or if the type cannot tell.
    """

    name: str
    restore_hash: str
    changes: tuple[FileChange, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "restore_hash": self.restore_hash,
            "changes": changes_json(self.changes),
        }


@dataclass(frozen=True)
class LeftResource:
    """A resource that stays as it is, and why: a phrase that follows ``NAME: ``."""

    name: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "reason": self.reason}


@dataclass(frozen=True)
class RestorePlan:
    """What a restore would do. ``restored`` may be empty."""

    snapshot: SnapshotMetadata
    restored: tuple[PlannedRestore, ...]
    left: tuple[LeftResource, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "snapshot": snapshot_json(self.snapshot),
            "restored": [r.to_json() for r in self.restored],
            "left": [r.to_json() for r in self.left],
        }


@dataclass(frozen=True)
class RestoreOutcome:
    """What a restore did."""

    snapshot: SnapshotMetadata
    restored: tuple[str, ...]
    left: tuple[LeftResource, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "snapshot": snapshot_json(self.snapshot),
            "restored": list(self.restored),
            "left": [r.to_json() for r in self.left],
        }


def plan_restore(
    workspace: Workspace,
    tag_or_hash: str,
    only: Sequence[str] | None = None,
    leave: Sequence[str] | None = None,
    strict: bool = False,
    *,
    list_files: bool = False,
) -> RestorePlan:
    """What :func:`restore_command` would do; changes nothing.

    :param only: these resources and no others.
    :param leave: all but these; not together with ``only``.
    :param strict: an error if a resource cannot be brought back, instead of leaving it.
    :param list_files: fill in the files of each resource, for ``--dry-run``.
    """
    raise NotImplementedError


def restore_command(workspace: Workspace, plan: RestorePlan) -> RestoreOutcome:
    """Do what was planned. The user has confirmed it."""
    raise NotImplementedError
