"""Branches of a workspace's repository, pull requests that a server merges, and a detached HEAD."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from collaboration import Hub, machine, refused, tags
from endtoend import User, write_files
from forked import Forked
from stage import Stage

from dataworkspaces.toolbox.lock import hold_lock

RUN = """\
import json
from pathlib import Path
rows = Path("data/rows").read_text().split()
Path("intermediate-data/table").write_text("\\n".join(sorted(rows)))
Path("results/results.json").write_text(json.dumps({"metrics": {"rows": len(rows)}}))
"""
STEP = ("run", "--input", "data", "--output", "intermediate-data", "--output", "results", "--", "python", "code/run.py")
HOOK = """\
#!/bin/sh
while read old new ref; do
  if [ "$ref" = refs/heads/main ] && [ "$USER" != forge ]; then echo "main is protected"; exit 1; fi
done
"""


@pytest.fixture
def published(stage: Stage) -> tuple[Hub, User]:
    return stage.put("published", publish)


@pytest.fixture
def hub(published: tuple[Hub, User]) -> Hub:
    return published[0]


@pytest.fixture
def ada(published: tuple[Hub, User]) -> User:
    """With a published workspace, whose data is kept in a store beside git; the origin's `main` is protected."""
    return published[1]


def publish(place: Path) -> tuple[Hub, User]:
    hub = Hub(place / "hub")
    user = machine(place / "machine1", "ada")
    root = user.cwd / "ws"
    write_files(root, {"data/rows": "1\n", "code/run.py": RUN})
    here = user.at(root)
    here.batch("init", "--hostname", "first", "--create-resources", "code,results,intermediate-data")
    here.batch("add", "local-files", "--role", "source-data", "--name", "data", "--restorable", "./data")
    (place / "store").mkdir()
    here.batch("config", "--resource", "data", "remote", str(place / "store"))
    here.batch(*STEP)
    here.batch("snapshot", "V1", "-m", "first")
    origin = hub.repository("ws.git")
    here.batch("publish", hub.url(origin))
    write_files(origin, {"hooks/pre-receive": HOOK})
    (origin / "hooks" / "pre-receive").chmod(0o755)
    return hub, here


def change(user: User, rows: str, tag: str) -> None:
    write_files(user.cwd, {"data/rows": rows})
    user.batch(*STEP)
    user.batch("snapshot", tag)


def hash_of(user: User, tag: str) -> str:
    (found,) = [s["hash"] for s in user.json("history")["snapshots"] if tag in s["tags"]]
    return str(found)


def forge(tmp_path: Path, ada: User, hub: Hub, branch: str, how: str) -> None:
    """The server merges a pull request, and deletes its branch."""
    place = tmp_path / f"forge-{branch}"
    server = Forked(tmp_path, {**ada.env, "USER": "forge"})
    server.git("clone", "--quiet", hub.url(hub.root / "ws.git"), place)
    here = server.at(place)
    if how == "merge":
        here.git("merge", "--quiet", "--no-ff", "-m", "request", f"origin/{branch}")
    elif how == "squash":
        here.git("merge", "--quiet", "--squash", f"origin/{branch}")
        here.git("commit", "--quiet", "-m", "request")
    else:
        here.git("commit", "--quiet", "--allow-empty", "-m", "somebody else's")
        here.git("switch", "--quiet", branch)
        here.git("rebase", "--quiet", "main")
        here.git("switch", "--quiet", "main")
        here.git("merge", "--quiet", "--ff-only", branch)
    here.git("push", "--quiet", "origin", "main", f":{branch}")


def clone(tmp_path: Path, hub: Hub, name: str = "bob") -> User:
    user = machine(tmp_path / f"machine-{name}", name)
    user.batch("clone", "--hostname", name, hub.url(hub.root / "ws.git"))
    return user.at(user.cwd / "ws")


def test_each_branch_has_its_own_history(ada: User) -> None:
    ada.git("switch", "--quiet", "--create", "feature")
    change(ada, "1\n2\n", "F1")
    assert tags(ada) == ["F1", "V1"]
    ada.git("switch", "--quiet", "main")
    assert tags(ada) == ["V1"]
    ada.batch("restore", "V1")
    assert (ada.cwd / "data" / "rows").read_text() == "1\n"
    plan = ada.json("rerun", "--dry-run")
    assert [step["runs"] for step in plan["steps"]] == [False]  # lineage has followed git
    ada.git("switch", "--quiet", "feature")
    ada.batch("restore", "F1")
    assert (ada.cwd / "data" / "rows").read_text() == "1\n2\n"
    assert ada.json("status")["snapshot"]["tags"] == ["F1"]


def test_what_lies_in_data_goes_along_as_in_git(ada: User) -> None:
    """After a switch the data is still that of the other branch, which a pull does not take for something to merge."""
    ada.git("switch", "--quiet", "--create", "feature")
    change(ada, "1\n2\n", "F1")
    ada.git("switch", "--quiet", "main")
    ada.batch("pull")
    assert (ada.cwd / "data" / "rows").read_text() == "1\n2\n"
    assert [p.name for p in (ada.cwd / "data").iterdir()] == ["rows"]


@pytest.mark.slow
def test_a_protected_branch_says_what_to_do(ada: User, hub: Hub, tmp_path: Path) -> None:
    change(ada, "1\n2\n", "V2")
    words = ["main is protected", "switch -c BRANCH", "dws push"]
    said = refused(ada, "push", hub=hub, says=words, check_state=False)  # the data has gone to its remote
    assert "Ask whoever" not in said
    ada.git("switch", "--quiet", "--create", "feature")
    ada.batch("push")
    bob = clone(tmp_path, hub)
    assert tags(bob) == ["V1"]
    bob.git("switch", "--quiet", "feature")
    bob.batch("pull")
    assert tags(bob) == ["V1", "V2"]
    change(bob, "1\n2\n3\n", "V3")
    bob.batch("push")
    ada.batch("pull")
    assert tags(ada) == ["V1", "V2", "V3"]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_a_merged_pull_request(ada: User, hub: Hub, tmp_path: Path, how: str) -> None:
    """Its snapshots can be restored by those who never had the branch, and its data is merged."""
    ada.git("switch", "--quiet", "--create", "feature")
    change(ada, "1\n2\n", "F1")
    write_files(ada.cwd, {"code/run.py": RUN + "# second\n"})
    change(ada, "1\n2\n3\n", "F2")
    ada.batch("push")
    ada.git("switch", "--quiet", "main")
    ada.batch("restore", "V1")
    forge(tmp_path, ada, hub, "feature", how)
    ada.batch("pull")
    assert tags(ada) == ["F1", "F2", "V1"]
    assert (ada.cwd / "data" / "rows").read_text() == "1\n2\n3\n"
    ada.git("branch", "--quiet", "-D", "feature")

    bob = clone(tmp_path, hub)
    assert (bob.cwd / "data" / "rows").read_text() == "1\n2\n3\n"
    bob.batch("restore", "F1")
    assert "second" not in (bob.cwd / "code" / "run.py").read_text()
    bob.batch("restore", "F2")
    assert "second" in (bob.cwd / "code" / "run.py").read_text()
    assert bob.json("fsck")["problems"] == []
    bob.git("reflog", "expire", "--expire=now", "--all")
    bob.git("gc", "--quiet", "--prune=now")
    bob.batch("restore", "F1")


@pytest.mark.slow
def test_a_tag_that_two_branches_gave(ada: User, hub: Hub, tmp_path: Path) -> None:
    """Git merges both: the one that the branch had first keeps it, and all who open the workspace agree on that."""
    ada.batch("config", "results.dir_template", "snapshots/{SNAPSHOT_NO}-{ISO_TIMESTAMP}")
    ada.git("switch", "--quiet", "--create", "feature")
    change(ada, "1\n2\n", "BEST")
    ada.batch("push")
    ada.git("switch", "--quiet", "main")
    ada.batch("restore", "V1")
    change(ada, "1\n2\n3\n4\n", "BEST")
    kept = hash_of(ada, "BEST")
    done = ada.run("git", "merge", "--quiet", "--no-edit", "-X", "ours", "feature")
    assert done.returncode == 0
    told = ada.batch("history").stderr
    assert "'BEST-first'" in told
    assert tags(ada) == ["BEST", "BEST-first", "V1"]
    assert hash_of(ada, "BEST") == kept
    assert ada.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_a_detached_head_takes_snapshots_for_a_branch(ada: User, hub: Hub, tmp_path: Path) -> None:
    bob = clone(tmp_path, hub)
    bob.git("switch", "--quiet", "--detach")
    assert tags(bob) == ["V1"]
    change(bob, "1\n2\n", "CI")
    refused(bob, "push", hub=hub, says=["HEAD is detached", "switch -c BRANCH"])
    commit = bob.git("rev-parse", "HEAD").strip()
    bob.git("switch", "--quiet", "main")
    bob.git("reflog", "expire", "--expire=now", "--all")
    bob.git("gc", "--quiet", "--prune=now")  # what no branch holds is kept
    bob.git("switch", "--quiet", "--create", "ci", commit)
    bob.batch("push")
    ada.git("fetch", "--quiet")
    ada.git("switch", "--quiet", "ci")
    ada.batch("pull")
    assert tags(ada) == ["CI", "V1"]
    assert (ada.cwd / "data" / "rows").read_text() == "1\n2\n"


def test_what_was_interrupted_is_finished_where_it_was_begun(ada: User) -> None:
    ada.git("switch", "--quiet", "--create", "feature")
    ada.batch("config", "results.dir_template", "snapshots/{TAG}")
    journal = ada.cwd / ".git" / "dws" / "journal.json"
    entry = {
        "operation": "pull",
        "command": "pull",
        "started": "2026-01-01T00:00:00",
        "pid": 1,
        "host": "x",
        "data": {},
    }
    journal.write_text(json.dumps(entry))
    ada.git("switch", "--quiet", "main")
    said = refused(ada, "snapshot", "V2", says=["was interrupted on branch feature", "switch feature"])
    assert "branch main" in said


def test_history_and_diff_of_other_branches(ada: User) -> None:
    """Parameters, metrics, files and manifests of a branch that is not checked out come out of git."""
    ada.git("switch", "--quiet", "--create", "feature")
    change(ada, "1\n2\n", "F1")
    there = ada.json("diff", "V1", "F1")
    ada.git("switch", "--quiet", "main")
    before = ada.git("status", "--porcelain")
    found = {s["tags"][0]: s for s in ada.json("history", "--all")["snapshots"]}
    assert {tag: s["branches"] for tag, s in found.items()} == {"F1": ["feature"], "V1": ["feature", "main"]}
    assert found["F1"]["metrics"]["rows"] == 2
    assert [s["tags"] for s in ada.json("history", "--branch", "feature")["snapshots"]] == [["F1"], ["V1"]]
    assert tags(ada) == ["V1"]
    here = ada.json("diff", "main", "feature")
    assert (here["first"], here["second"]) == (there["first"], there["second"])
    assert here["results"] == there["results"] != []
    states = {r["name"]: (r["state"], r["files"]) for r in here["resources"] if r["name"] != "results"}
    assert states == {r["name"]: (r["state"], r["files"]) for r in there["resources"] if r["name"] != "results"}
    assert states["data"][0] == "different"
    refused(ada, "diff", "main", "nowhere", says=["nowhere"])
    refused(ada, "history", "--branch", "nowhere", says=["no branch 'nowhere'", "feature"])
    assert ada.git("status", "--porcelain") == before


@pytest.mark.slow
def test_a_linked_working_tree(ada: User) -> None:
    """It has a lock and a lineage of its own, and the contents of the main one; `gc` asks both what they need."""
    place = ada.cwd.parent / "linked"
    ada.git("worktree", "add", "--quiet", "-b", "linked", place)
    linked = ada.at(place)
    (place / "data").mkdir()
    linked.batch("config", "--resource", "data", "my_local_path", str(place / "data"))
    linked.batch("restore", "V1", "--only", "data")
    assert (place / "data" / "rows").read_text() == "1\n"
    with hold_lock(ada.cwd / ".git" / "dws", "test"):  # of the main working tree
        change(linked, "1\n2\n3\n", "L1")
    assert tags(linked) == ["L1", "V1"]
    assert tags(ada) == ["V1"]
    assert not (place / ".dataworkspace" / "objects").exists()
    plan = linked.json("rerun", "--dry-run")
    assert [step["runs"] for step in plan["steps"]] == [False]
    ada.batch("gc", "--keep-days", "0", "--yes")
    write_files(place, {"data/rows": "gone\n"})
    linked.batch("restore", "L1", "--only", "data")
    assert (place / "data" / "rows").read_text() == "1\n2\n3\n"
    linked.batch("pull")  # and agree to its addresses
    linked.batch("push")
    assert linked.json("fsck")["problems"] == []
