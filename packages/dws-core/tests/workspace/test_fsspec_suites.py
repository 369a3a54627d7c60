"""fsspec's own suites for file systems, on a resource of local files."""

from __future__ import annotations

from pathlib import Path

from fsspec.tests import abstract

from dataworkspaces.testing.filesystems import FsspecFixtures
from dataworkspaces.testing.resources import NAME
from dataworkspaces.workspace import Resource, Workspace


class LocalFiles(FsspecFixtures):
    def add(self, workspace: Workspace, directory: Path) -> Resource:
        return workspace.add_resource(NAME, "file", "source-data", path=str(directory))


class TestCopy(abstract.AbstractCopyTests, LocalFiles):  # type: ignore[misc]
    pass


class TestGet(abstract.AbstractGetTests, LocalFiles):  # type: ignore[misc]
    pass


class TestPut(abstract.AbstractPutTests, LocalFiles):  # type: ignore[misc]
    pass


class TestOpen(abstract.AbstractOpenTests, LocalFiles):  # type: ignore[misc]
    pass


class TestPipe(abstract.AbstractPipeTests, LocalFiles):  # type: ignore[misc]
    pass
