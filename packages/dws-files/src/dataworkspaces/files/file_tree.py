"""The capability of a resource whose versions are trees of files in a directory of this machine.

A version is the name of its root's manifest; manifests are versioned state of the workspace. A resource that is
``restorable`` keeps the content of its versions too: see :mod:`dataworkspaces.files.kept_content`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dataworkspaces.errors import DwsError, NotSupportedError, StorageError, UnavailableError
from dataworkspaces.files.summary import summary
from dataworkspaces.filetree import (
    BLAKE3,
    SHA1,
    SIZE,
    Change,
    Entry,
    Hasher,
    Scan,
    StatCache,
    Tree,
    Work,
    build_tree,
    diff_trees,
    format_manifest,
    manifest_name,
    scan,
)
from dataworkspaces.filetree.hashing import Tell, tell_nobody
from dataworkspaces.filetree.manifest import NO_FILES
from dataworkspaces.filetree.scan import Known, ScannedDirectory
from dataworkspaces.filetree.tree_builder import TooMuchToRead
from dataworkspaces.operations.executors import executor_of
from dataworkspaces.toolbox.code_content import content_of_code, find_notebooks
from dataworkspaces.toolbox.content import CHEAP_BYTES, content_of
from dataworkspaces.toolbox.names import LINEAGE_FILE, some
from dataworkspaces.workspace import (
    FileChange,
    LocalDirectoryMixin,
    PresentContents,
    ResourceChange,
    ResourceRoles,
    SnapshotResourceMixin,
    SnapshotVersion,
    VersionFiles,
)
from dataworkspaces.workspace.checking_out import CheckOutMixin
from dataworkspaces.workspace.kept_versions import KeptVersionsMixin, ReplacedVersion, Verified

if TYPE_CHECKING:
    from datetime import datetime

    from dataworkspaces.files.directory_ancestry import DirectoryAncestry
    from dataworkspaces.files.kept_content import KeptContent
    from dataworkspaces.files.lacking_file_system import LackingFileSystem
    from dataworkspaces.files.remote_content import RemoteContent
    from dataworkspaces.files.restoring import Restorer
    from dataworkspaces.filetree.remotes.leases import Lease
    from dataworkspaces.workspace import Resource, Workspace
    from dataworkspaces.workspace.problem import Problem

STAT_CACHES = "stat-cache"
"""In the workspace's directory for caches: a file a resource."""
_VERSION_RE = re.compile(r"[0-9a-f]{40}\Z")


class FileTreeMixin(CheckOutMixin, KeptVersionsMixin, LocalDirectoryMixin, SnapshotResourceMixin):
    """Snapshots of a directory of files. Put the mixin before :class:`Resource` in the bases of a resource.

    :ivar compute_hash: versions are told by the files' content, else by their sizes.
    :ivar hash_function: ``blake3``, or ``sha1`` for a resource that release 1.6 added.
    :ivar restorable: the content of new versions is kept, and versions can be restored.
    """

    workspace: Workspace
    compute_hash: bool
    hash_function: str
    restorable: bool
    is_pushing = False
    """Whether a command is at work that pushes this, and then the workspace."""
    lease: Lease | None = None
    """What keeps collections of garbage away from the remote meanwhile."""

    def _is_here(self) -> bool:
        place = self.get_local_path_if_any()
        return place is not None and Path(place).is_dir()

    def _place_if_missing(self) -> str:
        """Where the directory should be, in words."""
        return self.get_local_path_if_any() or "its directory"

    def _why_missing(self) -> str:
        return f"{self._place_if_missing()} is not there"

    def as_resource(self) -> Resource:
        """This, as the resource that it is mixed into."""
        return cast("Resource", self)

    def others_that_keep(self) -> Iterator[FileTreeMixin]:
        """The other resources of the workspace that keep the content of files as this one does."""
        for other in self.workspace.get_resources():
            if isinstance(other, FileTreeMixin) and other.name != self.name and other.restorable:
                yield other

    @property
    def _hasher(self) -> Hasher:
        if self.restorable:
            return BLAKE3
        if not self.compute_hash:
            return SIZE
        return SHA1 if self.hash_function == "sha1" else BLAKE3

    @property
    def remote_content(self) -> RemoteContent | None:
        """The place away from this machine that keeps the content too, if there is one."""
        return None

    @property
    def ancestry(self) -> DirectoryAncestry:
        """From which snapshots the files came."""
        from dataworkspaces.files.directory_ancestry import DirectoryAncestry

        return DirectoryAncestry(self)

    @cached_property
    def lacking(self) -> LackingFileSystem:
        """What the file system here cannot hold."""
        from dataworkspaces.files.lacking_file_system import LackingFileSystem

        return LackingFileSystem(self)

    @cached_property
    def kept_content(self) -> KeptContent:
        """What is kept of the content of versions, or was, when the resource was restorable."""
        from dataworkspaces.files.kept_content import KeptContent

        return KeptContent(self)

    @cached_property
    def restorer(self) -> Restorer:
        """Who brings versions back."""
        from dataworkspaces.files.restoring import Restorer

        return Restorer(self)

    # -- what is kept, for KeptVersionsMixin -----------------------------------------------------------------------

    def keeps_versions(self) -> bool:
        return self.restorable

    def contents_of_version(self, version: str) -> Mapping[Hashable, int] | None:
        from dataworkspaces.filetree.contents import all_objects

        tree = self.stored_tree(version)
        return None if tree is None else {object_id: object_id.size for object_id in all_objects(tree)}

    def replaced_versions(self) -> Sequence[ReplacedVersion]:
        return self.kept_content.replaced.all()

    def forget_replaced(self, before: datetime) -> None:
        with suppress(OSError):  # on a full disk it is listed once more
            self.kept_content.replaced.forget_before(before)

    def can_be_verified(self) -> bool:
        return self.reads_content()

    def verify_versions(self, versions: Sequence[str], *, repair: bool = False) -> Verified:
        from dataworkspaces.files.tree_verification import verify_tree

        return verify_tree(self, versions, repair=repair)

    def has_remote_content(self) -> bool:
        return self.remote_content is not None

    def is_kept_here_only(self) -> bool:
        return self.restorable and self.remote_content is None and "remote" in self.as_resource().param_defs

    def verify_remote_content(self, *, read: bool = False) -> Verified:
        from dataworkspaces.files.tree_verification import verify_remote

        return verify_remote(self, read=read)

    def repair_remote_content(self) -> None:
        if self.remote_content is not None:
            self.remote_content.repair()

    def push_begins(self) -> None:
        self.is_pushing = True

    def push_ended(self, *, is_known: bool) -> None:
        self.is_pushing = False
        if self.lease is not None and self.remote_content is not None:
            self.remote_content.end_push(is_known=is_known)

    # -- the tree as it is now -----------------------------------------------------------------------------------

    def _scan(self, only: Collection[str] | None = None, known: Known | None = None) -> Scan:
        resource = self.as_resource()
        if self.restorable and not self.local_root().exists():
            return Scan(self.local_root(), [ScannedDirectory("")])  # a restore makes it anew
        is_written_to = resource.is_exported() or resource.has_results_role()
        return scan(self._root(), self._is_written_by_snapshots if is_written_to else None, only, known)

    def local_root(self) -> Path:
        """Where the files are, or belong; raises ConfigurationError if nobody has said so on this machine."""
        place = self.get_local_path_if_any()
        return Path(place) if place is not None else self._root()

    def present_tree(
        self, *, keep: bool = False, known: Known | None = None, with_what_was_left_out: bool = True
    ) -> Tree:
        """The tree as it is now, with what the file system cannot hold; with ``keep`` its content is kept.

        :param known: what was written just now, by path: need not be read."""
        scanned = self._scan(known=known)
        return self._tree(scanned, keep=keep, known=known, with_what_was_left_out=with_what_was_left_out)

    def _is_written_by_snapshots(self, path: str) -> bool:
        """The lineage that a snapshot adds after it took the version; counted in, nothing would ever be unchanged."""
        if path == LINEAGE_FILE:
            return self.as_resource().is_exported()
        is_added = path.startswith("snapshots/") and path.endswith(f"/{LINEAGE_FILE}")
        return is_added and self.as_resource().has_results_role()

    def _stat_cache(self) -> StatCache | None:
        root = Path(os.path.realpath(self.local_root()))
        if not root.is_dir():
            return None
        path = self.workspace.get_machine_directory() / STAT_CACHES / f"{self.name}.sqlite"
        status = root.stat()  # of the directory, and not where it is: a checkout is built elsewhere, and moved
        return StatCache(path, f"{self._hasher.name} {status.st_dev} {status.st_ino}")

    def _tree(
        self,
        scanned: Scan,
        advance: Tell = tell_nobody,
        *,
        keep: bool = False,
        known: Known | None = None,
        read_at_most: int | None = None,
        tell_changing: Callable[[str], None] | None = None,
        with_what_was_left_out: bool = True,
    ) -> Tree:
        """The tree of what was scanned; with ``keep`` its content is kept. Raises TooMuchToRead."""
        if keep or known:
            work = replace(self.kept_content.work(scanned, advance), known=known or {}, tell_changing=tell_changing)
        else:
            work = Work(
                executor_of(self.workspace), advance=advance, read_at_most=read_at_most, tell_changing=tell_changing
            )
        tree = build_tree(scanned, self._hasher, self._stat_cache() if self._hasher.reads_content else None, work)
        if not self._hasher.records_modes:
            return tree
        return self.lacking.recorded(tree, with_what_was_left_out=with_what_was_left_out)

    def reads_content(self) -> bool:
        """Whether versions are told by the files' content."""
        return self._hasher.reads_content

    def reread(self) -> tuple[int, list[str]]:
        """Read all files, whatever the cache knows: how many there are, and which hold something else than the cache
        says. Of a cache that was wrong nothing is left."""
        scanned = self._scan()
        believed = self._tree(scanned)
        with self.workspace.interaction.progress(f"Reading {self.name}", scanned.total_size, "bytes") as advance:
            found = build_tree(scanned, self._hasher, None, Work(executor_of(self.workspace), advance=advance))
        changed = [change.path for change in diff_trees(believed, found)]
        cache = self._stat_cache()
        if changed and cache is not None:
            cache.forget()
        return scanned.file_count, changed

    # -- versions ------------------------------------------------------------------------------------------------

    def stored_tree(self, version: str | None) -> Tree | None:
        """The tree of a version, or None if its manifests are not in the workspace."""
        if version is None or not _VERSION_RE.match(version) or not self.has_manifest(version):
            return None
        return Tree(version, self.read_manifest)

    def read_manifest(self, hashval: str) -> bytes | None:
        """A manifest of a version, or None if the workspace does not have it."""
        return self.workspace.read_resource_state(self.as_resource(), hashval)

    def has_manifest(self, hashval: str) -> bool:
        """Whether the workspace has a manifest, undamaged, and with it those of the directories in it."""
        manifest = self.read_manifest(hashval)
        return manifest is not None and manifest_name(manifest) == hashval

    def is_lost(self) -> bool:
        """Whether something lay in the directory at the last snapshot. If it is empty now, it may be the place of a
        disk that is not mounted."""
        snapshots = self.workspace.as_snapshot_ws()
        newest = snapshots.get_most_recent_snapshot()
        before = None if newest is None else snapshots.get_snapshot_versions(newest.hashval).get(self.name)
        return before is not None and before.compare_hash not in (None, NO_FILES)

    def snapshot_of_lost_results(self) -> str | None:
        if not self.restorable or not self.as_resource().has_results_role():
            return None
        root = Path(self._place_if_missing())
        if root.is_dir() and next(root.iterdir(), None) is not None:
            return None
        snapshots = self.workspace.as_snapshot_ws()
        for snapshot in snapshots.list_snapshots():
            version = snapshots.get_snapshot_versions(snapshot.hashval).get(self.name)
            if version is not None and version.restore_hash and version.compare_hash not in (None, NO_FILES):
                return snapshot.hashval
        return None

    def snapshot_precheck(self) -> None:
        root = self._root()
        resource = self.as_resource()
        if self.remote_content is not None and self.ancestry.is_incomplete():
            raise UnavailableError(
                f"Resource '{self.name}': not all of its files have been fetched yet",
                hint=f"Fetch the rest with 'dws pull', or with dws restore --only {self.name} SNAPSHOT",
            )
        with self._explained("Reading"):
            is_empty = next(root.iterdir(), None) is None
        if is_empty and self.is_lost():
            self.workspace.interaction.warn(
                f"Resource '{self.name}': {root} is empty, so the snapshot holds none of its files. If they "
                f"were lost, dws restore --only {self.name} SNAPSHOT brings it back"
            )
        if (resource.is_exported() or resource.has_results_role()) and not os.access(root, os.W_OK | os.X_OK):
            raise StorageError(f"Resource '{self.name}': a snapshot has to write to {root}, but {root} is not writable")

    def snapshot(self) -> tuple[str | None, str | None]:
        """See :meth:`SnapshotResourceMixin.snapshot`. Only a resource that is restorable has a restore hash."""
        if self._hasher.records_modes:
            self.lacking.try_out()
        scanned = self._scan()
        changing: list[str] = []
        with self.workspace.interaction.progress(f"Reading {self.name}", scanned.total_size, "bytes") as advance:
            tree = self._tree(scanned, advance, keep=self.restorable, tell_changing=changing.append)
        if changing:
            self.workspace.interaction.warn(
                f"Resource '{self.name}': {some(map(repr, sorted(changing)))} kept changing; the snapshot holds "
                "it as it was last read"
            )
        if self.restorable:
            self.kept_content.complete(scanned)
        self.workspace.write_resource_state(self.as_resource(), tree.manifests(self.has_manifest))
        if self._hasher.records_modes:
            self.lacking.note_version(tree.hashval)
        return tree.hashval, tree.hashval if self.restorable else None

    def is_of_snapshot(self, snapshot_hash: str, version: SnapshotVersion) -> None:
        if version.restore_hash is not None and self.get_local_path_if_any() is not None:
            self.ancestry.note_snapshot(snapshot_hash, version.restore_hash)

    def get_version_parents(self, version: SnapshotVersion) -> list[str] | None:
        return None if version.restore_hash is None else self.ancestry.seen(version.restore_hash)

    def restored(self, snapshot_hash: str, restore_hashval: str) -> None:
        self.ancestry.note_restored(snapshot_hash, restore_hashval)

    def restore_precheck(self, restore_hashval: str) -> None:
        self._check_restorable()
        self.restorer.precheck(restore_hashval)

    def restore(self, restore_hashval: str) -> None:
        self._check_restorable()
        self.restorer.restore(restore_hashval)

    def _check_restorable(self) -> None:
        if not self.restorable:
            raise NotSupportedError(
                f"Resource '{self.name}' cannot be restored: its versions are recorded, but their content is not kept",
                hint=f"dws config --resource {self.name} restorable true keeps those of later snapshots",
            )

    def plan_restore(self, restore_hashval: str) -> list[FileChange] | None:
        target = self.stored_tree(restore_hashval)
        return None if target is None else self._file_changes(self._tree(self._scan()), target)

    def delete_snapshot(
        self, workspace_snapshot_hash: str, resource_restore_hash: str | None, relative_path: str
    ) -> None:
        if not self.as_resource().has_results_role():
            return
        if self._is_here():
            self._delete_results_directory(relative_path)
        else:
            self.workspace.interaction.warn(
                f"Resource '{self.name}' is not on this machine, so '{relative_path}' in it is not deleted"
            )

    def version_files(self, version: SnapshotVersion) -> VersionFiles:
        from dataworkspaces.files.tree_files import TreeFiles

        tree = self.stored_tree(version.compare_hash)
        if tree is None:
            raise UnavailableError(
                f"Resource '{self.name}': the workspace does not have version {version.compare_hash}",
                hint="'dws pull' may fetch it",
            )
        return TreeFiles(self, tree)

    def check_integrity(self, restore_hashes: Mapping[str, str]) -> Iterable[Problem]:
        return self.kept_content.check_integrity(restore_hashes)

    # -- another directory ---------------------------------------------------------------------------------------

    @cached_property
    def _checked_out(self) -> dict[Path, Known]:
        """By directory what has been written there, until it is handed over."""
        return {}

    def check_out_precheck(self, version: SnapshotVersion) -> None:
        from dataworkspaces.files.elsewhere import source_of

        source_of(self, version)

    def check_out(self, version: SnapshotVersion, directory: Path) -> Mapping[str, Any] | None:
        from dataworkspaces.files.elsewhere import check_out_tree

        self._checked_out[directory] = check_out_tree(self, version, directory)
        return {**self.get_local_params(), "my_local_path": str(directory)}

    def hand_over(self, other: Resource, version: SnapshotVersion) -> None:
        from dataworkspaces.files.elsewhere import hand_over_kept

        if isinstance(other, FileTreeMixin) and version.restore_hash is not None:
            hand_over_kept(self, other, version.restore_hash, self._checked_out.pop(other.local_root(), {}))

    def take_back(self, other: Resource) -> None:
        """The files here stay as they are: ``dws restore`` brings a version that came."""
        from dataworkspaces.files.elsewhere import take_back_kept

        if isinstance(other, FileTreeMixin):
            take_back_kept(other, self)

    # -- what reports ask ----------------------------------------------------------------------------------------

    def changes_since(self, version: SnapshotVersion) -> ResourceChange:
        if not self._is_here():
            return ResourceChange("missing", self._why_missing())
        if version.compare_hash is None:
            return ResourceChange("unknown")
        try:
            return self._changes_since(version.compare_hash)
        except DwsError as e:  # a report shows it, and goes on with the other resources
            return ResourceChange("unknown", e.message)

    def _changes_since(self, compare_hash: str) -> ResourceChange:
        scanned = self._scan()
        stored = self.stored_tree(compare_hash)
        try:
            now = self._tree(scanned, read_at_most=CHEAP_BYTES)
        except TooMuchToRead as e:
            return self._changes_of_names(scanned, stored, e.size)
        if now.hashval == compare_hash:
            return ResourceChange("unchanged")
        if stored is None:
            return ResourceChange("changed")
        found = self._differences(stored, now)
        return ResourceChange("changed", summary(found)) if found else ResourceChange("unchanged")

    def _changes_of_names(self, scanned: Scan, stored: Tree | None, unread: int) -> ResourceChange:
        """Sizes differ from hashes at every file, but what was added and deleted shows all the same."""
        found = [] if stored is None else self._differences(stored, build_tree(scanned, SIZE))
        moved = [change for change in found if change.status != "modified"]
        if moved:
            return ResourceChange("changed", summary(moved))
        return ResourceChange("unknown", f"same names; {unread / (1 << 20):,.0f} MiB would have to be read")

    def diff_versions(self, old: SnapshotVersion, new: SnapshotVersion) -> list[FileChange] | None:
        old_tree, new_tree = self.stored_tree(old.compare_hash), self.stored_tree(new.compare_hash)
        return None if old_tree is None or new_tree is None else self._file_changes(old_tree, new_tree)

    def _file_changes(self, old: Tree, new: Tree) -> list[FileChange]:
        return [FileChange(change.status, change.path) for change in self._differences(old, new)]

    def _differences(self, old: Tree, new: Tree) -> list[Change]:
        """Release 1.6 counted the lineage of earlier snapshots in, so a version of its time may hold it."""
        return [c for c in diff_trees(old, new) if not self._is_written_by_snapshots(c.path)]

    # -- lineage -------------------------------------------------------------------------------------------------

    def present_contents(self, subpaths: Sequence[str | None], *, keep: bool = False) -> PresentContents:
        """By content, or where versions are told by size and reading would take long, by the files' sizes and times.
        Of notebooks in code the sources count: running one is no change of the code."""
        if not self._is_here():
            return PresentContents([None for _ in subpaths])
        if not self._hasher.reads_content or self._holds_notebooks_of_code():
            return PresentContents([self._cheap_content(path) for path in subpaths])
        tree = self._tree(self._scan({path or "" for path in subpaths}))
        return PresentContents([self._content_in(tree, path) for path in subpaths])

    def version_contents(self, compare_hash: str, subpaths: Sequence[str | None]) -> list[str | None]:
        tree = self.stored_tree(compare_hash) if self._hasher.reads_content else None
        if tree is not None and self._is_code() and any(b".ipynb" in m for m in tree.manifests().values()):
            tree = None  # it tells all of a notebook, and not its sources
        return [None if tree is None else self._content_in(tree, path) for path in subpaths]

    def _content_in(self, tree: Tree, subpath: str | None) -> str | None:
        """As :func:`content_of` gives it: of a directory its manifest, of a file the manifest that holds it alone."""
        entry = Entry(tree.hashval, "tree", "")
        for part in subpath.split("/") if subpath else ():
            inside = tree.entries(entry.value) if entry.kind == "tree" else []
            found = next((e for e in inside if e.name == part), None)
            if found is None:
                return None
            entry = found
        hashval = entry.value if entry.kind == "tree" else manifest_name(format_manifest([entry]))
        return f"{self._hasher.name}:{hashval}"

    def _is_code(self) -> bool:
        return self.as_resource().role == ResourceRoles.CODE

    def _holds_notebooks_of_code(self) -> bool:
        return self._is_code() and any(find_notebooks(self.local_root(), self._is_written_by_snapshots))

    def _cheap_content(self, subpath: str | None) -> str | None:
        prefix = f"{subpath}/" if subpath else ""
        tell = content_of_code if self._is_code() else content_of
        with self._explained("Reading", subpath or ""):
            return tell(self._place(subpath or ""), lambda path: self._is_written_by_snapshots(prefix + path))
