"""A resource type that keeps whole versions of a small directory in memory: the least that all commands can act on."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, MetadataError, NotFoundError
from dataworkspaces.params import BoolType, ParamDef, ParamDefs
from dataworkspaces.workspace import (
    EXPORT_PARAM,
    IMPORTED_PARAM,
    FileChange,
    LocalDirectoryMixin,
    Resource,
    ResourceChange,
    ResourceFactory,
    SnapshotResourceMixin,
    SnapshotVersion,
    Workspace,
)

Content = dict[str, bytes]


class FolderResource(LocalDirectoryMixin, SnapshotResourceMixin, Resource):
    """:ivar keep: False for versions that cannot be restored."""

    param_defs = ParamDefs(
        [
            ParamDef("path", None, True, "Where it is", settable=False),
            ParamDef("keep", True, True, "Versions can be restored", BoolType()),
            EXPORT_PARAM,
            IMPORTED_PARAM,
            ParamDef("colour", None, False, "Something of this machine", optional=True),
        ]
    )

    def __init__(self, params: dict[str, Any], local: dict[str, Any], workspace: Workspace, kept: dict[str, Content]):
        super().__init__("folder", params["name"], params["role"], workspace)
        self.params = params
        self.local = local
        self.kept = kept

    def get_params(self) -> dict[str, Any]:
        return {**super().get_params(), **self.params}

    def get_local_params(self) -> dict[str, Any]:
        return self.local

    def get_local_path_if_any(self) -> str:
        return str(self.params["path"])

    def content(self) -> Content:
        root = self._root()
        return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}

    def snapshot_precheck(self) -> None:
        if (self._root() / "refuse").exists():
            raise ConfigurationError(f"Resource '{self.name}' refuses")

    def snapshot(self) -> tuple[str | None, str | None]:
        content = self.content()
        hashval = hashlib.sha1(repr(content).encode()).hexdigest()
        self.kept[hashval] = content
        return hashval, hashval if self.params.get("keep", True) else None

    def restore_precheck(self, restore_hashval: str) -> None:
        if restore_hashval not in self.kept:
            raise NotFoundError(f"Resource '{self.name}' does not hold {restore_hashval}")

    def restore(self, restore_hashval: str) -> None:
        shutil.rmtree(self._root())
        for name, content in self.kept[restore_hashval].items():
            path = self._root_to_be() / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _root_to_be(self) -> Path:
        return Path(self.params["path"])

    def delete_snapshot(
        self, workspace_snapshot_hash: str, resource_restore_hash: str | None, relative_path: str
    ) -> None:
        self._delete_results_directory(relative_path)

    def changes_since(self, version: SnapshotVersion) -> ResourceChange:
        same = hashlib.sha1(repr(self.content()).encode()).hexdigest() == version.compare_hash
        return ResourceChange("unchanged" if same else "changed")

    def diff_versions(self, old: SnapshotVersion, new: SnapshotVersion) -> list[FileChange] | None:
        return _diff(self.kept[str(old.compare_hash)], self.kept[str(new.compare_hash)])

    def plan_restore(self, restore_hashval: str) -> list[FileChange] | None:
        return _diff(self.content(), self.kept[restore_hashval])

    def pull_precheck(self) -> None: ...
    def pull(self) -> None: ...
    def push_precheck(self) -> None: ...
    def push(self) -> None: ...


def _diff(old: Content, new: Content) -> list[FileChange]:
    changes = [FileChange("added", name) for name in new if name not in old]
    changes += [FileChange("deleted", name) for name in old if name not in new]
    return changes + [FileChange("modified", name) for name in new if name in old and old[name] != new[name]]


class FolderFactory(ResourceFactory):
    """Resources of one factory keep their versions in one place."""

    takes_export = True
    takes_imported = True
    param_defs = FolderResource.param_defs

    def __init__(self) -> None:
        self.kept: dict[str, Content] = {}

    def from_command_line(self, role: str, name: str, workspace: Workspace, *args: Any, **kwargs: Any) -> Resource:
        path = Path(kwargs["path"])
        if not path.is_dir():
            raise ConfigurationError(f"{path} is not a directory")
        given = {key: value for key, value in kwargs.items() if value}
        return FolderResource({**given, "name": name, "role": role, "path": str(path)}, {}, workspace, self.kept)

    def from_json(self, params: dict[str, Any], local_params: dict[str, Any], workspace: Workspace) -> FolderResource:
        if local_params.get("colour") == "invisible":
            raise MetadataError(f"Resource '{params['name']}' cannot be seen")
        return FolderResource(params, local_params, workspace, self.kept)

    def has_local_state(self) -> bool:
        return True

    def suggest_name(self, workspace: Workspace, role: str, *args: Any, **kwargs: Any) -> str:
        return Path(kwargs["path"]).name
