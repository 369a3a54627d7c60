"""``dws undo-restore`` without a resource: bring back all that the last restore replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.operations.restores import past_restores
from dataworkspaces.workspace import SnapshotResourceMixin
from dataworkspaces.workspace.past_restore import PastRestore

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace


@dataclass(frozen=True)
class UndoneRestore:
    """:ivar left: resources of it that are no longer in the workspace."""

    restore: PastRestore
    restored: tuple[str, ...]
    left: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "time": self.restore.time.isoformat(),
            "snapshot": self.restore.snapshot,
            "came_from": self.restore.came_from,
            "restored": {name: self.restore.prior[name] for name in self.restored},
            "left": list(self.left),
        }


def plan_undo_restore(workspace: Workspace) -> UndoneRestore:
    """What :func:`undo_last_restore` would do; raises NotFoundError if no restore was done here."""
    found = [past for past in past_restores(workspace) if past.is_whole]
    if not found:
        raise NotFoundError("There is no restore to undo here", hint="dws undo-restore --list")
    own = workspace.own_files_resource()
    names = {*workspace.get_resource_names(), *([] if own is None else [own.name])}
    able = tuple(name for name in found[0].prior if name in names)
    return UndoneRestore(found[0], able, tuple(name for name in found[0].prior if name not in names))


def undo_last_restore(workspace: Workspace, plan: UndoneRestore) -> UndoneRestore:
    """Bring back what the last restore replaced, of all its resources, and their lineage. What is there now is kept,
    and the same command brings it back."""
    snapshots = workspace.as_snapshot_ws()
    with workspace.transaction("undo-restore"):
        last = plan_undo_restore(workspace)
        if last.restore.name != plan.restore.name:
            raise ConfigurationError(
                "Another restore happened in the meantime, so nothing was undone", hint="Try again"
            )
        resources = [r for r in map(workspace.get_resource, last.restored) if isinstance(r, SnapshotResourceMixin)]
        snapshots.undo_restore(last.restore, resources)
        workspace.save(f"Undid a restore of {', '.join(last.restored)}")
    return last
