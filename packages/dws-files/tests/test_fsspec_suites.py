"""fsspec's own suites for file systems, on a resource of local files, by itself and below ``dws://``.

They write before they read, so there is none for the files at a snapshot, which nobody can write."""

from __future__ import annotations

from pathlib import Path

import pytest
from fsspec.tests import abstract

from dataworkspaces.operations.dws_filesystem import DwsFileSystem
from dataworkspaces.testing.filesystems import FsspecFixtures
from dataworkspaces.testing.resources import NAME
from dataworkspaces.workspace import Resource, Workspace

pytestmark = pytest.mark.slow


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


class Dws(LocalFiles):
    @pytest.fixture
    def fs(self, resource: Resource) -> DwsFileSystem:
        return DwsFileSystem(resource.workspace)

    @pytest.fixture
    def fs_path(self) -> str:
        return f"{NAME}/base"


class TestCopyOfDws(abstract.AbstractCopyTests, Dws):  # type: ignore[misc]
    pass


class TestGetOfDws(abstract.AbstractGetTests, Dws):  # type: ignore[misc]
    pass


class TestPutOfDws(abstract.AbstractPutTests, Dws):  # type: ignore[misc]
    pass


class TestOpenOfDws(abstract.AbstractOpenTests, Dws):  # type: ignore[misc]
    pass


class TestPipeOfDws(abstract.AbstractPipeTests, Dws):  # type: ignore[misc]
    pass
