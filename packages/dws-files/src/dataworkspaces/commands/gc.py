"""``dws gc``: remove contents from the object store that no snapshot needs."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.storage import hold_all, keeping_resources, needed_objects, open_sharing_workspaces
from dataworkspaces.filetree.objects.garbage import Garbage, find_garbage, remove_garbage
from dataworkspaces.filetree.objects.store import ObjectStore
from dataworkspaces.workspace.deleted_snapshots import DeletedSnapshots
from dataworkspaces.workspace.store_users import StoreUsers

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace

KEEP_DAYS = 14.0
_UNSURE_SECONDS = 86400.0


@dataclass(frozen=True)
class GarbageReport:
    """What was, or would be, removed.

    :ivar objects, size: contents, and the bytes in them.
    :ivar young: contents that are not needed, but kept for now.
    :ivar forgotten: versions that a restore replaced longer ago than contents are kept.
    :ivar deletions: deletions of snapshots that are so long ago, and cannot be undone from then on.
    :ivar damaged: packs that cannot be read; they stay.
    :ivar workspaces: the other workspaces that use the store, whose contents stay too.
    :ivar obstacle: why packs could not be written anew, as on a full disk; empty if they were.
    """

    store: str
    objects: int
    size: int
    young: int
    forgotten: int
    damaged: tuple[str, ...]
    workspaces: tuple[str, ...]
    removed: bool
    obstacle: str = ""
    deletions: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "store": self.store,
            "objects": self.objects,
            "bytes": self.size,
            "young": self.young,
            "forgotten_versions": self.forgotten,
            "forgotten_deletions": self.deletions,
            "damaged": list(self.damaged),
            "workspaces": list(self.workspaces),
            "removed": self.removed,
            "obstacle": self.obstacle,
        }


def gc_command(
    workspace: Workspace, *, keep_days: float = KEEP_DAYS, forget: tuple[str, ...] = (), dry_run: bool = False
) -> GarbageReport:
    """Remove what no snapshot of any branch, and no unfinished command, of any workspace that uses the store, needs.

    :param keep_days: what is younger stays, and what a restore replaced or a deletion removed since then.
    :param forget: directories of workspaces that are gone for good.
    :param dry_run: say what would go, and change nothing."""
    store = ObjectStore(workspace.get_objects_directory())
    store.check_format()
    others = list(open_sharing_workspaces(workspace, store.root, forget))
    with ExitStack() as stack:
        # Who only looks need not be able to write, and waits for nobody.
        is_sure = dry_run or hold_all(stack, [workspace, *others], "gc")
        before = datetime.now() - timedelta(days=keep_days)
        forgotten = 0
        for resource in keeping_resources(workspace):
            replaced = resource.kept_content.replaced
            forgotten += len([r for r in replaced.all() if r.time < before])
            if not dry_run:
                with suppress(OSError):  # on a full disk it is listed once more
                    replaced.forget_before(before)
        deletions = DeletedSnapshots(workspace).deleted_before(before)
        if not dry_run:
            for deleted in deletions:
                deleted.forget()
        needed: set[bytes] = set()
        for each in (workspace, *others):
            needed |= needed_objects(each, before if each is workspace else None)
        # Where somebody may be about to refer to contents, those that he has lately kept stay.
        keep_seconds = max(keep_days * 86400, 0 if is_sure else _UNSURE_SECONDS)
        garbage = find_garbage(store, needed, time.time() - keep_seconds)
        if not dry_run:
            for place in forget:
                StoreUsers(store.root).forget(place)
            if not garbage.is_empty:
                remove_garbage(store, needed, garbage)
    return _report(store, garbage, forgotten, others, not dry_run, len(deletions))


def _report(
    store: ObjectStore, garbage: Garbage, forgotten: int, others: list[Workspace], removed: bool, deletions: int
) -> GarbageReport:
    return GarbageReport(
        store=str(store.root),
        objects=garbage.objects,
        size=garbage.size,
        young=garbage.young,
        forgotten=forgotten,
        damaged=tuple(garbage.damaged),
        workspaces=tuple(str(w.get_workspace_local_path_if_any()) for w in others),
        removed=removed,
        obstacle=garbage.obstacle,
        deletions=deletions,
    )
