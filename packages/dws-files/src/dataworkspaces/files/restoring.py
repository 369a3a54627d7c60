"""How a version of a restorable resource comes back.

User files are only read, or written anew: never moved, and never replaced by links into the object store.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import ConfigurationError, NotFoundError, StorageError
from dataworkspaces.files.summary import summary
from dataworkspaces.filetree import Tree, diff_trees
from dataworkspaces.filetree.hashing import Tell
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
from dataworkspaces.filetree.objects.ids import DamagedContentError
from dataworkspaces.filetree.restore_plan import RestorePlan, ignore_files, leave_ignored, plan_restore
from dataworkspaces.operations.executors import executor_of
from dataworkspaces.toolbox.names import some

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from dataworkspaces.files.file_tree import FileTreeMixin
    from dataworkspaces.filetree.objects.ids import ObjectId
    from dataworkspaces.filetree.scan import Known


class Restorer:
    """Brings versions of one resource back."""

    def __init__(self, resource: FileTreeMixin) -> None:
        self._resource = resource
        self._workspace = resource.workspace
        self._kept = resource.kept_content
        self._planned: tuple[tuple[str, str], RestorePlan] | None = None

    def precheck(self, version: str) -> None:
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
            plan = plan_restore(now, self._kept.tree(version))
            self._leave_ignored(plan, version)
            self._planned = (trees, plan)
        return self._planned[1]

    def _leave_ignored(self, plan: RestorePlan, version: str) -> None:
        ignored = ignore_files(self._kept.tree(version), plan.remove) if plan.remove else {}
        missing = self._kept.store.missing(ignored.values())
        if missing and self._resource.remote_content is not None:
            self._resource.remote_content.fetch(dict.fromkeys(missing, IGNORE_FILE))
        rules = IgnoreRules()
        for directory, object_id in ignored.items():
            rules.add(
                directory, self._kept.store.read(object_id), f"The {IGNORE_FILE} of the snapshot in '{directory}'"
            )
        if rules:
            leave_ignored(plan, rules)

    def _check(self, plan: RestorePlan) -> dict[ObjectId, str]:
        """Raise ConfigurationError if a plan cannot be carried out, or destroys what is not kept. Returns the content
        that has to be fetched, each with the path of a file."""
        root = self._resource.local_root()
        in_the_way = sorted(_leave_same(root, plan))
        plan.write = [files for files in plan.write if len(files)]
        if in_the_way:
            raise ConfigurationError(
                f"Resource '{self._resource.name}': a restore would overwrite {some(map(repr, in_the_way))}, which no "
                "version keeps, since .dwsignore leaves it out",
                hint="Move it away, or remove it from .dwsignore and take a snapshot",
            )
        missing = self._missing(plan)
        if missing and self._kept.mend(missing) and self._resource.remote_content is None:
            missing = self._missing(plan)
            names = some(map(repr, sorted(missing.values())))
            raise NotFoundError(
                f"Resource '{self._resource.name}': the content of {names} is not in the object store at "
                f"{self._kept.store.root}",
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
        self._kept.replaced.add(now.hashval, datetime.now(), version)
        remove(root, plan.remove)
        remove_directories(root, sorted(plan.remove_directories, reverse=True))  # but those with what no version keeps
        left_out: dict[str, str] = {}
        make_directories(root, sorted(plan.make_directories), left_out)
        if left_out:
            plan.write = [files for files in plan.write if not is_below(f"{files.directory}/", left_out)]
        size = sum(files.size for files in plan.write)
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
            found = summary(diff_trees(self._kept.tree(version), after))
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
                    self._kept.store,
                    root,
                    plan.write,
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
                lost = self._kept.mend([e.object_id], damaged=True) | self._missing(plan).keys()
                remote = self._resource.remote_content
                if lost and remote is None:
                    raise
                if remote is not None:
                    remote.fetch(self._missing(plan))

    def _executor(self) -> AbstractContextManager[Executor | None]:
        opened = executor_of(self._workspace)
        return nullcontext() if opened is None else opened()

    def _missing(self, plan: RestorePlan) -> dict[ObjectId, str]:
        """Content that the store lacks, each with the path of a file."""
        ids = plan.ids()
        if plan.file_count <= AT_ONCE:
            if plan.places is None or not self._kept.store.are_there(plan.places):
                plan.places = self._kept.store.locate(plan.ids())
            ids = plan.places.lacking(ids)
        missing = self._kept.store.missing(ids)
        if not missing:
            return {}
        return {i: path for f in plan.write for i, path in zip(f.ids, f.paths(), strict=True) if i in missing}


def _leave_same(root: Path, plan: RestorePlan) -> Iterator[str]:
    """The paths at which something else is than a plan knows, by exactly these names. What is there as it is to be is
    left out of the plan. A directory is read once."""
    names: dict[str, set[str]] = {}

    def names_in(directory: str) -> set[str]:
        if directory not in names:
            above, _, name = directory.rpartition("/")
            is_there = not directory or name in names_in(above)  # not one that differs in case, and is the same here
            names[directory] = _names_in(root / directory) if is_there else set()
        return names[directory]

    for number, files in enumerate(plan.write):
        found = names_in(files.directory).difference(files.there)
        if not found.isdisjoint(files.names):
            rows = zip(files.names, files.paths(), files.kinds, files.ids, strict=True)
            is_same = [name in found and is_there(root, path, kind, id_) for name, path, kind, id_ in rows]
            plan.write[number] = files.only([not same for same in is_same])
            yield from (path for path in plan.write[number].paths() if path.rpartition("/")[2] in found)


def _names_in(directory: Path) -> set[str]:
    try:
        return set(os.listdir(directory))  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return set()
