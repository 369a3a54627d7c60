"""A deletion of a snapshot can be undone for a while, and is one for good after a gc."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from endtoend import FAILED, User, read_tree, whole_state, write_files


@pytest.fixture
def two(workspace: User) -> User:
    """A workspace with the snapshots A and B."""
    for tag in ("A", "B"):
        write_files(workspace.cwd, {"code/run.py": tag, "results/results.json": '{"metrics": {"loss": 1}}'})
        workspace.batch("snapshot", tag, "-m", f"snapshot {tag}")
    return workspace


def shared_files(user: User) -> dict[str, str]:
    """All but what is of this machine only."""
    return {name: text for name, text in read_tree(user.cwd).items() if ".tmp" not in name}


def test_what_was_deleted_comes_back_as_it_was(two: User) -> None:
    before = shared_files(two)
    two.batch("delete-snapshot", "A")
    assert shared_files(two) != before
    assert "A (" in two.dws("undo-delete", "--list").stdout
    two.batch("undo-delete", "A")
    assert shared_files(two) == before
    assert two.git("status", "--porcelain") == ""
    assert two.json("fsck", "--json")["problems"] == []
    assert two.json("undo-delete", "--list", "--json") == []
    refused = two.batch("undo-delete", "A", check=False)
    assert refused.returncode in FAILED
    assert "--list" in refused.stderr


def test_nothing_that_came_since_is_replaced(two: User) -> None:
    kept = next((two.cwd / "results" / "snapshots").glob("*-A"))
    two.batch("delete-snapshot", "A")
    write_files(kept, {"new": "somebody's"})
    before = whole_state(two.cwd)
    assert two.batch("undo-delete", "A", check=False).returncode in FAILED
    assert whole_state(two.cwd) == before
    (kept / "new").unlink()
    kept.rmdir()
    write_files(two.cwd, {"code/run.py": "3"})
    two.batch("config", "results.dir_template", "snapshots/{SNAPSHOT_NO}")
    two.batch("snapshot", "A", "-m", "another of that tag")
    told = two.batch("undo-delete", "A").stderr
    assert "keeps it" in told
    history = two.json("report", "history", "--json")
    assert len(history["snapshots"] if isinstance(history, dict) else history) == 3


def test_gc_makes_it_final(two: User) -> None:
    two.batch("delete-snapshot", "A")
    two.batch("gc", "--yes")
    assert two.json("undo-delete", "--list", "--json")
    two.batch("gc", "--yes", "--keep-days", "0")
    assert two.json("undo-delete", "--list", "--json") == []
    assert not os.listdir(Path(two.cwd, ".git", "dws", "deleted"))


@pytest.mark.parametrize("keeps_versions", [True, False])
def test_contents_of_a_deleted_snapshot_stay_as_long(two: User, keeps_versions: bool) -> None:
    """Also the last ones of a resource that keeps none any more."""
    write_files(two.cwd, {"files/a": "content of C"})
    two.batch("add", "local-files", "--role", "source-data", "--name", "files", "--restorable", "files")
    two.batch("snapshot", "C", "-m", "C")
    if not keeps_versions:
        two.batch("config", "--resource", "files", "restorable", "false")
    write_files(two.cwd, {"files/a": "later"})
    two.batch("snapshot", "D", "-m", "D")
    two.batch("delete-snapshot", "C")
    long_ago = 1_000_000_000
    for path in (two.cwd / ".dataworkspace" / "objects").rglob("*"):
        os.utime(path, (long_ago, long_ago))
    two.batch("gc", "--yes")
    two.batch("undo-delete", "C")
    two.batch("config", "--resource", "files", "restorable", "true")
    two.batch("restore", "C")
    assert (two.cwd / "files" / "a").read_text() == "content of C"
