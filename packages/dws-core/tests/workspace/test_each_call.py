"""Questions for files, of a workspace whose storage fails at one call after the other: the answer is right, or an
error; never *no*."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.commands.add import add_command
from dataworkspaces.commands.files import cat_command, cp_command, ls_command
from dataworkspaces.errors import UnavailableError
from dataworkspaces.operations.dws_filesystem import DwsFileSystem
from dataworkspaces.testing.faults import failing
from dataworkspaces.testing.folder import FolderFactory
from dataworkspaces.testing.memory import MemoryWorkspace


def cat(workspace: MemoryWorkspace) -> bytes:
    output = io.BytesIO()
    cat_command(workspace, "data:file", output)
    return output.getvalue()


def of(ask: Callable[[DwsFileSystem], Any]) -> Callable[[MemoryWorkspace], Any]:
    return lambda workspace: ask(DwsFileSystem(workspace))


QUESTIONS: dict[str, Callable[[MemoryWorkspace], Any]] = {
    "exists": of(lambda fs: fs.exists("data/file")),
    "isfile": of(lambda fs: fs.isfile("data/file")),
    "isdir": of(lambda fs: fs.isdir("data/sub")),
    "glob": of(lambda fs: fs.glob("data/*")),
    "glob of resources": of(lambda fs: fs.glob("*")),
    "find": of(lambda fs: fs.find("data")),
    "ls": of(lambda fs: fs.ls("data")),
    "ls of all": of(lambda fs: fs.ls("")),
    "walk": of(lambda fs: list(fs.walk("data"))),
    "cat": of(lambda fs: fs.cat("data/file")),
    "info": of(lambda fs: fs.info("data/file")),
    "info of a resource": of(lambda fs: fs.info("data")),
    "dws ls": lambda workspace: ls_command(workspace, "data:"),
    "dws ls of all": lambda workspace: ls_command(workspace, None),
    "dws cat": cat,
    "dws cp": lambda workspace: cp_command(workspace, "data:file", str(workspace.directory / "copy")),
}


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    files = tmp_path / "data"
    (files / "sub").mkdir(parents=True)
    (files / "file").write_text("x")
    (files / "sub" / "other").write_text("y")
    workspace = MemoryWorkspace(tmp_path / "ws", factories={"folder": FolderFactory()})
    add_command(workspace, "folder", "source-data", "data", path=files)
    return workspace


@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_the_answer_is_right_or_none(ask: Callable[[MemoryWorkspace], Any], workspace: MemoryWorkspace) -> None:
    with failing(workspace, None) as calls:
        right = ask(workspace)
    assert right
    for number in range(len(calls.made)):
        with failing(workspace, number, for_good=True):
            try:
                answer = ask(workspace)
            except UnavailableError:
                continue
        assert answer == right, calls.made[number]


@pytest.mark.parametrize(
    "name",
    ["exists", "isfile", "isdir", "glob", "find", "ls", "walk", "cat", "info", "dws ls", "dws cat", "dws cp"],
)
def test_a_disk_that_fails(name: str, workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever Python's own questions make of it."""
    stat = os.stat

    def failing_stat(path: Any, **options: Any) -> Any:
        if not isinstance(path, int) and "data" in Path(path).parts:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return stat(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", failing_stat)
        with pytest.raises(UnavailableError, match="Input/output error"):
            QUESTIONS[name](workspace)
