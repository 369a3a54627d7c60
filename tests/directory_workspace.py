"""A workspace for the tests of kits, which are to pass without any backend installed.

It stands in for the ``git`` backend, and keeps its parameters in JSON files. Resources are those of dws-files; lineage
is kept as every backend keeps it. It has no snapshots: the end-to-end tests take them, in real workspaces.

A ``conftest.py`` imports the fixtures: ``backend``, ``workspace`` and ``script``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import ParseResult

import pytest

from dataworkspaces import plugins
from dataworkspaces.lineage import FileLineageStore, LineageStore
from dataworkspaces.toolbox.atomic import read_json, write_bytes, write_json
from dataworkspaces.workspace import PresentContents, Resource, SnapshotWorkspaceMixin, Workspace, WorkspaceFactory


class DirectoryWorkspace(Workspace):
    """A workspace in a directory."""

    def __init__(self, root: Path) -> None:
        super().__init__(root.name, "2.0")
        self.root = root
        self.metadata = root / ".dataworkspace"

    def _read(self, name: str, default: Any) -> Any:
        path = self.metadata / f"{name}.json"
        return read_json(path) if path.exists() else default

    def _write(self, name: str, data: Any) -> None:
        write_json(self.metadata / f"{name}.json", data)

    def read_params(self, is_global: bool) -> dict[str, Any]:
        return dict(self._read(f"params-{is_global}", {}))

    def write_params(self, is_global: bool, params: dict[str, Any]) -> None:
        self._write(f"params-{is_global}", params)

    def read_resource_params(self) -> list[dict[str, Any]]:
        return list(self._read("resources", []))

    def write_resource_params(self, params: dict[str, Any]) -> None:
        others = [p for p in self.read_resource_params() if p["name"] != params["name"]]
        self._write("resources", [*others, params])

    def read_resource_local_params(self, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._read(f"local-{name}", None)
        return found

    def write_resource_local_params(self, name: str, params: dict[str, Any]) -> None:
        self._write(f"local-{name}", params)

    def read_resource_state(self, resource: Resource, key: str) -> bytes | None:
        path = self.metadata / "state" / resource.name / key
        return path.read_bytes() if path.exists() else None

    def write_resource_state(self, resource: Resource, items: dict[str, bytes]) -> None:
        for key, content in items.items():
            write_bytes(self.metadata / "state" / resource.name / key, content)

    def get_resource_local_directory(self, resource: Resource) -> Path:
        path = self.metadata / "scratch" / resource.name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def get_machine_directory(self) -> Path:
        return self.metadata / "machine"

    def save(self, message: str) -> None:
        pass

    def get_instance(self) -> str:
        return "host1"

    def get_workspace_local_path_if_any(self) -> str | None:
        return str(self.root)

    def get_scratch_directory(self) -> str:
        return str(self.root / "scratch")

    def get_resource_names(self) -> Iterable[str]:
        return [params["name"] for params in self.read_resource_params()]

    def as_snapshot_ws(self) -> SnapshotWorkspaceMixin:
        raise self.not_supported("snapshots")

    def as_lineage_ws(self) -> SnapshotWorkspaceMixin:
        return LineageAlone(self.root)

    def read_results(self) -> dict[str, Any]:
        results: dict[str, Any] = read_json(self.root / "results" / "results.json")
        return results

    def read_lineage(self) -> dict[str, Any]:
        """The one entry of the lineage of the resource ``results``."""
        [entry] = self.lineage_store.entries("results")
        return entry.to_json()

    @property
    def lineage_store(self) -> LineageStore:
        return FileLineageStore(
            self.metadata / "current_lineage", self.metadata / "snapshot_lineage", self.get_machine_directory() / "lock"
        )


class LineageAlone(DirectoryWorkspace, SnapshotWorkspaceMixin):
    """Of what a workspace with snapshots has, what kits need: it takes none."""

    def get_lineage_store(self) -> LineageStore:
        return self.lineage_store

    def supports_lineage(self) -> bool:
        return True

    def present_contents(self, places: Any, *, keep: bool = False) -> dict[str, PresentContents]:
        return {name: PresentContents([None] * len(subpaths)) for name, subpaths in places.items()}


LineageAlone.__abstractmethods__ = frozenset()


class DirectoryWorkspaceFactory(WorkspaceFactory):
    @staticmethod
    def load_workspace(batch: bool, verbose: bool, parsed_uri: ParseResult) -> Workspace:
        return DirectoryWorkspace(Path(parsed_uri.path))

    @staticmethod
    def clone_workspace(local_params: dict[str, Any], batch: bool, verbose: bool, *args: Any) -> Workspace:
        raise NotImplementedError

    @staticmethod
    def init_workspace(*args: Any, **kwargs: Any) -> Workspace:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let local workspaces be of the backend above."""
    load = plugins.load

    def load_ours(group: str, name: str) -> Any:
        return DirectoryWorkspaceFactory if (group, name) == (plugins.BACKENDS, "git") else load(group, name)

    monkeypatch.setattr(plugins, "load", load_ours)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DirectoryWorkspace:
    """A workspace with the resources code, results and data; the current directory is its code."""
    root = tmp_path / "quickstart"
    (root / ".dataworkspace").mkdir(parents=True)
    result = DirectoryWorkspace(root)
    for name, role in (("data", "source-data"), ("code", "code"), ("results", "results")):
        (root / name).mkdir()
        result.add_resource(name, "file", role, path=str(root / name))
    monkeypatch.chdir(root / "code")
    return result


@pytest.fixture
def script(workspace: DirectoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script of the code resource that seems to be the one that runs."""
    path = workspace.root / "code" / "digits-svc.py"
    path.write_text("")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(path), raising=False)
    monkeypatch.setattr(sys, "argv", [str(path)])
    return path
