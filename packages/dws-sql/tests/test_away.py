"""A database that is away says nothing about what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from postgresql_server import PostgreSql

from dataworkspaces.backends.sql import FACTORY
from dataworkspaces.backends.sql.workspace import SqlWorkspace
from dataworkspaces.commands.add import add_command
from dataworkspaces.commands.files import cat_command, cp_command, ls_command
from dataworkspaces.errors import NotFoundError, UnavailableError
from dataworkspaces.operations.dws_filesystem import DwsFileSystem

Copy = Callable[[str], SqlWorkspace]

QUESTIONS: dict[str, Callable[[Any, SqlWorkspace], Any]] = {
    "exists": lambda fs, _: fs.exists("data/none"),
    "a resource exists": lambda fs, _: fs.exists("none"),
    "a snapshot exists": lambda fs, _: fs.exists("data@ONE/file"),
    "isfile": lambda fs, _: fs.isfile("data/file"),
    "isdir": lambda fs, _: fs.isdir("data"),
    "glob": lambda fs, _: fs.glob("data/*"),
    "glob of resources": lambda fs, _: fs.glob("*"),
    "find": lambda fs, _: fs.find("data"),
    "ls": lambda fs, _: fs.ls(""),
    "walk": lambda fs, _: list(fs.walk("")),
    "cat": lambda fs, _: fs.cat("data/file"),
    "info": lambda fs, _: fs.info("data/file"),
    "dws ls": lambda _, workspace: ls_command(workspace, "none:"),
    "dws cat": lambda _, workspace: cat_command(workspace, "none:file", open("/dev/null", "wb")),  # noqa: PTH123, SIM115
    "dws cp": lambda _, workspace: cp_command(workspace, "none:file", "/dev/null"),
    "resource": lambda _, workspace: workspace.get_resource("none"),
    "snapshot": lambda _, workspace: workspace.get_snapshot_by_tag("ONE"),
    "has_snapshot": lambda _, workspace: workspace.has_snapshot("0" * 40),
}


@contextmanager
def away(postgresql: PostgreSql) -> Iterator[None]:
    sockets = [path for path in postgresql.directory.iterdir() if path.is_socket()]
    for path in sockets:
        path.rename(path.with_name(f"away{path.name}"))
    try:
        yield
    finally:
        for path in sockets:
            path.with_name(f"away{path.name}").rename(path)


@pytest.mark.slow
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_each_question_raises(copy: Copy, url: str, postgresql: PostgreSql, tmp_path: Path) -> None:
    workspace = copy("ada")
    data = tmp_path / "data"
    data.mkdir()
    (data / "file").write_text("1")
    add_command(workspace, "file", "source-data", "data", path=str(data), local_path=str(data))
    with pytest.raises(NotFoundError):
        workspace.get_resource("none")
    told = {}
    for name, ask in QUESTIONS.items():
        fs = DwsFileSystem(workspace)
        workspace.database.close()
        with away(postgresql):
            try:
                told[name] = repr(ask(fs, workspace))
            except UnavailableError:
                continue
            except Exception as e:
                told[name] = repr(e)
    assert told == {}
    assert DwsFileSystem(workspace).cat("data/file") == b"1"


@pytest.mark.slow
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_workspace_whose_server_is_away_is_no_missing_one(copy: Copy, url: str, postgresql: PostgreSql) -> None:
    copy("ada").database.close()
    with away(postgresql), pytest.raises(UnavailableError, match="Check that it exists"):
        FACTORY.load_workspace(True, False, urlparse(url))
