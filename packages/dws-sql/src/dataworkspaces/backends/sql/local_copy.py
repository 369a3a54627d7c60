"""What a copy of a workspace keeps on its machine: local parameters, caches, the lock, current lineage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dataworkspaces.errors import MetadataError
from dataworkspaces.toolbox.atomic import read_json_object_if_any, write_json


class LocalCopy:
    """:ivar directory: holds all of it.
    :ivar root: the directory of the workspace, whose ``.dataworkspace`` that is; None for a copy that has none."""

    def __init__(self, directory: Path, root: Path | None) -> None:
        self.directory = directory
        self.root = root

    @property
    def machine(self) -> Path:
        return self.directory / "machine"

    @property
    def current_lineage(self) -> Path:
        return self.directory / "current_lineage"

    def resource_directory(self, name: str) -> Path:
        return self.directory / "scratch" / name

    @property
    def _params_file(self) -> Path:
        return self.directory / "local_params.json"

    @property
    def _resources_file(self) -> Path:
        return self.directory / "resource_local_params.json"

    def read_params(self) -> dict[str, Any]:
        return _read(self._params_file)

    def write_params(self, params: dict[str, Any]) -> None:
        write_json(self._params_file, params)

    def read_resource_params(self, name: str) -> dict[str, Any] | None:
        params = _read(self._resources_file).get(name)
        if params is not None and not isinstance(params, dict):
            raise MetadataError(f"{self._resources_file}: the entry of '{name}' should be a JSON object")
        return params

    def write_resource_params(self, name: str, params: dict[str, Any] | None) -> None:
        """Without parameters the resource has never been here."""
        before = _read(self._resources_file)
        after = {key: value for key, value in before.items() if key != name}
        if params is not None:
            after[name] = params
        if after != before:
            write_json(self._resources_file, after)


def _read(path: Path) -> dict[str, Any]:
    return read_json_object_if_any(path) or {}
