"""A workspace in a subdirectory of a repository that others use for other things too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from collaboration import machine, make_hub, refused, tags
from endtoend import User, write_files

PLACE = "teams/our ünalysis"
TRAIN = """\
import json, sys
from pathlib import Path
rows = Path("data/rows").read_text().split()
Path("results/results.json").write_text(json.dumps({"metrics": {"rows": len(rows), "c": float(sys.argv[1])}}))
"""


@pytest.fixture
def ada(request: pytest.FixtureRequest, tmp_path: Path) -> User:
    """With such a workspace, a snapshot ``V1`` of a step, and work of hers elsewhere in the repository."""
    user = machine(tmp_path / "machine1", "ada")
    root = user.cwd / "mono"
    write_files(root, {"src/lib.py": "x = 1\n", ".gitignore": "*.bak\n", f"{PLACE}/data/rows": "1\n2\n"})
    write_files(root / PLACE, {"train.py": TRAIN, "data/rows.bak": "ignored"})
    user.at(root).git("init", "-q")
    user.at(root).git("add", "src", ".gitignore")
    user.at(root).git("commit", "-q", "-m", "others' work")
    write_files(root, {"src/lib.py": "x = 2\n", "src/new.py": ""})
    here = user.at(root / PLACE)
    said = here.batch("init", "--hostname", "first", "--create-resources", "results").stdout
    assert f"part of the git repository {root}" in said
    here.batch("add", "git", "--role", "source-data", "./data")
    here.batch("run", "--input", "data", "--output", "results", "--", "python", "train.py", "1")
    here.batch("snapshot", "V1")
    return here


def outside(user: User) -> str:
    """What git says of all that is no business of the workspace."""
    return user.git("-C", str(user.cwd / ".." / ".."), "status", "--porcelain", "--", "src", ".gitignore")


def test_the_work_of_one(ada: User, tmp_path: Path) -> None:
    dirty = outside(ada)
    write_files(ada.cwd, {"train.py": f"{TRAIN}print('new')\n", "data/rows": "1\n2\n3\n", "results/table": "x"})
    assert [each["name"] for each in ada.json("status")["resources"] if each["state"] == "changed"] == [
        "results", "data", "_workspace",
    ]  # fmt: skip
    ada.batch("snapshot", "V2")
    ada.batch("restore", "V1")
    assert (ada.cwd / "train.py").read_text() == TRAIN
    assert (ada.cwd / "data/rows").read_text() == "1\n2\n"
    ada.batch("reproduce", "--yes", "V1")
    ada.batch("sweep", "--param", "C=1,2", "--name", "s", "--jobs", "2", "--", "python", "train.py", "{C}")
    assert [each["metrics"]["c"] for each in ada.json("history", "--sweep", "s")["snapshots"]] == [1.0, 2.0]
    ada.batch("adopt", "s/2")
    ada.batch("checkout", "V2", str(tmp_path / "copy"))
    copy = ada.at(tmp_path / "copy" / PLACE)
    assert (copy.cwd / "data/rows").read_text() == "1\n2\n3\n"
    assert set(tags(copy)) == {"V1", "V2"}
    for each in (ada, copy):
        assert each.json("fsck")["problems"] == []
    assert outside(ada) == dirty
    names = ada.git("log", "--format=", "--name-only", "-z", "--grep", "^dws: ").split("\0")
    assert {name.split("/")[0] for name in names if name} == {"teams"}


def test_the_work_of_two(ada: User, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    hub = make_hub(request, tmp_path, "path")
    origin = hub.repository("mono.git")
    dirty = outside(ada)
    ada.batch("publish", hub.url(origin))
    bob = machine(tmp_path / "machine2", "bob")
    bob.batch("clone", "--hostname", "second", hub.url(origin), "theirs")
    bob = bob.at(bob.cwd / "theirs" / PLACE)
    assert tags(bob) == ["V1"]
    write_files(bob.cwd, {"data/more": "4\n", "../../src/bob.py": ""})
    bob.git("add", "../../src/bob.py")
    bob.git("commit", "-q", "-m", "bob's other work", "--", "../../src/bob.py")
    bob.batch("snapshot", "B1")
    bob.batch("push")
    write_files(ada.cwd, {"data/rows": "5\n"})
    ada.batch("snapshot", "A1")
    ada.batch("pull")
    assert set(tags(ada)) == {"V1", "A1", "B1"}
    assert (ada.cwd / "data/more").read_text() == "4\n"
    assert (ada.cwd / "../../src/bob.py").exists()
    ada.batch("push")
    ada.batch("snapshot", "--experiment", "try")
    ada.batch("push", "--experiment", "try")
    bob.batch("pull")
    bob.batch("pull", "--experiment", "try")
    assert json.loads((bob.cwd / "results/snapshots/first-V1/results.json").read_text())["metrics"]["rows"] == 2
    for each in (ada, bob):
        assert each.json("fsck")["problems"] == []
    assert outside(ada) == dirty
    assert outside(bob) == ""


def test_a_workspace_that_was_moved(ada: User, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    root = (ada.cwd / ".." / "..").resolve()
    hub = make_hub(request, tmp_path, "path")
    ada.batch("publish", hub.url(hub.repository("mono.git")))
    bob = machine(tmp_path / "machine2", "bob")
    bob.batch("clone", "--hostname", "second", hub.url(hub.root / "mono.git"), "theirs")
    bob = bob.at(bob.cwd / "theirs" / PLACE)
    ada.at(root).git("mv", PLACE, "moved")
    ada.at(root).git("commit", "-q", "-m", "moved")
    here = ada.at(root / "moved")
    assert tags(here) == ["V1"]
    write_files(here.cwd, {"data/rows": "7\n"})
    here.batch("snapshot", "V2")
    write_files(here.cwd, {"data/rows": "8\n"})
    for command in (["restore", "V1"], ["restore", "--dry-run", "V1"]):
        refused(here, *command, says=["was not in moved", "git mv"])
    here.batch("diff", "V1", "V2")
    here.batch("restore", "V2")
    assert (here.cwd / "data/rows").read_text() == "7\n"
    assert here.json("fsck")["problems"] == []
    here.batch("push")
    refused(bob, "pull", "--trust", says=[f"no workspace in {PLACE}", "pull"])
    bob.at(bob.cwd / ".." / "..").git("pull", "-q")
    assert tags(bob.at((bob.cwd / ".." / ".." / "moved").resolve())) == ["V1", "V2"]


def test_a_clone_of_several_workspaces_names_them(ada: User, tmp_path: Path) -> None:
    """Which no `dws init` makes, but a merge does."""
    root = ada.cwd / ".." / ".."
    ada.git("-C", str(root), "mv", PLACE, "teams/one")
    write_files(root, {"teams/two/.dataworkspace/config.json": "{}"})
    ada.git("-C", str(root), "add", "--all", "teams")
    ada.git("-C", str(root), "commit", "-q", "-m", "two")
    bob = machine(tmp_path / "machine2", "bob")
    url = str(root.resolve())
    refused(bob, "clone", "--hostname", "second", url, "theirs", says=["holds 2 workspaces: teams/one/, teams/two/"])
    assert not (bob.cwd / "theirs").exists()
