"""The resource type keeps the contracts, with a replica in another directory of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.testing.filesystems import FileSystemSuite
from dataworkspaces.testing.resources import (
    NAME,
    CheckOutSuite,
    FileResourceSuite,
    LocalStateResourceSuite,
    SnapshotResourceSuite,
)
from dataworkspaces.workspace import Resource, Workspace

pytestmark = pytest.mark.slow


class TestRclone(CheckOutSuite, SnapshotResourceSuite, FileResourceSuite, LocalStateResourceSuite, FileSystemSuite):
    entry_point = "rclone"
    faults_of_a_case = 3

    def add(self, workspace: Workspace, directory: Path) -> Resource:
        (directory / "file").write_text("first")
        remote = directory.with_name("remote")
        remote.mkdir()
        config = directory.with_name("rclone.conf")
        config.write_text("[here]\ntype = local\n")
        return workspace.add_resource(
            NAME,
            "rclone",
            "intermediate-data",
            remote_origin=f"here:{remote}",
            config=str(config),
            local_path=str(directory),
            master="local",
            restorable=True,
        )

    def change(self, resource: Any, value: str) -> None:
        path = Path(resource.get_local_path_if_any())
        (path / "file").write_text(value)
        (path / "only-of-a").touch() if value == "a" else (path / "only-of-a").unlink(missing_ok=True)

    def content(self, resource: Any) -> Any:
        return {path.name: path.read_text() for path in Path(resource.get_local_path_if_any()).iterdir()}
