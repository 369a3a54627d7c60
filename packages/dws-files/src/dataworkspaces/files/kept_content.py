"""What a restorable resource keeps of the content of its versions, and how a version comes back.

Content lies in an object store that several resources and workspaces may share. User files are only read, or written
anew: never moved, and never replaced by links into the store.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import ConfigurationError, DwsError, MetadataError, StorageError
from dataworkspaces.files.replaced_versions import ReplacedVersions
from dataworkspaces.files.summary import summary
from dataworkspaces.filetree import Scan, Tree, Work, diff_trees
from dataworkspaces.filetree.hashing import Tell, tell_nobody
from dataworkspaces.filetree.ignore import IGNORE_FILE, IgnoreRules
from dataworkspaces.filetree.objects.checkout import (
    AT_ONCE,
    check_out,
    is_below,
    is_there,
    make_directories,
    remove,
    remove_directories,
)
from dataworkspaces.filetree.objects.compaction import merge_packs
from dataworkspaces.filetree.objects.ids import DamagedContentError
from dataworkspaces.filetree.objects.store import ObjectStore
from dataworkspaces.filetree.restore_plan import RestorePlan, all_objects, ignore_files, leave_ignored, plan_restore
from dataworkspaces.filetree.store_keeper import PACK_FILES, StoreKeeper, StoreTask, batch_bytes, keep_link_targets
from dataworkspaces.operations.executors import executor_of
from dataworkspaces.operations.store_users import StoreUsers
from dataworkspaces.params import OBJECTS_LIMIT
from dataworkspaces.toolbox.names import some

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from dataworkspaces.files.file_tree import FileTreeMixin
    from dataworkspaces.filetree.objects.ids import ObjectId
    from dataworkspaces.filetree.scan import Known
    from dataworkspaces.workspace.problem import Problem


class KeptContent:
    """The content of one resource's versions."""

    def __init__(self, resource: FileTreeMixin) -> None:
        self._resource = resource
        self._workspace = resource.workspace
        self._planned: tuple[tuple[str, str], RestorePlan] | None = None
        self._contents: tuple[str, dict[ObjectId, str], frozenset[str]] | None = None

    @cached_property
    def store(self) -> ObjectStore:
        return ObjectStore(self._workspace.get_objects_directory())

    @property
    def replaced(self) -> ReplacedVersions:
        """The versions that a restore replaced."""
        directory = self._workspace.get_resource_local_directory(self._resource.as_resource())
        return ReplacedVersions(directory / "replaced_versions.json")

    # -- keeping ---------------------------------------------------------------------------------------------------

    def work(self, scanned: Scan, advance: Tell = tell_nobody) -> Work:
        """How to read the files of a scan so that their content is kept."""
        workers = os.cpu_count() or 1
        return Work(
            executor=executor_of(self._workspace),
            task=StoreTask(self.store, os.fspath(scanned.root)),
            batch_files=PACK_FILES,
            batch_bytes=batch_bytes(scanned.total_size, workers, scanned.file_count),
            keeper=StoreKeeper(self.store),
            advance=advance,
        )

    def complete(self, scanned: Scan) -> None:
        """Keep what is not a file, and have all of it on disk."""
        self._workspace.ignore_local_path(self.store.root)
        own = self._workspace.get_workspace_local_path_if_any()
        if own is not None:
            StoreUsers(self.store.root).add(own)
        keep_link_targets(self.store, scanned)
        self.store.sync()
        self.merge_packs()
        self._check_limit()

    def merge_packs(self) -> None:
        """Keep the number of packs small. What has been kept is kept, whether there is space for that or not."""
        with suppress(OSError):
            merge_packs(self.store)

    def mend(self, ids: Collection[ObjectId], *, damaged: bool = False) -> set[ObjectId]:
        """See :func:`dataworkspaces.files.recovered_contents.mend`."""
        from dataworkspaces.files.recovered_contents import mend

        return mend(self._resource, ids, damaged=damaged)

    def _check_limit(self) -> None:
        limit = self._workspace.get_local_param(OBJECTS_LIMIT)
        size = self.store.usage().size if limit is not None else 0
        if limit is not None and size > limit:
            self._workspace.interaction.warn(
                f"The object store {self.store.root} has {size:,} bytes, more than the parameter objects.limit says "
                f"({limit:,}): dws du shows what needs them"
            )

    # -- restoring -------------------------------------------------------------------------------------------------

    def restore_precheck(self, version: str) -> None:
        """Raise ConfigurationError if :meth:`restore` would fail, or destroy what is not kept; changes nothing."""
        self._check_place()
        self._check(self._plan(self._resource.present_tree(), version))

    def _check_place(self) -> None:
        root = self._resource.local_root()
        place = root if root.is_dir() else root.parent
        if not os.access(place, os.W_OK | os.X_OK):
            raise StorageError(f"Resource '{self._resource.name}': {place} cannot be written to")

    def _plan(self, now: Tree, version: str) -> RestorePlan:
        """What makes a version of a tree. Trees never change, so the check beforehand and the restore have one plan,
        unless files changed meanwhile."""
        trees = (now.hashval, version)
        if self._planned is None or self._planned[0] != trees:
            plan = plan_restore(now, self.tree(version))
            self._leave_ignored(plan, version)
            self._planned = (trees, plan)
        return self._planned[1]

    def _leave_ignored(self, plan: RestorePlan, version: str) -> None:
        ignored = ignore_files(self.tree(version), plan.remove) if plan.remove else {}
        missing = self.store.missing(ignored.values())
        if missing and self._resource.remote_content is not None:
            self._resource.remote_content.fetch(dict.fromkeys(missing, IGNORE_FILE))
        rules = IgnoreRules()
        for directory, object_id in ignored.items():
            rules.add(directory, self.store.read(object_id), f"The {IGNORE_FILE} of the snapshot in '{directory}'")
        if rules:
            leave_ignored(plan, rules)

    def _check(self, plan: RestorePlan) -> dict[ObjectId, str]:
        """Raise ConfigurationError if a plan cannot be carried out, or destroys what is not kept. Returns the content
        that has to be fetched, each with the path of a file."""
        root = self._resource.local_root()
        in_the_way = sorted(_existing(root, plan.new))
        if in_the_way:
            wanted = {content.path: content for content in plan.write}
            same = {path for path in in_the_way if is_there(root, wanted[path])}
            plan.write = [content for content in plan.write if content.path not in same]
            plan.new -= same
            in_the_way = [path for path in in_the_way if path not in same]
        if in_the_way:
            raise ConfigurationError(
                f"Resource '{self._resource.name}': a restore would overwrite {some(map(repr, in_the_way))}, which no "
                "version keeps, since .dwsignore leaves it out",
                hint="Move it away, or remove it from .dwsignore and take a snapshot",
            )
        missing = self._missing(plan)
        if missing and self.mend(missing) and self._resource.remote_content is None:
            missing = self._missing(plan)
            names = some(map(repr, sorted(missing.values())))
            raise ConfigurationError(
                f"Resource '{self._resource.name}': the content of {names} is not in the object store at "
                f"{self.store.root}",
                hint="'dws fsck' shows what is missing",
            )
        return self._missing(plan) if missing else {}

    def fetch_for(self, now: Tree, target: Tree) -> None:
        """Bring here what makes another tree of the present one; raises ConfigurationError if that cannot be done, or
        would destroy what is not kept. Changes no files."""
        missing = self._check(plan_restore(now, target))
        if missing and self._resource.remote_content is not None:
            self._resource.remote_content.fetch(missing)

    def restore(self, version: str) -> None:
        """Make the files those of a version, and touch only what differs. What is there now has been kept before.

        May be called again after a kill: what has been done is found done."""
        resource = self._resource
        root = resource.local_root()
        self._check_place()
        root.mkdir(exist_ok=True)
        resource.lacking.try_out()
        now = resource.present_tree(keep=True)
        present = resource.present_tree(with_what_was_left_out=False) if resource.lacking.left_out() else now
        plan = self._plan(present, version)
        if plan.is_empty:
            resource.lacking.note_version(version, ())
            return
        missing = self._check(plan)
        if missing and resource.remote_content is not None:
            resource.remote_content.fetch(missing)
        self._workspace.write_resource_state(resource.as_resource(), now.manifests(resource.has_manifest))
        self.replaced.add(now.hashval, datetime.now(), version)
        remove(root, plan.remove)
        remove_directories(root, sorted(plan.remove_directories, reverse=True))  # but those with what no version keeps
        left_out: dict[str, str] = {}
        make_directories(root, sorted(plan.make_directories), left_out)
        if left_out:
            plan.write = [wanted for wanted in plan.write if not is_below(wanted.path, left_out)]
        size = sum(wanted.id.size for wanted in plan.write)
        with (
            self._workspace.interaction.progress(f"Restoring {resource.name}", size, "bytes") as advance,
            self._executor() as executor,
        ):
            written = self._check_out(root, plan, left_out, executor, advance)
        resource.lacking.note_version(version, left_out)
        if left_out:
            self._tell_left_out(left_out)
        self._planned = None
        del plan  # of many files it takes much memory, as does what follows
        after = resource.present_tree(known=written)
        if after.hashval != version:
            found = summary(diff_trees(self.tree(version), after))
            self._workspace.interaction.warn(
                f"Resource '{resource.name}' differs slightly from the snapshot: {found}. Either files changed "
                "during the restore, or the .dwsignore of the snapshot excludes less"
            )

    def _tell_left_out(self, left_out: Mapping[str, str]) -> None:
        shown = some(f"{path!r} ({why})" for path, why in sorted(left_out.items()))
        self._workspace.interaction.warn(
            f"Resource '{self._resource.name}': this file system cannot hold {shown}. Everything else is here, "
            "and later snapshots keep what is missing"
        )

    def _check_out(
        self,
        root: Path,
        plan: RestorePlan,
        left_out: dict[str, str],
        executor: Executor | None,
        advance: Tell,
    ) -> Known:
        """Write the files of a plan. A content that turns out to be damaged is set aside, and had again if possible."""
        mended: set[ObjectId] = set()
        while True:
            try:
                return check_out(
                    self.store,
                    root,
                    plan.write,
                    new=plan.new,
                    places=plan.places,
                    left_out=left_out,
                    executor=executor,
                    advance=advance,
                )
            except DamagedContentError as e:
                plan.places = None
                if e.object_id is None or e.object_id in mended:
                    raise
                mended.add(e.object_id)
                lost = self.mend([e.object_id], damaged=True) | self._missing(plan).keys()
                remote = self._resource.remote_content
                if lost and remote is None:
                    raise
                if remote is not None:
                    remote.fetch(self._missing(plan))

    def _executor(self) -> AbstractContextManager[Executor | None]:
        opened = executor_of(self._workspace)
        return nullcontext() if opened is None else opened()

    def tree(self, version: str) -> Tree:
        """The tree of a version; raises MetadataError if the workspace does not have it."""
        tree = self._resource.stored_tree(version)
        if tree is None:
            raise MetadataError(
                f"Resource '{self._resource.name}': the workspace does not have version {version}",
                hint="'dws pull' may fetch it",
            )
        return tree

    def _missing(self, plan: RestorePlan) -> dict[ObjectId, str]:
        """Content that the store lacks, each with the path of a file."""
        ids: Iterable[ObjectId] = (w.id for w in plan.write)
        if len(plan.write) <= AT_ONCE:
            if plan.places is None or not self.store.are_there(plan.places):
                plan.places = self.store.locate(ids)
            ids = [w.id for w in plan.write if w.id not in plan.places]
        missing = self.store.missing(ids)
        return {w.id: w.path for w in plan.write if w.id in missing} if missing else {}

    # -- looking ---------------------------------------------------------------------------------------------------

    def objects(self, versions: Iterable[str]) -> Iterator[tuple[str, dict[ObjectId, str]]]:
        """The contents that versions are made of, each with the path of a file; those of an earlier one are left out.

        Raises MetadataError for a version that the workspace does not have."""
        seen: set[str] = set()
        for version in versions:
            yield version, all_objects(self.tree(version), seen)

    def contents(self, tree: Tree) -> tuple[Mapping[ObjectId, str], frozenset[str]]:
        """The contents of a tree, each with the path of one file, and its manifests. Trees never change, so of one that
        is asked for again, by each part of a checkout, they are known."""
        if self._contents is None or self._contents[0] != tree.hashval:
            seen: set[str] = set()
            self._contents = (tree.hashval, all_objects(tree, seen), frozenset(seen))
        return self._contents[1], self._contents[2]

    def check_integrity(self, restore_hashes: Mapping[str, str]) -> Iterator[Problem]:
        """Content that snapshots refer to, and that is nowhere."""
        from dataworkspaces.workspace.problem import Problem

        by_version: dict[str, list[str]] = {}
        for snapshot, version in restore_hashes.items():
            by_version.setdefault(version, []).append(snapshot)
        where = f"resource {self._resource.name}"
        for damage in self.store.damaged_packs().values():
            remedy = "'dws verify --repair' recovers what it can"
            yield Problem("resource", where, damage, remedy, repair=self._set_packs_aside)
        seen: set[str] = set()
        for version, snapshots in by_version.items():
            told = f"snapshot {snapshots[0][:7]}" + (f" and {len(snapshots) - 1} more" if len(snapshots) > 1 else "")
            try:
                found = all_objects(self.tree(version), seen)
            except DwsError as e:
                yield Problem("resource", where, f"{told}: {e.message}", "'dws pull' or a backup may recover it")
                continue
            missing = self.store.missing(found)
            if missing:
                names = some(repr(path) for path in sorted(found[id_] for id_ in missing))
                remote = self._resource.remote_content
                if remote is not None:
                    continue  # it is fetched when it is needed; `dws verify` asks the remote
                what = f"{told}: the content of {names} is missing or damaged in the object store"
                if self._is_in_files(missing):
                    repair = partial(self._mend_all, missing)
                    yield Problem(
                        "resource", where, what, "The resource's files still hold it: dws fsck --repair", repair=repair
                    )
                else:
                    yield Problem("resource", where, what, "A backup or another copy of the workspace may have it")

    def _is_in_files(self, ids: Collection[ObjectId]) -> bool:
        try:
            return not all_objects(self._resource.present_tree()).keys().isdisjoint(ids)
        except (DwsError, OSError):
            return False

    def _mend_all(self, ids: Collection[ObjectId]) -> str:
        lost = self.mend(ids)
        return f"kept {len(ids) - len(lost)} of {len(ids)} contents again, from the resource's files"

    def _set_packs_aside(self) -> str:
        from dataworkspaces.filetree.objects.quarantine import set_damaged_packs_aside

        moved = set_damaged_packs_aside(self.store)
        return f"set aside as {', '.join(map(str, moved))}"


def _existing(root: Path, paths: Collection[str]) -> Iterator[str]:
    """Those of the paths below a root at which something is, by exactly these names. A directory is read once."""
    names: dict[str, set[str]] = {}

    def names_in(directory: str) -> set[str]:
        if directory not in names:
            above, _, name = directory.rpartition("/")
            is_there = not directory or name in names_in(above)  # not one that differs in case, and is the same here
            names[directory] = _names_in(root / directory) if is_there else set()
        return names[directory]

    found = {directory: names_in(directory) for directory in {path.rpartition("/")[0] for path in paths}}
    if any(found.values()):
        for path in paths:
            directory, _, name = path.rpartition("/")
            if name in found[directory]:
                yield path


def _names_in(directory: Path) -> set[str]:
    try:
        return set(os.listdir(directory))  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return set()
