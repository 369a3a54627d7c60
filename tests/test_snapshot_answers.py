"""What `snapshot` says of results, and what the question of `delete-snapshot` takes for an answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from endtoend import HOST, User, write_files
from forked import Forked


@pytest.fixture
def user(user: User) -> User:
    return Forked(user.cwd, user.env)


@pytest.fixture
def snapshotted(user: User) -> User:
    """Two snapshots of one directory of results, which the first filled."""
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    user.batch("config", "results.dir_template", "snapshots/all")
    write_files(user.cwd, {"results/results.json": '{"metrics": {"loss": 1}}'})
    assert "Its results are in results:snapshots/all" in user.batch("snapshot", "A").stdout
    write_files(user.cwd, {"code/run.py": "print(1)\n"})
    assert "results:" not in user.batch("snapshot", "B").stdout
    return user


def tags(user: User) -> list[str]:
    return [tag for snapshot in user.json("report", "history", "--json")["snapshots"] for tag in snapshot["tags"]]


def test_a_deletion_that_can_be_undone_is_the_answer_of_who_does_not_say(snapshotted: User) -> None:
    asked = snapshotted.dws("delete-snapshot", "A", input="n\n", check=False)
    assert "undo-delete" in asked.stdout
    assert "[Y/n]" in asked.stdout
    assert tags(snapshotted) == ["B", "A"]
    assert snapshotted.dws("delete-snapshot", "A", input="", check=False).returncode != 0
    assert tags(snapshotted) == ["B", "A"]
    snapshotted.dws("delete-snapshot", "A", input="\n")
    assert tags(snapshotted) == ["B"]
    assert not Path(snapshotted.cwd, "results/snapshots/all").exists()
    snapshotted.batch("undo-delete", "A")
    snapshotted.batch("delete-snapshot", "B")
    assert tags(snapshotted) == ["A"]
    assert Path(snapshotted.cwd, "results/snapshots/all/results.json").exists()
