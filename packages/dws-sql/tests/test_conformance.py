"""The sql backend keeps the contract of a workspace, with each database, and with a directory or without."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworkspaces.testing.backends import WorkspaceBackendSuite
from dataworkspaces.workspace import Workspace, find_and_load_workspace, init_workspace

pytestmark = pytest.mark.slow


class TestSqliteInTheDirectory(WorkspaceBackendSuite):
    entry_point = "sql"

    def make(self, directory: Path) -> Workspace:
        return init_workspace("sql", "ws", "host1", True, False, "scratch", directory=str(directory))

    def reopen(self, workspace: Workspace) -> Workspace:
        return find_and_load_workspace(True, False, workspace.get_workspace_local_path_if_any())


@pytest.mark.slow
class TestDatabase(TestSqliteInTheDirectory):
    """A database that the directory only names."""

    @pytest.fixture(autouse=True)
    def _in_the_database(self, url: str) -> None:
        self.url = url

    def make(self, directory: Path) -> Workspace:
        return init_workspace("sql", "ws", "host1", True, False, "scratch", directory=str(directory), url=self.url)


class TestWithoutADirectory(WorkspaceBackendSuite):
    """A copy that is opened by the address of its database."""

    entry_point = "sql"

    def make(self, directory: Path) -> Workspace:
        self.url = f"sql+sqlite:///{directory.parent / 'shared.sqlite'}?workspace=ws"
        init_workspace("sql", "ws", "other", True, False, "scratch", directory=str(directory), url=self.url)
        workspace = find_and_load_workspace(True, False, self.url)
        workspace.set_local_param("hostname", "host1")
        return workspace

    def reopen(self, workspace: Workspace) -> Workspace:
        return find_and_load_workspace(True, False, self.url)
