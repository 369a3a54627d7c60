"""What lies in the workspace's repository and in no resource is a part of the workspace, as users have it."""

from __future__ import annotations

from pathlib import Path

import pytest
from endtoend import User, write_files
from project_layouts import LAYOUTS
from servers import make_bare


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_project_is_kept_shared_and_brought_back(name: str, user: User, tmp_path: Path) -> None:
    layout = LAYOUTS[name]
    here = layout.make(user, tmp_path / "ada" / "proj")
    root = here.cwd

    here.batch("run", "--", *layout.step)
    assert "up to date" in here.batch("run", "--", *layout.step).stderr
    assert (root / layout.output).read_text() == "trained with a: 1\n"
    here.batch("snapshot", "S1")
    assert here.git("status", "--porcelain") == ""

    (root / layout.parameter).write_text("a: 2\n")
    assert "up to date" not in here.batch("run", "--", *layout.step).stderr
    here.batch("snapshot", "S2")
    diff = here.json("diff", "S1", "S2")
    changed = {f["path"] for r in diff["resources"] if r["name"] == "_workspace" for f in r["files"]}
    assert layout.parameter in changed

    hub = make_bare(tmp_path / "hub" / "proj.git")
    here.batch("publish", hub)
    bob = user.at(tmp_path / "bob")
    bob.cwd.mkdir()
    bob.batch("clone", "--hostname", "bob", hub, "proj")
    there = bob.at(bob.cwd / "proj")
    for path, content in layout.files.items():
        if path not in (layout.parameter, ".gitignore"):
            assert (there.cwd / path).read_text() == content
    assert (there.cwd / layout.parameter).read_text() == "a: 2\n"
    assert there.batch("cat", f"_workspace@S1:{layout.parameter}").stdout == "a: 1\n"

    (there.cwd / layout.parameter).write_text("a: 3\n")
    write_files(there.cwd, {"notes.md": "new\n"})
    there.batch("snapshot", "B1")
    there.batch("push")
    here.batch("pull")
    assert (root / layout.parameter).read_text() == "a: 3\n"
    assert (root / "notes.md").read_text() == "new\n"

    (root / layout.parameter).write_text("a: 4, not committed\n")
    here.batch("restore", "S1")
    assert (root / layout.parameter).read_text() == "a: 1\n"
    assert not (root / "notes.md").exists()
    assert "a: 4, not committed" in here.git("log", "-p", "--", layout.parameter)
    for path, content in layout.ignored.items():
        assert (root / path).read_text() == content
    here.batch("snapshot", "S3")
    here.batch("push")
    assert here.batch("fsck").stdout.startswith("No problems found\n")


def test_what_is_in_no_snapshot_is_not_sent_and_told(user: User, tmp_path: Path) -> None:
    here = LAYOUTS["makefile"].make(user, tmp_path / "proj")
    hub = make_bare(tmp_path / "hub" / "proj.git")
    told = here.batch("publish", hub).stderr
    assert "Makefile, params.yaml, train.py is not sent: it belongs to the next snapshot" in told
    assert "params.yaml" not in here.at(hub).git("ls-tree", "--name-only", "main")
    taken = here.batch("snapshot", "S1").stdout
    assert "New in the workspace's own files: Makefile, params.yaml, train.py" in taken
    assert not here.batch("push").stderr
    assert "params.yaml" in here.at(hub).git("ls-tree", "--name-only", "main")
    write_files(here.cwd, {".gitignore": "/scratch\nmine\n", "mine": "x"})
    here.batch("snapshot", "S2")
    here.batch("push")
    here.batch("pull")


def test_a_root_with_nothing_of_its_own_is_as_before(workspace: User) -> None:
    workspace.batch("snapshot", "S1")
    assert [r["name"] for r in workspace.json("report", "status")["resources"]] == ["code", "results"]
    first = workspace.json("report", "history")["snapshots"][0]["hash"]
    write_files(workspace.cwd, {"scratch/tmp": "x"})
    assert workspace.batch("snapshot", "S2").stdout.startswith("Nothing has changed")
    assert workspace.json("report", "history")["snapshots"][0]["hash"] == first


def test_what_git_ignores_is_named_when_a_step_uses_it(user: User, tmp_path: Path) -> None:
    here = LAYOUTS["repository"].make(user, tmp_path / "proj")
    ran = here.batch("run", "--input", "build/x.o", "--", *LAYOUTS["repository"].step)
    assert "build/x.o, which git ignores" in ran.stderr
    write_files(here.cwd, {"build/x.o": "other"})
    assert "up to date" not in here.batch("run", "--input", "build/x.o", "--", *LAYOUTS["repository"].step).stderr


def test_a_script_at_the_root_has_code(user: User, tmp_path: Path) -> None:
    here = LAYOUTS["notebooks"].make(user, tmp_path / "proj")
    script = """\
from dataworkspaces.lineage import LineageBuilder
with LineageBuilder().as_script_step().with_input_path("params.yaml").as_results_step("results").eval() as step:
    step.write_results({"a": 1})
"""
    write_files(here.cwd, {"step.py": script})
    here.python("step.py")
    row = next(r for r in here.json("report", "lineage")["lineage"] if r["resource"] == "results")
    assert "_workspace" in str(row)
    graph = here.batch("report", "lineage").stdout
    assert "_workspace:params.yaml" in graph
    write_files(here.cwd, {"step.py": f"{script}\nprint(1)\n"})
    assert "its code in _workspace" in here.batch("report", "lineage").stdout


def test_the_workspace_itself_needs_no_adding(user: User, tmp_path: Path) -> None:
    here = LAYOUTS["makefile"].make(user, tmp_path / "proj")
    refused = here.batch("add", "git", "--role", "code", ".", check=False)
    assert "need not be one" in refused.stderr
    refused = here.batch("add", "git", "--role", "code", "--name", "_workspace", "lib", check=False)
    assert "stands for the workspace's own files" in refused.stderr


def test_only_and_leave_know_it(user: User, tmp_path: Path) -> None:
    here = LAYOUTS["dvc"].make(user, tmp_path / "proj")
    here.batch("snapshot", "S1")
    write_files(here.cwd, {"params.yaml": "a: 2\n", "src/train.py": "print(2)\n"})
    here.batch("restore", "S1", "--leave", "_workspace")
    assert (here.cwd / "params.yaml").read_text() == "a: 2\n"
    write_files(here.cwd, {"src/train.py": "print(3)\n"})
    planned = here.batch("restore", "S1", "--only", "_workspace", "--dry-run").stdout
    assert "params.yaml" in planned
    assert "train.py" not in planned
    here.batch("restore", "S1", "--only", "_workspace")
    assert (here.cwd / "params.yaml").read_text() == "a: 1\n"
    assert (here.cwd / "src/train.py").read_text() == "print(3)\n"


def test_all_of_it_comes_back_after_it_was_deleted(user: User, tmp_path: Path) -> None:
    here = LAYOUTS["makefile"].make(user, tmp_path / "proj")
    here.batch("snapshot", "S1")
    for name in ("Makefile", "params.yaml", "train.py"):
        (here.cwd / name).unlink()
    here.batch("snapshot", "EMPTY")
    assert here.git("status", "--porcelain") == ""
    assert here.json("report", "status")["resources"] == []
    here.batch("restore", "S1")
    assert (here.cwd / "params.yaml").read_text() == "a: 1\n"


def test_what_became_a_resource_stays_one(user: User, tmp_path: Path) -> None:
    """A snapshot of the time when a directory was among the workspace's own files leaves the resource alone."""
    here = LAYOUTS["cookiecutter"].make(user, tmp_path / "proj")
    here.batch("snapshot", "S1")
    here.batch("add", "git", "--role", "code", "./src")
    write_files(here.cwd, {"src/train.py": "print(2)\n"})
    here.batch("snapshot", "S2")
    here.batch("restore", "S1", "--only", "_workspace")
    assert (here.cwd / "src/train.py").read_text() == "print(2)\n"
