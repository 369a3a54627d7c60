"""Damaged current lineage is recreated: from the last snapshot's, as far as its content lies there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from endtoend import HOST, User, write_files
from forked import Forked

pytestmark = pytest.mark.slow

WRITE = "import sys, pathlib\npathlib.Path(sys.argv[1]).write_text(sys.argv[2])\n"
CURRENT = Path(".dataworkspace", "current_lineage", "middle.json")


def step(user: User, name: str, text: str) -> None:
    place = f"middle/{name}"
    user.dws("run", "--name", f"make-{name}", "--output", place, "--", "python", "code/write.py", place, text)


@pytest.fixture
def here(user: User) -> User:
    """Two steps, whose lineage a snapshot has; the file of it is damaged."""
    root = user.cwd / "ws"
    root.mkdir()
    here = Forked(root, user.env)
    here.batch("init", "--hostname", HOST, "--create-resources", "code")
    write_files(root, {"code/write.py": WRITE, "middle/.keep": ""})
    here.batch("add", "git", "--role", "intermediate-data", "./middle")
    step(here, "a", "1")
    step(here, "b", "1")
    here.batch("snapshot", "A")
    return here


def damage(user: User) -> Any:
    before = json.loads((user.cwd / CURRENT).read_bytes())
    (user.cwd / CURRENT).write_text('{"resource_name": "mid')
    assert user.dws("fsck", check=False).returncode == 1
    return before


def repaired(user: User) -> tuple[str, Any]:
    told = user.batch("fsck", "--repair").stdout
    assert (user.cwd / ".git" / "dws" / "set-aside" / "1-middle.json").read_text() == '{"resource_name": "mid'
    assert user.dws("fsck").returncode == 0
    return told, json.loads((user.cwd / CURRENT).read_bytes())


def steps(document: Any) -> set[str]:
    return {entry["step_name"] for entry in document["lineages"] if entry["type"] == "step"}


def test_nothing_has_changed_since_the_snapshot(here: User) -> None:
    before = damage(here)
    told, now = repaired(here)
    assert "that of snapshot" in told
    assert "which matches all of 'middle' here" in told
    assert steps(now) == steps(before) == {"make-a", "make-b"}
    assert "unknown" not in now


def test_what_has_changed_since_is_unknown(here: User) -> None:
    step(here, "b", "2")
    damage(here)
    told, now = repaired(here)
    assert "except for 1 places that have changed since" in told
    assert steps(now) == {"make-a"}
    (place,) = now["unknown"]
    assert place["subpath"] == "b"
    here.batch("snapshot", "B")


def test_a_restored_snapshot_counts(here: User) -> None:
    step(here, "b", "2")
    here.batch("snapshot", "B")
    here.batch("restore", "A")
    before = damage(here)
    _, now = repaired(here)
    assert steps(now) == steps(before)
    assert "unknown" not in now


def test_without_a_snapshot_nothing_is_known(user: User) -> None:
    root = user.cwd / "ws"
    root.mkdir()
    here = Forked(root, user.env)
    here.batch("init", "--hostname", HOST, "--create-resources", "code")
    path = root / CURRENT.with_name("code.json")
    path.write_text("[")
    told = here.batch("fsck", "--repair").stdout
    assert "unknown until it is made again" in told
    assert not path.exists()
