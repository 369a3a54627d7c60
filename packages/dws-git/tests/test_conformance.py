"""The git backend and the resource types of git keep the contracts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.testing.backends import WorkspaceBackendSuite
from dataworkspaces.testing.filesystems import FileSystemSuite
from dataworkspaces.testing.resources import (
    NAME,
    CheckOutSuite,
    FileResourceSuite,
    LocalStateResourceSuite,
    SnapshotResourceSuite,
)
from dataworkspaces.workspace import Resource, Workspace, find_and_load_workspace, init_workspace

pytestmark = pytest.mark.slow


class TestGit(WorkspaceBackendSuite):
    entry_point = "git"
    faults_of_a_command = 2

    def make(self, directory: Path) -> Workspace:
        return init_workspace("git", "ws", "host1", True, False, "scratch", directory=str(directory))

    def reopen(self, workspace: Workspace) -> Workspace:
        return find_and_load_workspace(True, False, workspace.get_workspace_local_path_if_any())


class TestGitBelowTheRoot(TestGit):
    """A workspace in a subdirectory of its repository."""

    def make(self, directory: Path) -> Workspace:
        subprocess.run(["git", "init", "-q"], cwd=directory, check=True)
        (directory / "not of the workspace").write_text("x", encoding="utf-8")
        place = directory / "teams" / "our own"
        place.mkdir(parents=True)
        return super().make(place)


class InGit(SnapshotResourceSuite, FileResourceSuite, FileSystemSuite):
    """What the types of git have in common: files of a working tree."""

    faults_of_a_case = 2

    @pytest.fixture
    def workspace(self, tmp_path: Path) -> Workspace:
        directory = tmp_path / "ws"
        directory.mkdir()
        return init_workspace("git", "ws", "host1", True, False, "scratch", directory=str(directory))

    def change(self, resource: Any, value: str) -> None:
        root = Path(resource.get_local_path_if_any())
        (root / "file").write_text(value)
        (root / "only-of-a").touch() if value == "a" else (root / "only-of-a").unlink(missing_ok=True)

    def content(self, resource: Any) -> Any:
        root = Path(resource.get_local_path_if_any())
        return {path.name: path.read_text() for path in root.iterdir() if path.is_file()}


class TestGitRepository(InGit, CheckOutSuite, LocalStateResourceSuite):
    entry_point = "git"
    lacks = {"S10": "a version is a commit, which has a past"}  # noqa: RUF012 - read only

    @pytest.fixture(autouse=True)
    def _git(self, git: Callable[..., str]) -> None:
        self.git = git

    def add(self, workspace: Workspace, directory: Path) -> Resource:
        origin = directory.with_name("origin.git")
        self.git(directory.parent, "init", "-q", "--bare", str(origin))
        self.git(directory, "clone", "-q", str(origin), ".")
        (directory / "file").write_text("first")
        self.git(directory, "add", "-A")
        self.git(directory, "commit", "-q", "-m", "first")
        self.git(directory, "push", "-q", "origin", "main")
        return workspace.add_resource(NAME, "git", "intermediate-data", path=str(directory))


class TestGitSubdirectory(InGit):
    entry_point = "git-subdirectory"

    def add(self, workspace: Workspace, directory: Path) -> Resource:
        root = Path(workspace.get_workspace_local_path_if_any() or "") / NAME
        return workspace.add_resource(NAME, "git-subdirectory", "intermediate-data", path=str(root), create=True)


class TestGitSubdirectoryBelowTheRoot(TestGitSubdirectory):
    """Of a workspace that lies in a subdirectory itself."""

    @pytest.fixture
    def workspace(self, tmp_path: Path) -> Workspace:
        place = tmp_path / "repository" / "teams" / "our own"
        place.mkdir(parents=True)
        subprocess.run(["git", "init", "-q"], cwd=tmp_path / "repository", check=True)
        return init_workspace("git", "ws", "host1", True, False, "scratch", directory=str(place))
