"""A resource that gets another name: what was done before tells it, too, and whoever pulls."""

from __future__ import annotations

from pathlib import Path

import pytest
from collaboration import machine
from endtoend import User, write_files
from forked import Forked


@pytest.fixture
def here(workspace: User) -> Forked:
    """A workspace with data of each kind, a step, and a snapshot of what it wrote."""
    here = Forked(workspace.cwd, workspace.env)
    write_files(here.cwd, {"data/a": "1", "code/run.py": "", "results/README.txt": "Results"})
    here.batch("add", "local-files", "--role", "source-data", "--name", "raw", "--restorable", "data")
    here.batch("run", "--name", "count", "--input", "data", "--output", "results/n", "--", "cp", "data/a", "results/n")
    here.batch("snapshot", "ONE")
    return here


def two_copies(here: Forked, tmp_path: Path) -> Forked:
    """The copy of a colleague, who has an origin in common with us."""
    origin = tmp_path / "origin.git"
    here.git("init", "--quiet", "--bare", origin)
    here.batch("publish", "--yes", origin)
    (tmp_path / "bob").mkdir()
    bob = machine(tmp_path / "bob", "bob")
    bob.batch("clone", "--hostname", "bob", origin, "copy", check=False)  # it has no place for the data
    return bob.at(bob.cwd / "copy")


def names(user: Forked) -> list[str]:
    return [r["name"] for r in user.json("report", "status")["resources"]]


def errors(user: Forked) -> list[str]:
    """What is wrong; that data are on another machine is not."""
    return [p["what"] for p in user.json("fsck")["problems"] if p["severity"] == "error"]


def test_all_that_was_tells_the_new_name(here: Forked) -> None:
    renamed = here.json("rename", "results", "scores")
    assert renamed == {
        "name": "scores", "old_name": "results", "role": "results", "type": "git-subdirectory",
        "path": str(here.cwd / "results"),
    }  # fmt: skip
    told = here.batch("rename", "raw", "measured data").stdout
    assert f"Resource raw is called measured data now; its files stay in {here.cwd / 'data'}" in told

    assert {"scores", "measured data"} <= set(names(here))
    shown = here.json("show", "ONE")
    assert {"scores", "measured data"} <= {r["name"] for r in shown["resources"]}
    for command in (["show", "ONE"], ["report", "lineage"], ["report", "lineage", "--snapshot", "ONE"], ["status"]):
        text = here.batch(*command).stdout
        assert "scores" in text, command
        assert "raw" not in text.replace("--input", ""), command
    assert not here.json("snapshot")["is_new"]
    assert here.batch("steps").stdout.startswith("count: up to date")
    assert "up to date" in here.batch("rerun").stdout
    assert "up to date" in here.batch("rerun", "results").stdout
    for check in ("fsck", "verify"):
        found = here.json(check)
        assert found.get("problems", found.get("faults")) == [], check
    assert here.git("status", "--porcelain") == ""

    # What is older names it as before.
    assert here.batch("ls", "results@ONE:snapshots").stdout == here.batch("ls", "scores@ONE:snapshots").stdout
    code = "import fsspec; print(fsspec.open('dws://raw@ONE/a', 'rt').open().read())"
    assert here.python("-c", code).stdout.strip() == "1"

    write_files(here.cwd, {"data/a": "2"})
    here.batch("snapshot", "TWO")
    assert "measured data" in here.json("restore", "ONE")["restored"]
    assert (here.cwd / "data/a").read_text() == "1"
    here.batch("gc", "--yes", "--keep-days", "0")
    assert "measured data" in here.json("restore", "ONE")["restored"]
    refused = here.batch("restore", "--only", "raw", "ONE", check=False)
    assert refused.returncode == 4
    assert "it is now called 'measured data'" in refused.stderr

    here.batch("rename", "measured data", "raw")
    assert "raw" in names(here)
    assert here.json("fsck")["problems"] == []


def test_a_name_that_is_taken(here: Forked) -> None:
    here.batch("rename", "raw", "measured")
    before = here.git("rev-parse", "HEAD")
    write_files(here.cwd, {"more/b": "1"})
    for command in (
        ("rename", "measured", "code"),
        ("rename", "code", "raw"),
        ("rename", "code", "_workspace"),
        ("rename", "code", "-x"),
        ("rename", "nothing", "new"),
        ("add", "local-files", "--role", "source-data", "--name", "raw", "more"),
    ):
        refused = here.batch(*command, check=False)
        assert refused.returncode != 0, command
        assert "Traceback" not in refused.stderr
    assert "'raw' was the name of resource 'measured'" in refused.stderr
    assert here.git("rev-parse", "HEAD") == before


def test_colleagues(here: Forked, tmp_path: Path) -> None:
    """A clone and a pull tell the new name. Two who rename, and one who takes a snapshot meanwhile, merge."""
    here.batch("rename", "code", "scripts")
    there = two_copies(here, tmp_path)
    assert "scripts" in names(there)
    here.batch("rename", "scripts", "programs")
    here.batch("push")
    write_files(there.cwd, {"code/run.py": "2"})
    taken = there.json("snapshot", "BOB")
    told = there.batch("pull").stdout
    assert "Resource 'scripts' is called 'programs' now" in told, told
    there.batch("push")
    here.batch("pull")
    for user in (here, there):
        assert "programs" in names(user)
        shown = user.json("show", "BOB")
        assert shown["hash"] == taken["hash"]
        assert "programs" in {r["name"] for r in shown["resources"]}
        assert errors(user) == []

    here.batch("rename", "programs", "ours")
    here.batch("rename", "raw", "both")
    there.batch("rename", "programs", "theirs")
    write_files(there.cwd, {"both/b": "1"})
    there.batch("add", "local-files", "--role", "source-data", "--name", "both", "both")
    here.batch("push")
    told = there.batch("pull").stdout
    assert "Resource 'theirs' is called 'ours' now" in told
    there.batch("push")
    told = here.batch("pull").stdout
    assert "Resource 'both' is called 'raw' now" in told
    assert sorted(names(here)) == sorted(names(there))
    assert {"ours", "raw", "both"} <= set(names(here))
    for user in (here, there):
        user.batch("restore", "--skip", "raw,both", "ONE")
        assert errors(user) == []
