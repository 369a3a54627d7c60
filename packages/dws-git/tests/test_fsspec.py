"""fsspec's own suites for file systems, on a git repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fsspec.tests import abstract

from dataworkspaces.testing.filesystems import FsspecFixtures
from dataworkspaces.testing.resources import NAME
from dataworkspaces.workspace import Resource, Workspace

pytestmark = pytest.mark.slow


class Repository(FsspecFixtures):
    @pytest.fixture(autouse=True)
    def _git(self, git: Callable[..., str]) -> None:
        self.git = git

    def add(self, workspace: Workspace, directory: Path) -> Resource:
        self.git(directory, "init", "-q")
        return workspace.add_resource(NAME, "git", "intermediate-data", path=str(directory))


class TestCopy(abstract.AbstractCopyTests, Repository):  # type: ignore[misc]
    pass


class TestGet(abstract.AbstractGetTests, Repository):  # type: ignore[misc]
    pass


class TestPut(abstract.AbstractPutTests, Repository):  # type: ignore[misc]
    pass


class TestOpen(abstract.AbstractOpenTests, Repository):  # type: ignore[misc]
    pass


class TestPipe(abstract.AbstractPipeTests, Repository):  # type: ignore[misc]
    pass
