"""What a restorable resource keeps of the content of its versions. How they come back is in
:mod:`dataworkspaces.files.restoring`.

Content lies in an object store that several resources and workspaces may share.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING

from dataworkspaces.errors import DwsError, MetadataError
from dataworkspaces.files.replaced_versions import ReplacedVersions
from dataworkspaces.filetree import Scan, Tree, Work
from dataworkspaces.filetree.contents import all_objects
from dataworkspaces.filetree.hashing import Tell, tell_nobody
from dataworkspaces.filetree.objects.compaction import merge_packs
from dataworkspaces.filetree.objects.store import ObjectStore
from dataworkspaces.filetree.store_keeper import PACK_FILES, StoreKeeper, StoreTask, batch_bytes, keep_link_targets
from dataworkspaces.operations.executors import executor_of
from dataworkspaces.operations.store_users import StoreUsers
from dataworkspaces.params import OBJECTS_LIMIT
from dataworkspaces.toolbox.names import some

if TYPE_CHECKING:
    from dataworkspaces.files.file_tree import FileTreeMixin
    from dataworkspaces.filetree.objects.ids import ObjectId
    from dataworkspaces.workspace.problem import Problem


class KeptContent:
    """The content of one resource's versions."""

    def __init__(self, resource: FileTreeMixin) -> None:
        self._resource = resource
        self._workspace = resource.workspace
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

    # -- looking ---------------------------------------------------------------------------------------------------

    def tree(self, version: str) -> Tree:
        """The tree of a version; raises MetadataError if the workspace does not have it."""
        tree = self._resource.stored_tree(version)
        if tree is None:
            raise MetadataError(
                f"Resource '{self._resource.name}': the workspace does not have version {version}",
                hint="'dws pull' may fetch it",
            )
        return tree

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
