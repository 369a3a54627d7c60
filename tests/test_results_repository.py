"""Two people whose results lie in a git repository of its own, beside that of the workspace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from collaboration import Hub, machine, make_hub, publish_repository, snapshots, tags
from endtoend import User, write_files

pytestmark = pytest.mark.slow


@pytest.fixture
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Hub:
    return make_hub(request, tmp_path, "path")


def make_people(tmp_path: Path, hub: Hub, hosts: tuple[str, str]) -> tuple[User, User]:
    first = machine(tmp_path / "machine1", "ada")
    (first.cwd / "analysis").mkdir()
    first = first.at(first.cwd / "analysis")
    first.batch("init", "--hostname", hosts[0], "--create-resources", "code")
    publish_repository(first, hub, "out", {"README.md": "results\n"})
    first.batch("add", "git", "--role", "results", "--name", "out", "out")
    url = hub.url(hub.repository("analysis.git"))
    first.batch("publish", url)
    second = machine(tmp_path / "machine2", "bob")
    second.batch("clone", "--hostname", hosts[1], url)
    return first, second.at(second.cwd / "analysis")


def take(user: User, tag: str, value: int, **files: str) -> None:
    write_files(user.cwd, {"out/results.json": json.dumps({"metrics": {"a": value}}), **dict(files)})
    user.batch("run", "--name", f"step-{tag}", "--output", "out", "--", "true")
    user.batch("snapshot", tag, "-m", str(value))


def places(user: User) -> dict[str, int]:
    """Where the results of each snapshot are, by what its metadata says: the directory, and the metric there."""
    found = {}
    for path in (user.cwd / ".dataworkspace" / "snapshot_metadata").iterdir():
        place = json.loads(path.read_text())["relative_destination_path"]
        found[place] = json.loads((user.cwd / "out" / place / "results.json").read_text())["metrics"]["a"]
    return found


@pytest.mark.parametrize("hosts", [("first", "second"), ("same", "same")], ids=["two hosts", "one host"])
def test_both_take_snapshots_of_one_tag(tmp_path: Path, hub: Hub, hosts: tuple[str, str]) -> None:
    first, second = make_people(tmp_path, hub, hosts)
    take(first, "T", 1)
    take(second, "T", 2)
    first.batch("push")
    second.batch("pull")
    second.batch("push")
    first.batch("pull")
    assert snapshots(first) == snapshots(second)
    assert tags(first) == sorted({"T", f"T-{hosts[1]}"})
    assert sorted(places(first).values()) == [1, 2]
    assert places(first) == places(second)
    for user in (first, second):
        assert user.at(user.cwd / "out").git("status", "--porcelain") == ""
    assert first.at(first.cwd / "out").git("rev-parse", "HEAD") == second.at(second.cwd / "out").git(
        "rev-parse", "HEAD"
    )


def test_results_that_one_snapshot_moved_and_the_other_wrote_again(tmp_path: Path, hub: Hub) -> None:
    first, second = make_people(tmp_path, hub, ("first", "second"))
    write_files(first.cwd, {"out/table.csv": "1\n"})
    out = first.at(first.cwd / "out")
    out.git("add", "table.csv")
    out.git("commit", "-q", "-m", "before any snapshot")
    first.batch("push")
    second.batch("pull")
    take(first, "F", 1)
    write_files(second.cwd, {"out/table.csv": "2\n"})
    second.at(second.cwd / "out").git("commit", "-q", "-a", "-m", "more")
    first.batch("push")
    second.batch("pull")
    assert (second.cwd / "out" / "table.csv").read_text() == "2\n"
    assert (second.cwd / "out" / "snapshots" / "first-F" / "table.csv").read_text() == "1\n"


def test_the_same_in_the_repository_of_the_workspace(tmp_path: Path, hub: Hub) -> None:
    """A file that moved is no renamed file: what the other wrote does not get into the results of a snapshot."""
    first, second = make_people(tmp_path, hub, ("first", "second"))
    write_files(first.cwd, {"results/table.csv": "1\n", "results/notes.txt": "1\n2\n3\n4\n5\n"})
    first.batch("add", "git", "--role", "results", "--name", "results", "results")
    assert first.git("ls-files", "results/table.csv") != "", "it is committed before any snapshot"
    first.batch("push")
    second.batch("pull")
    first.batch("config", "results.move_exclude_files", '["notes.txt"]')
    write_files(first.cwd, {"results/notes.txt": "one\n2\n3\n4\n5\n"})
    first.batch("snapshot", "F")
    write_files(second.cwd, {"results/table.csv": "2\n", "results/notes.txt": "1\n2\n3\n4\nfive\n"})
    second.git("commit", "-q", "-a", "-m", "more")
    first.batch("push")
    second.batch("pull")
    results = second.cwd / "results"
    assert (results / "table.csv").read_text() == "2\n"
    assert (results / "snapshots" / "first-F" / "table.csv").read_text() == "1\n"
    assert (results / "notes.txt").read_text() == "one\n2\n3\n4\nfive\n", "merged line by line"
