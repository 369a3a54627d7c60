"""What a copy of a workspace keeps on its machine: local parameters, caches, the lock, current lineage."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import MetadataError
from dataworkspaces.toolbox.atomic import read_json_object_if_any, write_json
from dataworkspaces.workspace.workspace_uri import METADATA_DIR, write_backend_file

if TYPE_CHECKING:
    from dataworkspaces.backends.sql.urls import DatabaseUrl

BACKEND = "sql"


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


@contextmanager
def new_copy(root: Path, workspace_id: str, url: DatabaseUrl | None, local_params: dict[str, Any]) -> Iterator[Path]:
    """Make the metadata directory, in which the block may put more. Without an error it is there afterwards, and whole;
    otherwise nothing is."""
    building = root / f"{METADATA_DIR}.new"
    shutil.rmtree(building, ignore_errors=True)
    try:
        write_backend_file(building, BACKEND, url=None if url is None else url.text, workspace=workspace_id)
        metadata = building / METADATA_DIR
        LocalCopy(metadata, root).write_params(local_params)
        yield metadata
        metadata.rename(root / METADATA_DIR)  # from here on there is a copy
    finally:
        shutil.rmtree(building, ignore_errors=True)
