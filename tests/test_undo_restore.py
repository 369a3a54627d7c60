"""`dws undo-restore` undoes the whole last restore: files, git resources, the workspace's own files, and lineage."""

from __future__ import annotations

import pytest
from endtoend import User, read_tree, write_files
from forked import Forked

PLACES = ("data/", "code/", "out/", "params.txt")


@pytest.fixture
def here(workspace: User) -> Forked:
    here = Forked(workspace.cwd, workspace.env)
    write_files(here.cwd, {"data/a": "1", "code/run.py": "1", "params.txt": "1", "out/.keep": ""})
    here.batch("add", "local-files", "--role", "source-data", "--name", "raw", "--restorable", "data")
    here.batch("add", "local-files", "--role", "intermediate-data", "--name", "out", "--restorable", "out")
    here.batch("snapshot", "ONE")
    return here


def files(here: Forked) -> dict[str, str]:
    return {name: text for name, text in read_tree(here.cwd).items() if name.startswith(PLACES)}


def test_all_of_it_comes_back_and_goes_again(here: Forked) -> None:
    assert here.batch("undo-restore", check=False).returncode == 4
    one = files(here)
    write_files(here.cwd, {"data/a": "2", "code/run.py": "2", "params.txt": "2"})
    here.batch("run", "--name", "copy", "--input", "data", "--output", "out/b", "--", "cp", "data/a", "out/b")
    write_files(here.cwd, {"code/run.py": "3", "code/new.py": "not committed"})
    before, lineage = files(here), here.json("report", "lineage")
    here.batch("restore", "ONE")
    assert files(here) == one
    undone = here.json("undo-restore")
    assert set(undone["restored"]) == {"code", "source-data", "raw", "out", "_workspace"} & set(undone["restored"])
    assert {"code", "raw", "out", "_workspace"} <= set(undone["restored"])
    assert files(here) == before
    assert here.json("report", "lineage") == lineage
    listed = here.json("undo-restore", "--list")
    assert {"code", "raw"} <= {each["resource"] for each in listed}
    assert here.json("undo-restore")["snapshot"] is None  # this undoes the undoing
    assert files(here) == one
    here.batch("undo-restore")
    assert files(here) == before
    assert here.git("status", "--porcelain") == ""
    assert here.json("fsck")["problems"] == []


def test_one_git_resource_alone(here: Forked) -> None:
    write_files(here.cwd, {"data/a": "2", "code/run.py": "2"})
    here.batch("restore", "ONE")
    write_files(here.cwd, {"code/.env": "TOKEN=x\n"})
    here.batch("undo-restore", "code")
    assert (here.cwd / "code/run.py").read_text() == "2"
    assert (here.cwd / "data/a").read_text() == "1"
    assert "code/.env" not in here.git("log", "--all", "--format=", "--name-only").split()  # as in any restore
    here.batch("undo-restore", "code")  # what it replaced comes back by the same means
    assert (here.cwd / "code/run.py").read_text() == "1"
    here.batch("undo-restore")  # of all that the last whole restore replaced
    assert ((here.cwd / "code/run.py").read_text(), (here.cwd / "data/a").read_text()) == ("2", "2")
    assert here.json("fsck")["problems"] == []
