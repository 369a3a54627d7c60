"""A resource that is removed: its files stay, old snapshots still restore, and it can come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from collaboration import machine
from endtoend import User, write_files
from forked import Forked


@pytest.fixture
def here(workspace: User) -> Forked:
    """A workspace with local files that keep their versions, and a snapshot of it."""
    here = Forked(workspace.cwd, workspace.env)
    write_files(here.cwd, {"data/a": "1", "out/.keep": ""})
    here.batch("add", "local-files", "--role", "source-data", "--name", "raw", "--restorable", "data")
    here.batch("add", "local-files", "--role", "intermediate-data", "--name", "out", "out")
    here.batch("snapshot", "ONE")
    return here


def test_it_goes_and_comes_back(here: Forked) -> None:
    here.batch("run", "--name", "prepare", "--input", "data", "--output", "out/b", "--", "cp", "data/a", "out/b")
    write_files(here.cwd, {"data/a": "2"})
    removed = here.json("remove", "raw")
    assert removed == {
        "name": "raw", "role": "source-data", "type": "file", "path": str(here.cwd / "data"), "removed": True,
    }  # fmt: skip
    assert (here.cwd / "data/a").read_text() == "2"
    assert here.json("remove", "--list") == [removed]
    # Everything goes on without it, and nothing that snapshots hold is lost.
    assert "raw" not in [r["name"] for r in here.json("report", "status")["resources"]]
    here.batch("report", "lineage")
    taken = here.json("snapshot", "TWO")
    assert taken["is_new"]
    left = {each["name"]: each["reason"] for each in here.json("restore", "ONE")["left"]}
    assert "dws remove --undo raw" in left["raw"]
    here.batch("gc", "--yes", "--keep-days", "0")
    assert here.json("fsck")["problems"] == []
    again = here.batch("add", "local-files", "--role", "source-data", "--name", "raw", "data", check=False)
    assert "dws remove --undo raw" in again.stderr
    assert here.git("status", "--porcelain") == ""

    assert not here.json("remove", "--undo", "raw")["removed"]
    assert here.json("restore", "ONE")["restored"][-1] == "raw"
    assert (here.cwd / "data/a").read_text() == "1"
    assert here.batch("remove", "--undo", "raw", check=False).returncode == 4
    assert here.batch("remove", "nothing", check=False).returncode == 4
    assert here.batch("remove", "_workspace", check=False).returncode != 0


def test_the_role_changes(here: Forked) -> None:
    here.batch("config", "--resource", "raw", "role", "intermediate-data")
    write_files(here.cwd, {"data/a": "2"})
    assert here.json("snapshot", "TWO")["is_new"]
    here.batch("restore", "ONE")
    assert (here.cwd / "data/a").read_text() == "1"
    assert here.json("verify")["faults"] == []
    assert here.json("fsck")["problems"] == []
    for name, role in (("raw", "results"), ("results", "source-data"), ("raw", "nothing")):
        refused = here.batch("config", "--resource", name, "role", role, check=False)
        assert refused.returncode == 1, role
        assert f"'{name}'" in refused.stderr


def test_a_colleague_pulls_it(workspace: User, tmp_path: Path) -> None:
    """Their files stay, too."""
    here = Forked(workspace.cwd, workspace.env)
    write_files(here.cwd, {"code/run.py": "1"})
    here.batch("snapshot", "ONE")
    origin = tmp_path / "origin.git"
    here.git("init", "--quiet", "--bare", origin)
    here.batch("publish", "--yes", origin)
    (tmp_path / "bob").mkdir()
    bob = machine(tmp_path / "bob", "bob")
    bob.batch("clone", "--hostname", "bob", origin, "copy")
    there = bob.at(bob.cwd / "copy")
    here.batch("remove", "code")
    here.batch("push")
    there.batch("pull")
    assert "code" not in [r["name"] for r in there.json("report", "status")["resources"]]
    assert (there.cwd / "code/run.py").read_text() == "1"
    there.batch("snapshot", "BOB")
    there.batch("push")
    here.batch("pull")
    here.batch("remove", "--undo", "code")
    here.batch("push")
    there.batch("pull")
    assert "code" in [r["name"] for r in there.json("report", "status")["resources"]]
    assert "code" in there.json("restore", "ONE")["restored"]
