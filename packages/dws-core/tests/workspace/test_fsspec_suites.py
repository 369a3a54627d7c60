"""fsspec's own suites for file systems, on a resource of local files.

What a resource cannot do: it has no empty directories, as an object store has none. The suites work in a directory,
since fsspec itself copies a directory at a root without a name to another place than one elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.tests import abstract
from memory_workspace import MemoryWorkspace

from dataworkspaces.workspace.filesystem import ResourceFileSystem


class Fixtures(abstract.AbstractFixtures):  # type: ignore[misc]
    @pytest.fixture
    def fs(self, tmp_path: Path) -> ResourceFileSystem:
        (tmp_path / "workspace").mkdir()
        (tmp_path / "data").mkdir()
        workspace = MemoryWorkspace(tmp_path / "workspace")
        resource = workspace.add_resource("data", "file", "source-data", path=str(tmp_path / "data"))
        return ResourceFileSystem(resource)  # type: ignore[arg-type]

    @pytest.fixture
    def fs_path(self) -> str:
        return "base"

    @pytest.fixture
    def fs_join(self) -> object:
        return lambda *parts: "/".join(filter(None, parts))

    @pytest.fixture
    def local_fs(self) -> LocalFileSystem:
        return LocalFileSystem(auto_mkdir=True)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False


class TestCopy(abstract.AbstractCopyTests, Fixtures):  # type: ignore[misc]
    pass


class TestGet(abstract.AbstractGetTests, Fixtures):  # type: ignore[misc]
    pass


class TestPut(abstract.AbstractPutTests, Fixtures):  # type: ignore[misc]
    pass


class TestOpen(abstract.AbstractOpenTests, Fixtures):  # type: ignore[misc]
    pass


class TestPipe(abstract.AbstractPipeTests, Fixtures):  # type: ignore[misc]
    pass
