"""The resource type ``file``: a directory of files on this machine. Its versions are recorded, not kept."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, DwsError, MetadataError, NotSupportedError
from dataworkspaces.filetree import SHA1, SIZE, Change, Hasher, Scan, Tree, build_tree, diff_trees, scan
from dataworkspaces.filetree.content import content_of, is_cheap_to_read
from dataworkspaces.params import BoolType, ParamDef, ParamDefs, StringType
from dataworkspaces.workspace import (
    EXPORT_PARAM,
    IMPORTED_PARAM,
    FileChange,
    LocalDirectoryMixin,
    PresentContents,
    Resource,
    ResourceChange,
    SnapshotResourceMixin,
    SnapshotVersion,
    Workspace,
)
from dataworkspaces.workspace.snapshot_resource import LINEAGE_FILE

RESOURCE_TYPE = "file"
_PLACED = "placed"


def absolute_path(text: str) -> Path:
    """The absolute path that a user meant. Links in it stay, since one may be led elsewhere on purpose."""
    path = Path(text).expanduser()
    return path.resolve() if ".." in path.parts else path.absolute()


class DirectoryType(StringType):
    """The absolute path of a directory on this machine."""

    name = "directory"

    def validate(self, value: Any) -> str | None:
        return None if isinstance(value, str) and Path(value).is_absolute() else "must be an absolute path"

    def parse(self, text: str) -> Any:
        path = absolute_path(text)
        if not path.is_dir():
            raise ValueError("is not a directory on this machine")
        return str(path)


class LocalFilesResource(LocalDirectoryMixin, SnapshotResourceMixin, Resource):
    """Its compare hash is that of the root's manifest; the manifests are versioned state of the workspace.

    :ivar global_local_path: where it was when it was added, which may be on another machine.
    :ivar my_local_path: where it is here, if it is elsewhere.
    :ivar is_placed: whether the user of this machine has agreed to a place: ``global_local_path`` alone comes from
        whoever wrote the workspace, and snapshots write to the directory.
    :ivar compute_hash: versions are told by the files' content, else by their sizes.
    """

    param_defs = ParamDefs(
        [
            ParamDef("global_local_path", None, True, "Where the files are, unless told otherwise", DirectoryType()),
            ParamDef("compute_hash", False, True, "Tell versions by content, not by sizes alone", BoolType()),
            EXPORT_PARAM,
            IMPORTED_PARAM,
            ParamDef("my_local_path", None, False, "Where the files are here", DirectoryType(), optional=True),
        ]
    )

    def __init__(
        self,
        name: str,
        role: str,
        workspace: Workspace,
        *,
        global_local_path: str,
        compute_hash: bool = False,
        export: bool = False,
        imported: bool = False,
        my_local_path: str | None = None,
        is_placed: bool = True,
    ) -> None:
        super().__init__(RESOURCE_TYPE, name, role, workspace)
        self.global_local_path = global_local_path
        self.compute_hash = compute_hash
        self.export = export
        self.imported = imported
        self.my_local_path = my_local_path
        self.is_placed = is_placed

    @staticmethod
    def from_params(
        params: Mapping[str, Any], local_params: Mapping[str, Any] | None, workspace: Workspace
    ) -> LocalFilesResource:
        """From stored parameters; raises KeyError for one that is missing, MetadataError for a bad path.

        ``local_params`` is None if the resource has never been on this machine."""
        is_placed = local_params is not None and local_params.get(_PLACED, True) is not False
        local_params = local_params or {}
        name = params["name"]
        # Release 1.6 wrote the local parameter under its other name.
        mine = local_params.get("my_local_path") or local_params.get("local_path")
        for path in (params["global_local_path"], mine or "/"):
            if not isinstance(path, str) or not Path(path).is_absolute() or "\0" in path:
                raise MetadataError(f"Resource '{name}': {path!r} is not an absolute path")
        return LocalFilesResource(
            name,
            params["role"],
            workspace,
            global_local_path=params["global_local_path"],
            compute_hash=bool(params.get("compute_hash", False)),
            export=bool(params.get("export", False)),
            imported=bool(params.get("imported", False)),
            my_local_path=mine,
            is_placed=is_placed,
        )

    def get_params(self) -> dict[str, Any]:
        return {
            **super().get_params(),
            "global_local_path": self.global_local_path,
            "compute_hash": self.compute_hash,
            "export": self.export,
            "imported": self.imported,
        }

    def get_local_params(self) -> dict[str, Any]:
        """The place that counts here from now on, whatever somebody else makes of ``global_local_path``."""
        place = self.my_local_path or (self.global_local_path if self.is_placed else None)
        return {_PLACED: False} if place is None else {"my_local_path": place}

    def get_local_path_if_any(self) -> str | None:
        if self.my_local_path is not None:
            return self.my_local_path
        return self.global_local_path if self.is_placed and Path(self.global_local_path).is_dir() else None

    def _hidden_names(self) -> frozenset[str]:
        """A repository or workspace in the directory stays whole when results move. It counts as content all the
        same, as it did in release 1.6."""
        return frozenset({".git", ".dataworkspace"})

    def is_writable(self) -> bool:
        return not self.imported

    def _is_here(self) -> bool:
        place = self.get_local_path_if_any()
        return place is not None and Path(place).is_dir()

    def _root(self) -> Path:
        if not self._is_here():
            where = self.my_local_path or self.global_local_path
            why = "no directory here" if self.my_local_path or self.is_placed else "where it is on another"
            raise ConfigurationError(
                f"Resource '{self.name}' is not on this machine: {where} is {why}",
                hint=f"Say where it is: dws config --resource {self.name} my_local_path DIRECTORY",
            )
        return super()._root()

    # -- snapshots -------------------------------------------------------------------------------------------

    def snapshot_precheck(self) -> None:
        root = self._root()
        with self._explained("Reading"):
            next(root.iterdir(), None)
        if (self.export or self.has_results_role()) and not os.access(root, os.W_OK | os.X_OK):
            raise ConfigurationError(
                f"Resource '{self.name}': a snapshot writes to {root}, but it cannot be written to"
            )

    def snapshot(self) -> tuple[str | None, str | None]:
        scanned = self._scan()
        with self.workspace.interaction.progress(f"Reading {self.name}", scanned.file_count) as advance:
            tree = build_tree(scanned, self._hasher, advance)
        self.workspace.write_resource_state(self, dict(tree.manifests))
        return tree.hashval, None

    def restore_precheck(self, restore_hashval: str) -> None:
        raise NotSupportedError(
            f"Resource '{self.name}' cannot be restored: versions of local files are recorded, but not kept"
        )

    def restore(self, restore_hashval: str) -> None:
        self.restore_precheck(restore_hashval)

    def delete_snapshot(
        self, workspace_snapshot_hash: str, resource_restore_hash: str | None, relative_path: str
    ) -> None:
        if not self.has_results_role():
            return
        if self._is_here():
            self._delete_results_directory(relative_path)
        else:
            self.workspace.interaction.warn(
                f"Resource '{self.name}' is not on this machine, so '{relative_path}' in it is not deleted"
            )

    @property
    def _hasher(self) -> Hasher:
        return SHA1 if self.compute_hash else SIZE

    def _scan(self) -> Scan:
        return scan(self._root(), self._is_written_by_snapshots)

    def _is_written_by_snapshots(self, path: str) -> bool:
        """The lineage that a snapshot adds after it took the version; counted in, nothing would ever be unchanged."""
        if path == LINEAGE_FILE:
            return self.export
        return self.has_results_role() and path.startswith("snapshots/") and path.endswith(f"/{LINEAGE_FILE}")

    # -- what reports ask ------------------------------------------------------------------------------------

    def changes_since(self, version: SnapshotVersion) -> ResourceChange:
        if not self._is_here():
            return ResourceChange("missing", f"{self.my_local_path or self.global_local_path} is not there")
        if version.compare_hash is None:
            return ResourceChange("unknown")
        try:
            return self._changes_since(version.compare_hash)
        except DwsError as e:  # a report shows it, and goes on with the other resources
            return ResourceChange("unknown", e.message)

    def _changes_since(self, compare_hash: str) -> ResourceChange:
        scanned = self._scan()
        is_cheap = is_cheap_to_read(scanned)
        stored = self._stored_tree(compare_hash)
        if not self.compute_hash or is_cheap:
            now = build_tree(scanned, self._hasher)
            if now.hashval == compare_hash:
                return ResourceChange("unchanged")
            if stored is None:
                return ResourceChange("changed")
            found = self._differences(stored, now)
            return ResourceChange("changed", _summary(found)) if found else ResourceChange("unchanged")
        if stored is None:
            return ResourceChange("unknown")
        # Sizes differ from hashes at every file, but what was added and deleted shows all the same.
        found = self._differences(stored, build_tree(scanned, SIZE))
        moved = [change for change in found if change.status != "modified"]
        if moved:
            return ResourceChange("changed", _summary(moved))
        size = f"{scanned.total_size / (1 << 20):,.0f} MiB in {scanned.file_count:,} files"
        return ResourceChange("unknown", f"same names; {size} would have to be read")

    def diff_versions(self, old: SnapshotVersion, new: SnapshotVersion) -> list[FileChange] | None:
        old_tree, new_tree = self._stored_tree(old.compare_hash), self._stored_tree(new.compare_hash)
        if old_tree is None or new_tree is None:
            return None
        return [FileChange(change.status, change.path) for change in self._differences(old_tree, new_tree)]

    def _differences(self, old: Tree, new: Tree) -> list[Change]:
        """Release 1.6 counted the lineage of earlier snapshots in, so a version of its time may hold it."""
        return [c for c in diff_trees(old, new) if not self._is_written_by_snapshots(c.path)]

    def _stored_tree(self, compare_hash: str | None) -> Tree | None:
        """The tree of a snapshot, or None if its manifests are not in the workspace."""
        if compare_hash is None or not re.fullmatch(r"[0-9a-f]{40}", compare_hash):
            return None

        def read(hashval: str) -> bytes | None:
            return self.workspace.read_resource_state(self, hashval)

        return Tree(compare_hash, read) if read(compare_hash) is not None else None

    # -- lineage ---------------------------------------------------------------------------------------------

    def present_contents(self, subpaths: Sequence[str | None], *, keep: bool = False) -> PresentContents:
        """By content where that is cheap, else by the files' sizes and times."""
        return PresentContents([self._content_of(path) if self._is_here() else None for path in subpaths])

    def _content_of(self, subpath: str | None) -> str | None:
        prefix = f"{subpath}/" if subpath else ""
        with self._explained("Reading", subpath or ""):
            return content_of(self._place(subpath or ""), lambda path: self._is_written_by_snapshots(prefix + path))

    # -- synchronising: there is no origin -------------------------------------------------------------------

    def pull_precheck(self) -> None:
        """Nothing to check."""

    def pull(self) -> None:
        """Nothing to bring."""

    def push_precheck(self) -> None:
        """Nothing to check."""

    def push(self) -> None:
        """Nothing to send."""


def _summary(changes: list[Change]) -> str:
    counts = Counter(change.status for change in changes)
    shown = ", ".join(change.path for change in changes[:3])
    more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
    return f"{', '.join(f'{n} {status}' for status, n in sorted(counts.items()))}: {shown}{more}"
