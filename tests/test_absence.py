"""Storage that is away is not taken for files that are not there: each question to it raises, and no command says "There
is no ...". S3, rclone and databases have such tests beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from endtoend import User, write_files

PROBE = """
import json, sys
import fsspec
from dataworkspaces.api import get_filesystem_for_resource
from dataworkspaces.errors import DwsError

fs = fsspec.filesystem("dws")
QUESTIONS = {
    "exists": lambda path: fs.exists(path + "/none"),
    "isfile": lambda path: fs.isfile(path + "/file"),
    "isdir": lambda path: fs.isdir(path + "/sub"),
    "glob": lambda path: fs.glob(path + "/*"),
    "find": lambda path: fs.find(path),
    "ls": lambda path: fs.ls(path),
    "walk": lambda path: list(fs.walk(path)),
    "cat": lambda path: fs.cat(path + "/file"),
    "cat of several": lambda path: fs.cat([path + "/file"]),
    "info": lambda path: fs.info(path + "/none"),
    "open": lambda path: fs.open(path + "/none").read(),
    "du": lambda path: fs.du(path),
    "of a resource": lambda path: get_filesystem_for_resource(*path.split("@")).exists("none"),
}
answers = {}
for path in sys.argv[1:]:
    for name, ask in QUESTIONS.items():
        try:
            answers[f"{path} {name}"] = repr(ask(path))
        except DwsError as e:
            answers[f"{path} {name}"] = f"raised {type(e).__name__}"
        except OSError as e:
            answers[f"{path} {name}"] = f"not there: {type(e).__name__}"
print(json.dumps(answers))
"""


def answers(user: User, *paths: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(user.python("-c", PROBE, *paths).stdout)
    return found


@pytest.fixture
def workspace(workspace: User) -> User:
    """With files in a repository, in a directory, and in a part of the workspace's repository."""
    files = {"file": "1\n", "sub/file": "2\n"}
    workspace.make_repository(workspace.cwd / "repo", {**files})
    write_files(workspace.cwd / "data", {**files})
    write_files(workspace.cwd / "part", {**files})
    workspace.batch("add", "git", "--role", "source-data", "repo")
    workspace.batch("add", "local-files", "--role", "source-data", "--restorable", "data")
    workspace.batch("add", "git", "--role", "source-data", "part")
    workspace.batch("snapshot", "ONE")
    return workspace


def test_a_directory_that_is_away(workspace: User) -> None:
    for name in ("repo", "data"):
        (workspace.cwd / name).rename(workspace.cwd.parent / name)
    found = answers(workspace, "repo", "data")
    assert {question: answer for question, answer in found.items() if answer != "raised UnavailableError"} == {}
    for name in ("repo", "data"):
        for command in (
            ["ls", f"{name}:"],
            ["ls", f"{name}:sub"],
            ["cat", f"{name}:none"],
            ["cp", f"{name}:file", "x"],
        ):
            failed = workspace.batch(*command, check=False)
            assert failed.returncode == 5, failed.stderr
            assert f"Resource '{name}' is not on this machine" in failed.stderr
            assert "There is no" not in failed.stderr


def away(place: Path) -> None:
    place.rename(place.with_name("away"))
    place.mkdir()


@pytest.mark.parametrize("what", [".dataworkspace/file", ".dataworkspace/objects", "repo/.git/objects"])
def test_a_store_that_is_away(what: str, workspace: User) -> None:
    """Of an object store the names are in the workspace, so that only what is in the files cannot be had."""
    away(workspace.cwd / what)
    path = "repo@ONE" if "repo" in what else "data@ONE"
    found = answers(workspace, path)
    if "objects" in what and path == "data@ONE":
        found = {name: answer for name, answer in found.items() if name.startswith(f"{path} cat")}
    assert {question: answer for question, answer in found.items() if not answer.startswith("raised ")} == {}
    failed = workspace.batch("cat", f"{path}:file".replace("/", ":"), check=False)
    assert failed.returncode != 0
    assert "There is no" not in failed.stderr


def test_a_part_of_a_repository_without_files_is_empty(workspace: User) -> None:
    """Git has no empty directories."""
    for path in ("file", "sub/file"):
        (workspace.cwd / "part" / path).unlink()
    (workspace.cwd / "part/sub").rmdir()
    (workspace.cwd / "part").rmdir()
    found = answers(workspace, "part")
    assert found["part exists"] == found["part isfile"] == "False"
    assert found["part info"] == "not there: FileNotFoundError"


def test_what_is_certain_is_answered(workspace: User) -> None:
    found = answers(workspace, "data", "data@ONE", "repo@ONE")
    for path in ("data", "data@ONE", "repo@ONE"):
        assert found[f"{path} exists"] == "False"
        assert found[f"{path} isfile"] == found[f"{path} isdir"] == "True"
        assert found[f"{path} info"] == "not there: FileNotFoundError"
    failed = workspace.batch("cat", "data:none", check=False)
    assert failed.returncode == 4
    assert "'data:none' does not exist" in failed.stderr
