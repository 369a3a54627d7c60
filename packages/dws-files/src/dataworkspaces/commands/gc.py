"""``dws gc``: remove contents that no snapshot needs, from the object store and from where resources keep some."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.storage import (
    hold_all,
    needed_objects,
    needed_versions,
    open_sharing_workspaces,
    resources_with_versions,
)
from dataworkspaces.errors import DwsError
from dataworkspaces.filetree.objects.garbage import Garbage, find_garbage, remove_garbage
from dataworkspaces.filetree.objects.store import ObjectStore
from dataworkspaces.lineage.runs.earlier import EarlierRuns
from dataworkspaces.operations.deleted_snapshots import DeletedSnapshots
from dataworkspaces.operations.store_users import StoreUsers
from dataworkspaces.workspace.collect import Collected, CollectMixin
from dataworkspaces.workspace.kept_versions import KeptVersionsMixin

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dataworkspaces.workspace import Workspace

KEEP_DAYS = 14.0
_UNSURE_SECONDS = 86400.0


@dataclass(frozen=True)
class CollectedElsewhere:
    """:ivar resource: which keeps contents in a place of its own; None for the workspace."""

    resource: str | None
    objects: int
    size: int

    def to_json(self) -> dict[str, Any]:
        return {"resource": self.resource, "objects": self.objects, "bytes": self.size}


@dataclass(frozen=True)
class GarbageReport:
    """What was, or would be, removed.

    :ivar objects, size: contents, and the bytes in them, in the object store and wherever else resources keep some.
    :ivar young: contents that are not needed, but kept for now.
    :ivar forgotten: versions that a restore replaced longer ago than contents are kept.
    :ivar deletions: deletions of snapshots that are so long ago, and cannot be undone from then on.
    :ivar runs: results of earlier runs that were moved aside so long ago.
    :ivar damaged: packs that cannot be read, and what resources could not look at; they stay.
    :ivar workspaces: the other workspaces that use the store, whose contents stay too.
    :ivar obstacle: why packs could not be written anew, as on a full disk; empty if they were.
    :ivar elsewhere: what of ``objects`` and ``size`` is not in the store.
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
    runs: int = 0
    elsewhere: tuple[CollectedElsewhere, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "store": self.store,
            "objects": self.objects,
            "bytes": self.size,
            "young": self.young,
            "forgotten_versions": self.forgotten,
            "forgotten_deletions": self.deletions,
            "forgotten_runs": self.runs,
            "damaged": list(self.damaged),
            "workspaces": list(self.workspaces),
            "removed": self.removed,
            "obstacle": self.obstacle,
            "elsewhere": [each.to_json() for each in self.elsewhere],
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
        for resource in resources_with_versions(workspace):
            forgotten += len([r for r in resource.replaced_versions() if r.time < before])
            if not dry_run:
                resource.forget_replaced(before)
        deletions = DeletedSnapshots(workspace).deleted_before(before)
        if not dry_run:
            for deleted in deletions:
                deleted.forget()
        runs = EarlierRuns(workspace).before(before)
        if not dry_run:
            for run in runs:
                run.forget()
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
        until = datetime.fromtimestamp(time.time() - keep_seconds)
        held = needed_versions(workspace, before)
        elsewhere: dict[str | None, Collected] = {
            resource.name: _collect(resource, held.get(resource.name, set()), before, until, dry_run)
            for resource in workspace.get_resources()
            if isinstance(resource, CollectMixin)
        }
        if isinstance(workspace, CollectMixin):
            elsewhere[None] = _collect(workspace, set().union(*held.values()), before, until, dry_run)
    return _report(store, garbage, elsewhere, forgotten, others, not dry_run, len(deletions), len(runs))


def _collect(keeper: CollectMixin, held: Collection[str], since: datetime, until: datetime, dry_run: bool) -> Collected:
    """What a resource or the workspace keeps by itself of no version that is ``held``, but for what restores replaced
    ``since`` then, and what is kept since ``until``. What one cannot tell keeps nothing else from being removed."""
    try:
        found = keeper.replaced_versions() if isinstance(keeper, KeptVersionsMixin) else ()
        replaced = {each.version for each in found if each.time >= since}
        return keeper.collect({*held, *replaced}, until, dry_run=dry_run)
    except DwsError as e:
        return Collected(obstacles=(e.message,))


def _report(
    store: ObjectStore,
    garbage: Garbage,
    elsewhere: Mapping[str | None, Collected],
    forgotten: int,
    others: list[Workspace],
    removed: bool,
    deletions: int,
    runs: int,
) -> GarbageReport:
    return GarbageReport(
        store=str(store.root),
        objects=garbage.objects + sum(each.contents for each in elsewhere.values()),
        size=garbage.size + sum(each.size for each in elsewhere.values()),
        young=garbage.young + sum(each.young for each in elsewhere.values()),
        forgotten=forgotten,
        damaged=(*garbage.damaged, *(problem for each in elsewhere.values() for problem in each.obstacles)),
        workspaces=tuple(str(w.get_workspace_local_path_if_any()) for w in others),
        removed=removed,
        obstacle=garbage.obstacle,
        deletions=deletions,
        runs=runs,
        elsewhere=tuple(CollectedElsewhere(n, e.contents, e.size) for n, e in elsewhere.items() if e.contents),
    )
