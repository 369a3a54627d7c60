"""The git backend keeps the contract of a workspace."""

from __future__ import annotations

from pathlib import Path

from dataworkspaces.testing.backends import WorkspaceBackendSuite
from dataworkspaces.workspace import Workspace, find_and_load_workspace, init_workspace


class TestGit(WorkspaceBackendSuite):
    entry_point = "git"

    def make(self, directory: Path) -> Workspace:
        return init_workspace("git", "ws", "host1", True, False, "scratch", directory=str(directory))

    def reopen(self, workspace: Workspace) -> Workspace:
        return find_and_load_workspace(True, False, workspace.get_workspace_local_path_if_any())
