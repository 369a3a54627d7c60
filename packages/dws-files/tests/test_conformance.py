"""The types of dws-files keep the contracts, without git."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dataworkspaces.testing.filesystems import FileSystemSuite
from dataworkspaces.testing.resources import (
    NAME,
    CheckOutSuite,
    FileResourceSuite,
    LocalStateResourceSuite,
    SnapshotResourceSuite,
)
from dataworkspaces.workspace import Resource, Workspace


class TestLocalFiles(CheckOutSuite, SnapshotResourceSuite, FileResourceSuite, LocalStateResourceSuite, FileSystemSuite):
    entry_point = "file"

    def add(self, workspace: Workspace, directory: Path) -> Resource:
        (directory / "file").write_text("first")
        return workspace.add_resource(NAME, "file", "intermediate-data", path=str(directory), restorable=True)

    def change(self, resource: Any, value: str) -> None:
        path = Path(resource.get_local_path_if_any())
        (path / "file").write_text(value)
        (path / "only-of-a").touch() if value == "a" else (path / "only-of-a").unlink(missing_ok=True)

    def content(self, resource: Any) -> Any:
        return {path.name: path.read_text() for path in Path(resource.get_local_path_if_any()).iterdir()}


class TestApiResource(CheckOutSuite, SnapshotResourceSuite):
    entry_point = "api-resource"
    lacks = dict.fromkeys(("S3", "S4", "C3"), "what an API delivers cannot be brought back")

    def add(self, workspace: Workspace, directory: Path) -> Resource:
        resource: Any = workspace.add_resource(NAME, "api-resource", "source-data")
        resource.save_input_hash("first")
        return resource

    def change(self, resource: Any, value: str) -> None:
        resource.save_input_hash(value)

    def content(self, resource: Any) -> Any:
        return resource.get_input_hash()
