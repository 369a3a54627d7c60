"""The resource: what commands ask of a table."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.params import ParamDef, ParamDefs
from dataworkspaces.workspace import (
    LocalStateResourceMixin,
    PresentContents,
    Resource,
    ResourceChange,
    SnapshotResourceMixin,
    SnapshotVersion,
    Workspace,
)
from dataworkspaces.workspace.problem import Problem
from dws_sqlite_resource.table import read_table, write_table

RESOURCE_TYPE = "sqlite"
_HASH_RE = re.compile(r"[0-9a-f]{64}\Z")
_CHEAP_BYTES = 64 * 1024 * 1024
"""A file up to this size is read to say whether the table has changed."""


class SqliteResource(LocalStateResourceMixin, SnapshotResourceMixin, Resource):
    """:ivar relative_path: of the file in the workspace's directory, if it lies there.
    :ivar my_path: the file on this machine; None if it is not here."""

    param_defs = ParamDefs(
        [
            ParamDef("table", None, True, "The table", settable=False),
            ParamDef("relative_path", None, True, "The file, below the workspace", optional=True, settable=False),
            ParamDef("my_path", None, False, "The file on this machine", optional=True, settable=False),
        ]
    )

    def __init__(
        self, name: str, role: str, workspace: Workspace, table: str, relative_path: str | None, my_path: str | None
    ) -> None:
        super().__init__(RESOURCE_TYPE, name, role, workspace)
        self.table = table
        self.relative_path = relative_path
        self.my_path = my_path

    def get_params(self) -> dict[str, Any]:
        return {**super().get_params(), "table": self.table, "relative_path": self.relative_path}

    def get_local_params(self) -> dict[str, Any]:
        return {"my_path": self.my_path}

    def get_local_path_if_any(self) -> str | None:
        return self.my_path

    def validate_subpath_exists(self, subpath: str) -> None:
        raise ConfigurationError(f"Resource '{self.name}' is a table: it has no '{subpath}'")

    @property
    def file(self) -> Path:
        if self.my_path is None or not Path(self.my_path).is_file():
            where = f"there is no {self.my_path}" if self.my_path else "nobody has said where"
            raise ConfigurationError(f"Resource '{self.name}' is not on this machine: {where}")
        return Path(self.my_path)

    # -- versions: the content of the table, under its hash in what travels with the workspace -----------------------

    def _content(self) -> tuple[str, bytes]:
        content = read_table(self.file, self.table)
        return hashlib.sha256(content).hexdigest(), content

    def _kept(self, hashval: str) -> bytes:
        """The content of a version; raises ConfigurationError if it is not kept, MetadataError if it is damaged."""
        stored = self.workspace.read_resource_state(self, f"{hashval}.gz") if _HASH_RE.match(hashval) else None
        if stored is None:
            raise ConfigurationError(f"Resource '{self.name}' has no version '{hashval}'")
        try:
            content = gzip.decompress(stored)
        except (OSError, EOFError, ValueError) as e:
            raise MetadataError(f"Resource '{self.name}': version {hashval} cannot be read: {e}") from e
        if hashlib.sha256(content).hexdigest() != hashval:
            raise MetadataError(f"Resource '{self.name}': version {hashval} is not what it was")
        return content

    def snapshot_precheck(self) -> None:
        self._content()

    def snapshot(self) -> tuple[str | None, str | None]:
        hashval, content = self._content()
        self.workspace.write_resource_state(self, {f"{hashval}.gz": gzip.compress(content, mtime=0)})
        return hashval, hashval

    def restore_precheck(self, restore_hashval: str) -> None:
        self._kept(restore_hashval)
        if self.my_path is None:
            raise ConfigurationError(f"Resource '{self.name}' has no place on this machine")

    def restore(self, restore_hashval: str) -> None:
        self.restore_precheck(restore_hashval)
        write_table(Path(str(self.my_path)), self.table, self._kept(restore_hashval))

    def delete_snapshot(
        self, workspace_snapshot_hash: str, resource_restore_hash: str | None, relative_path: str
    ) -> None:
        """Nothing is kept for one snapshot alone: others may have the same version."""

    # -- what reports, checks and lineage ask ------------------------------------------------------------------------

    def changes_since(self, version: SnapshotVersion) -> ResourceChange:
        if self.my_path is None or not Path(self.my_path).is_file():
            return ResourceChange("missing", "the file is not there")
        if Path(self.my_path).stat().st_size > _CHEAP_BYTES:
            return ResourceChange("unknown", "the file is large")
        return ResourceChange("unchanged" if self._content()[0] == version.compare_hash else "changed")

    def check_integrity(self, restore_hashes: Mapping[str, str]) -> Iterable[Problem]:
        for snapshot, hashval in restore_hashes.items():
            try:
                self._kept(hashval)
            except (ConfigurationError, MetadataError) as e:
                remedy = "Get it from another copy of the workspace"
                yield Problem("resource", self.name, f"of snapshot {snapshot[:7]}: {e.message}", remedy)

    def present_contents(self, subpaths: Sequence[str | None], *, keep: bool = False) -> PresentContents:
        hashval = self._content()[0]
        return PresentContents([hashval if path is None else None for path in subpaths])

    def version_contents(self, compare_hash: str, subpaths: Sequence[str | None]) -> list[str | None]:
        return [compare_hash if path is None else None for path in subpaths]

    # -- synchronising: versions travel with the workspace, so there is nothing to push or pull ----------------------

    def pull_precheck(self) -> None: ...

    def pull(self) -> bool | None:
        return False

    def push_precheck(self) -> None: ...

    def push(self) -> None: ...
