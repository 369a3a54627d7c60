"""Whether something is there: what cannot be asked is no no."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.commands.add import add_command
from dataworkspaces.errors import (
    BatchModeError,
    ConfigurationError,
    DwsError,
    NotFoundError,
    NotSupportedError,
    PluginError,
    RefusedError,
    UnavailableError,
)
from dataworkspaces.filesystems.resource_files import ResourceFileSystem
from dataworkspaces.filesystems.snapshot_files import SnapshotFiles
from dataworkspaces.operations.dws_filesystem import DwsFileSystem
from dataworkspaces.testing.folder import FolderFactory
from dataworkspaces.testing.memory import MemoryWorkspace


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("x")
    workspace = MemoryWorkspace(tmp_path / "ws", factories={"folder": FolderFactory()})
    add_command(workspace, "folder", "source-data", "data", path=tmp_path / "data")
    return workspace


class Down:
    """Files at a store that answers nothing but ``error``."""

    reads_at_once = 1

    def __init__(self, error: DwsError) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            raise self.error

        return fail


@pytest.mark.parametrize("kind", [UnavailableError, RefusedError, NotSupportedError, PluginError, BatchModeError])
@pytest.mark.parametrize(
    "question",
    [
        lambda fs: fs.exists("file"),
        lambda fs: fs.isfile("file"),
        lambda fs: fs.isdir("file"),
        lambda fs: fs.glob("*"),
        lambda fs: fs.find(""),
        lambda fs: fs.info("file"),
        lambda fs: fs.cat("file"),
        lambda fs: list(fs.walk("")),
    ],
    ids=["exists", "isfile", "isdir", "glob", "find", "info", "cat", "walk"],
)
@pytest.mark.parametrize("at_snapshot", [False, True], ids=["now", "snapshot"])
def test_files_of_a_store_that_does_not_answer(kind: type[DwsError], question: Any, at_snapshot: bool) -> None:
    files: Any = Down(kind("The store does not answer"))
    fs = ResourceFileSystem(SnapshotFiles(files, "Resource") if at_snapshot else files)
    with pytest.raises(kind):
        question(fs)


@pytest.mark.parametrize("kind", [NotFoundError, ConfigurationError])
def test_files_that_are_certain_not_to_be_there(kind: type[DwsError]) -> None:
    files: Any = Down(kind("There is none"))
    assert not ResourceFileSystem(files).exists("file")
    assert not ResourceFileSystem(SnapshotFiles(files, "Resource")).exists("file")


def test_a_type_that_is_not_installed(workspace: MemoryWorkspace) -> None:
    """Its files may well be there; those of a resource that is not in the workspace are not."""
    fs = DwsFileSystem(workspace=workspace)
    assert fs.exists("data/file")
    assert not fs.exists("nothing/file")
    workspace.factories.clear()
    with pytest.raises(PluginError):
        DwsFileSystem(workspace=workspace, skip_instance_cache=True).exists("data/file")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_directory_that_may_not_be_read(workspace: MemoryWorkspace, tmp_path: Path) -> None:
    closed = tmp_path / "data" / "closed"
    closed.mkdir(mode=0)
    try:
        with pytest.raises(UnavailableError):
            workspace.get_resource("data").does_subpath_exist("closed/file")  # type: ignore[attr-defined]
    finally:
        closed.chmod(0o755)


@pytest.mark.parametrize(
    ("path", "kind", "expected"),
    [
        ("file", {}, True), ("file", {"must_be_file": True}, True), ("file", {"must_be_directory": True}, False),
        ("sub", {}, True), ("sub", {"must_be_file": True}, False), ("sub", {"must_be_directory": True}, True),
        ("no", {}, False), ("file/below", {}, False), ("broken", {}, True), ("broken", {"must_be_file": True}, False),
        ("loop", {}, True), ("loop", {"must_be_directory": True}, False),
    ],
)  # fmt: skip
def test_what_is_in_a_directory(
    workspace: MemoryWorkspace, tmp_path: Path, path: str, kind: dict[str, bool], expected: bool
) -> None:
    (tmp_path / "data" / "sub").mkdir()
    (tmp_path / "data" / "broken").symlink_to("nothing")
    (tmp_path / "data" / "loop").symlink_to("loop")
    resource: Any = workspace.get_resource("data")
    assert resource.does_subpath_exist(path, **kind) is expected
