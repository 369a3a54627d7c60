"""`dws gc` and git-fat: the workspace's repository, and a resource of type git."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from endtoend import HOST, write_files
from forked import Forked

pytestmark = pytest.mark.slow


def objects(repository: Path) -> set[str]:
    return {path.name for path in (repository / ".git" / "fat" / "objects").iterdir()}


def name(content: str) -> str:
    return hashlib.sha1(content.encode()).hexdigest()


def test_what_no_snapshot_needs_goes_from_the_workspace_and_from_resources(user: Forked) -> None:
    large = ("--git-fat-remote=remote-server:/store", "--git-fat-attributes=*.gz")
    user.batch("init", "--hostname", HOST, "--create-resources", "source-data", *large)
    code = user.at(user.cwd / "code")
    code.cwd.mkdir()
    code.git("init", "-q")
    code.git("fat", "init")
    write_files(code.cwd, {".gitattributes": "*.gz filter=fat -crlf\n", "model.gz": "one"})
    code.git("add", "-A")
    code.git("commit", "-q", "-m", "code")
    user.batch("add", "git", "--role", "code", "code")
    write_files(user.cwd, {"source-data/a.gz": "first"})
    user.batch("snapshot", "S1")
    write_files(user.cwd, {"source-data/a.gz": "second", "code/model.gz": "two"})
    user.batch("snapshot", "S2")
    for repository, path, content in ((user, "source-data/b.gz", "draft"), (code, "b.gz", "drafts")):
        write_files(repository.cwd, {path: content})
        repository.git("add", path)
        repository.git("rm", "-q", "-f", "--cached", path)
        (repository.cwd / path).unlink()

    young = user.json("gc", "--dry-run")
    assert (young["objects"], young["young"], young["elsewhere"]) == (0, 2, [])
    told = user.json("gc", "--dry-run", "--keep-days", "0")
    assert told["elsewhere"] == [
        {"resource": "code", "objects": 1, "bytes": 6}, {"resource": None, "objects": 1, "bytes": 5}
    ]  # fmt: skip
    assert (told["objects"], told["bytes"], told["damaged"]) == (2, 11, [])
    assert name("draft") in objects(user.cwd)
    said = user.batch("gc", "--yes", "--keep-days", "0").stdout
    assert "Removed 1 content (6 B) that resource 'code' keeps by itself" in said
    assert "Removed 1 content (5 B) that the workspace keeps by itself" in said
    assert objects(user.cwd) == {name("first"), name("second")}
    assert objects(code.cwd) == {name("one"), name("two")}
    user.batch("restore", "S1")
    assert (user.cwd / "source-data" / "a.gz").read_text() == "first"
    assert (code.cwd / "model.gz").read_text() == "one"


def test_what_nobody_can_tell_is_said_and_stays(user: Forked) -> None:
    large = ("--git-fat-remote=remote-server:/store", "--git-fat-attributes=*.gz")
    user.batch("init", "--hostname", HOST, "--create-resources", "source-data", *large)
    write_files(user.cwd, {"source-data/a.gz": "first"})
    user.git("add", "source-data/a.gz")
    user.git("rm", "-q", "-f", "--cached", "source-data/a.gz")
    (user.cwd / ".git" / "sequencer").mkdir()
    done = user.batch("gc", "--yes", "--keep-days", "0")
    assert "a cherry-pick or revert is in progress, so git-fat's objects may be needed; it stays" in done.stderr
    assert objects(user.cwd) == {name("first")}
