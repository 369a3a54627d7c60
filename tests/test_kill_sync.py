"""A push, pull, publish or clone that is killed at any point: the workspace opens, nothing is lost here or at the
origin, the origin holds no snapshot whose data it lacks, and the same command completes what is missing.

As in test_kill.py the kills are real: SIGKILL at each point at which the command changes something.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from collaboration import HUB_ADDRESS, add_repository, copy_copies, make_copies, owner_of
from endtoend import (
    FAILED,
    User,
    contents_in_git,
    contents_in_tree,
    isolated_environment,
    read_tree,
    remove,
    write_files,
)
from kill_points import kill_points
from servers import make_bare, references
from test_kill import SHIM, STRIPES, Answer, Server, calls_of_git, stripes

pytestmark = pytest.mark.slow

REPOSITORIES = ("", "data", "more")


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """At a time that stands still, so that the same work gives the same commits."""
    noon = "2030-01-01T12:00:00Z"
    home = tmp_path_factory.mktemp("home")
    return {**isolated_environment(home), "GIT_AUTHOR_DATE": noon, "GIT_COMMITTER_DATE": noon}


@pytest.fixture(scope="module")
def server(env: dict[str, str]) -> Server:
    return Server(env)


def work(user: User, text: str) -> None:
    """Something new in each repository that is there, a step, results, and the snapshot P."""
    files: dict[str, str | bytes] = {
        f"code/{text}.py": f"{text}\n",
        f"code/{text}-2.py": f"{text}\n",
        f"code/after-{text}.py": f"{text}\n",
        f"data/{text}.csv": f"{text}\n",
        f"data/after-{text}.csv": f"{text}\n",
        "results/results.json": json.dumps({"metrics": {"number": len(text)}}),
        "results/model": f"model of {text}",
    }
    write_files(user.cwd, files)
    user.batch(
        "run", "--name", text, "--input", "data", "--output", "intermediate-data", "--",
        "cp", f"data/{text}.csv", "intermediate-data",
    )  # fmt: skip
    user.batch("snapshot", "P", "-m", text)


@pytest.fixture(scope="module")
def ahead(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Path:
    """Copy 0 has commits in the workspace and in `data`, and the new resource `more`, that nobody else has; copy 1 and
    the hub are at its beginning."""
    directory = tmp_path_factory.mktemp("sync") / "ahead"
    first, _ = make_copies(directory, env, 2)
    add_repository(first, directory, "more", {"more.csv": "1\n"})
    work(first, "first")
    return directory


@pytest.fixture(scope="module")
def published(ahead: Path, env: dict[str, str]) -> Path:
    """The hub has it all; copy 1 is behind, and has work that is not committed, in files that nobody else touches."""
    directory = ahead.with_name("published")
    copy_copies(ahead, directory)
    owner_of(directory, env, 0).batch("push")
    write_files(directory / "1" / "ws", {"code/uncommitted.py": "mine\n", "notes.txt": "mine\n"})
    return directory


@pytest.fixture(scope="module")
def apart(published: Path, env: dict[str, str]) -> Path:
    """Copy 1 has commits of its own, too: another snapshot P, another commit in `data`."""
    directory = published.with_name("apart")
    copy_copies(published, directory)
    work(owner_of(directory, env, 1), "second")
    return directory


# -- a command that is killed ------------------------------------------------------------------------------------------


class Scene:
    """A hub and copies in which a command was killed, or is going to be."""

    def __init__(self, server: Server, template: Path, directory: Path) -> None:
        copy_copies(template, directory)
        self.server = server
        self.directory = directory
        self.hub_before = self.hub_references()
        self.problems: list[str] = []

    def hub_references(self) -> dict[str, dict[str, str]]:
        return {bare.name: references(bare) for bare in sorted((self.directory / "hub").glob("*.git"))}

    def user(self, who: int) -> User:
        return owner_of(self.directory, self.server.env, who)

    def run(self, cwd: Path, *command: str, kill_at: int | None = None) -> Answer:
        return self.server.run(cwd, *command, kill_at=kill_at, env=self.user(0).env)

    def expect(self, holds: object, what: str) -> None:
        if not holds:
            self.problems.append(what)

    def age_empty_locks(self) -> None:
        """As if the next command came later: see test_kill.py."""
        for lock in self.directory.glob("*/ws/.git/dws/*lock"):
            if lock.stat().st_size == 0:
                long_ago = lock.stat().st_mtime - 60
                os.utime(lock, (long_ago, long_ago))

    def check_opens(self, root: Path, snapshots: set[str]) -> None:
        for report in ("status", "history"):
            answer = self.run(root, "report", report)
            self.expect(answer.status == 0, f"report {report}: {answer.status} {answer.stderr}")
            self.expect("Traceback" not in answer.stderr, answer.stderr)
        shown = {line.split("|")[1].strip() for line in answer.stdout.splitlines() if line.startswith("|")}
        self.expect(snapshots <= shown, f"snapshots {snapshots - shown} are gone: {answer.stdout}")

    def check_hub(self) -> None:
        """Whatever is at the hub is whole: each snapshot's commits of other repositories are there."""
        if self.hub_references() == self.hub_before:
            return
        hub = self.directory / "hub"
        for bare in hub.glob("*.git"):
            done = subprocess.run(["git", "fsck", "--connectivity-only"], cwd=bare, capture_output=True)
            self.expect(done.returncode == 0, f"{bare.name}: {done.stderr!r}")
        names = self.user(0).at(hub / "ws.git").git("ls-tree", "-r", "--name-only", "main", check=False).split("\n")
        for name in (name for name in names if name.endswith("_md.json")):
            metadata = json.loads(self.user(0).at(hub / "ws.git").git("show", f"main:{name}"))
            for resource, commit in metadata["restore_hashes"].items():
                bare = hub / f"{resource}.git"
                if bare.exists():
                    contains = self.user(0).at(bare).run("git", "branch", "--contains", commit, check=False).stdout
                    self.expect("main" in contains, f"hub has snapshot {name}, and not {resource} at {commit}")


def hashes(root: Path) -> set[str]:
    """The snapshots of a copy, as a history shows them."""
    return {path.name[:7] for path in (root / ".dataworkspace" / "snapshot_metadata").glob("*_md.json")}


def contents(user: User) -> set[str]:
    found = contents_in_tree(user.cwd)
    for name in REPOSITORIES:
        if (user.cwd / name / ".git").exists():
            found |= contents_in_git(user.cwd / name, user.env)
    return found


def outcome(user: User, hub: Path) -> dict[str, Any]:
    """What a command leaves here and at the hub. Time stands still, so commits are the same, too."""
    there = [name for name in REPOSITORIES if (user.cwd / name / ".git").exists()]
    return {
        "files": {
            name: what
            for name, what in read_tree(user.cwd).items()
            # What a killed write leaves in the metadata is ignored, by git and by us.
            if not (name.startswith(".dataworkspace") and ".tmp" in name)
            and ".dataworkspace/current_lineage" not in name
        },
        "status": {name: user.at(user.cwd / name).git("status", "--porcelain") for name in there},
        "trees": {name: user.at(user.cwd / name).git("rev-parse", "HEAD^{tree}") for name in there},
        "hub": {
            bare.name: user.at(bare).git("rev-parse", "main^{tree}", check=False) for bare in sorted(hub.glob("*.git"))
        },
        "unfinished": [name for name in there if (user.cwd / name / ".git" / "dws" / "advance.json").exists()]
        + [name for name in there if (user.cwd / name / ".git" / "dws" / "journal.json").exists()],
    }


def read_lineage(root: Path) -> dict[str, Any]:
    place = root / ".dataworkspace" / "current_lineage"
    return {path.name: json.loads(path.read_text()) for path in sorted(place.glob("*.json"))}


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    found = []
    for key in one:
        names = sorted(n for n in {*one[key], *other[key]} if part(one[key], n) != part(other[key], n))
        found += [f"{key} {name}: {part(one[key], name)!r} is not {part(other[key], name)!r}" for name in names[:4]]
    return found


def part(whole: Any, name: str) -> Any:
    return whole.get(name) if isinstance(whole, dict) else name in whole


def kill_at_each_point(
    server: Server, template: Path, tmp_path: Path, who: int, command: list[str], stripe: int
) -> None:
    undisturbed = Scene(server, template, tmp_path / "undisturbed")
    user = undisturbed.user(who)
    had, shown = contents(user), hashes(user.cwd)
    answer = undisturbed.run(user.cwd, *command)
    assert answer.status == 0, answer
    assert answer.points > 10
    expected = outcome(user, undisturbed.directory / "hub")
    remove(undisturbed.directory)
    problems = []
    for number in kill_points(answer.points, stripe, STRIPES):
        scene = Scene(server, template, tmp_path / f"at-{number}")
        user = scene.user(who)
        killed = scene.run(user.cwd, *command, kill_at=number)
        if killed.status != -9:
            assert killed.status == 0, killed
            continue
        scene.age_empty_locks()
        scene.check_hub()
        scene.check_opens(user.cwd, shown)
        scene.expect(not had - contents(user), f"lost {len(had - contents(user))} files")
        again = scene.run(user.cwd, *command)
        scene.expect(again.status == 0, f"again: {again.status} {again.stderr}")
        for difference in differences(outcome(user, scene.directory / "hub"), expected):
            scene.expect(False, difference)
        scene.check_hub()
        scene.expect(not had - contents(user), f"lost {len(had - contents(user))} files in the end")
        problems += [f"killed at {number}, {killed.killed_at}: {problem}" for problem in scene.problems]
        remove(scene.directory)
    assert not problems, f"{len(problems)} problems\n" + "\n".join(problems)


@stripes
def test_push(server: Server, ahead: Path, tmp_path: Path, stripe: int) -> None:
    kill_at_each_point(server, ahead, tmp_path, 0, ["--batch", "push"], stripe)


@stripes
def test_pull_of_what_only_the_origin_has(server: Server, published: Path, tmp_path: Path, stripe: int) -> None:
    kill_at_each_point(server, published, tmp_path, 1, ["--batch", "pull"], stripe)


def test_lineage_comes_even_if_the_pull_that_brought_the_snapshot_was_killed(
    server: Server, published: Path, tmp_path: Path
) -> None:
    undisturbed = Scene(server, published, tmp_path / "undisturbed")
    user = undisturbed.user(1)
    points = undisturbed.run(user.cwd, "--batch", "pull").points
    expected = read_lineage(user.cwd)
    assert expected["intermediate-data.json"]["lineages"]
    for number in kill_points(points):
        scene = Scene(server, published, tmp_path / f"at-{number}")
        user = scene.user(1)
        scene.run(user.cwd, "--batch", "pull", kill_at=number)
        scene.age_empty_locks()
        scene.run(user.cwd, "--batch", "pull")
        assert read_lineage(user.cwd) == expected
        remove(scene.directory)


@stripes
def test_pull_that_merges(server: Server, apart: Path, tmp_path: Path, stripe: int) -> None:
    kill_at_each_point(server, apart, tmp_path, 1, ["--batch", "pull"], stripe)


@stripes
def test_publish(server: Server, ahead: Path, tmp_path: Path, stripe: int) -> None:
    """To another place, as if it were the first."""
    template = tmp_path / "template"
    copy_copies(ahead, template)
    make_bare(template / "hub" / "elsewhere.git")
    owner_of(template, server.env, 0).git("remote", "remove", "origin")
    command = ["--batch", "publish", f"{HUB_ADDRESS}/elsewhere.git"]
    kill_at_each_point(server, template, tmp_path, 0, command, stripe)


@stripes
def test_clone(server: Server, published: Path, tmp_path: Path, stripe: int) -> None:
    """What is at the target is a workspace that a pull completes, or nothing."""
    command = ["--batch", "clone", "--hostname", "host2", f"{HUB_ADDRESS}/ws.git"]
    undisturbed = Scene(server, published, tmp_path / "undisturbed")
    (undisturbed.directory / "2").mkdir()
    whole = undisturbed.run(undisturbed.directory / "2", *command)
    assert whole.status == 0, whole
    assert whole.points > 10
    expected = outcome(undisturbed.user(2), undisturbed.directory / "hub")
    problems = []
    for kill_at in kill_points(whole.points, stripe, STRIPES):
        scene = Scene(server, published, tmp_path / f"at-{kill_at}")
        parent = scene.directory / "2"
        parent.mkdir()
        before = references(scene.directory / "hub" / "ws.git")
        killed = scene.run(parent, *command, kill_at=kill_at)
        user = scene.user(2)
        if killed.status != -9:
            assert killed.status == 0, killed
            continue
        scene.age_empty_locks()
        seen = [name for name in os.listdir(parent) if not name.startswith(".")]
        scene.expect(seen in ([], ["ws"]), f"{seen} is there")
        if seen:
            again = scene.run(user.cwd, "--batch", "pull")
        else:
            again = scene.run(parent, *command)
            left = sorted(os.listdir(parent))
            scene.expect(left == ["ws"], f"left: {left}")
        scene.expect(again.status == 0, f"again: {again.status} {again.stderr}")
        if again.status == 0:
            scene.check_opens(user.cwd, hashes(published / "0" / "ws"))
            for difference in differences(outcome(user, scene.directory / "hub"), expected):
                scene.expect(False, difference)
        scene.expect(references(scene.directory / "hub" / "ws.git") == before, "the hub has changed")
        problems += [f"killed at {kill_at}, {killed.killed_at}: {problem}" for problem in scene.problems]
        remove(scene.directory)
    assert not problems, f"{len(problems)} problems\n" + "\n".join(problems)


# -- git goes on, or dies ----------------------------------------------------------------------------------------------

PULL = ("--batch", "pull")


@pytest.fixture(scope="module")
def pulled(server: Server, apart: Path, published: Path) -> dict[str, dict[str, Any]]:
    """What a pull leaves that nobody disturbs."""
    found = {}
    for template in (apart, published):
        scene = Scene(server, template, template.with_name(f"{template.name}-undisturbed"))
        user = scene.user(1)
        assert scene.run(user.cwd, *PULL).status == 0
        found[template.name] = outcome(user, scene.directory / "hub")
        remove(scene.directory)
    return found


def check_pull_after_harm(scene: Scene, had: set[str], shown: set[str], expected: dict[str, Any]) -> None:
    user = scene.user(1)
    scene.age_empty_locks()
    scene.check_opens(user.cwd, shown)
    scene.expect(not had - contents(user), f"lost {len(had - contents(user))} files")
    again = scene.run(user.cwd, *PULL)
    scene.expect(again.status == 0, f"again: {again.status} {again.stderr}")
    for difference in differences(outcome(user, scene.directory / "hub"), expected):
        scene.expect(False, difference)


@pytest.mark.parametrize("victim", ["git", "git and dws"])
@pytest.mark.parametrize("place", ["", "data"], ids=["workspace", "resource"])
@pytest.mark.parametrize("name", ["published", "apart"])
def test_git_dies_while_it_writes_the_files_that_a_pull_brought(
    server: Server,
    pulled: dict[str, dict[str, Any]],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    name: str,
    place: str,
    victim: str,
) -> None:
    """A filter, which git calls while it holds its lock and has written some files, kills it."""
    scene = Scene(server, request.getfixturevalue(name), tmp_path / "scene")
    user = scene.user(1)
    had, shown = contents(user), hashes(user.cwd)
    scene.run(user.cwd, "report", "status")  # it is known, and what is configured from here on is the user's
    there = user.at(user.cwd / place)
    parents = "$PPID" if victim == "git" else "$(ps -o ppid= -p $PPID) $PPID"
    write_files(there.cwd, {".git/info/attributes": "first.* filter=fatal\n"})
    there.git("config", "filter.fatal.smudge", f"kill -9 {parents}")
    answer = scene.run(user.cwd, *PULL)
    assert answer.status in FAILED if victim == "git" else answer.status == -9, answer
    assert "Traceback" not in answer.stderr
    there.git("config", "--remove-section", "filter.fatal")
    (there.cwd / ".git" / "info" / "attributes").unlink()
    check_pull_after_harm(scene, had, shown, pulled[name])
    assert scene.problems == []


@pytest.mark.parametrize("does", ["parent-dies-git-is-late", "git-dies", "all-die-locked"])
def test_harm_at_each_call_of_git_of_a_pull(
    server: Server, apart: Path, pulled: dict[str, dict[str, Any]], tmp_path: Path, does: str
) -> None:
    problems = []
    shim = tmp_path / "shim"
    write_files(shim, {"git": SHIM.replace('*" restore "*', '*" restore "*|*" merge "*|*" reset "*')})
    (shim / "git").chmod(0o755)
    path = server.env["PATH"]
    harm = {"PATH": f"{shim}:{path}", "SHIM_PATH": path, "SHIM_COUNT": str(tmp_path / "count"), "SHIM_DOES": does}
    user = owner_of(apart, server.env, 1)
    had, shown = contents(user), hashes(user.cwd)
    (tmp_path / "count").write_text("")
    whole = Scene(server, apart, tmp_path / "whole")
    server.run(whole.user(1).cwd, *PULL, env={**whole.user(1).env, **harm, "SHIM_AT": "0"})
    calls = calls_of_git(tmp_path / "count")
    assert calls > 10
    for number in kill_points(calls, some=6):
        scene = Scene(server, apart, tmp_path / f"at-{number}")
        (tmp_path / "count").write_text("")
        env = {**scene.user(1).env, **harm, "SHIM_AT": str(number)}
        answer = server.run(scene.user(1).cwd, *PULL, env=env, wait=does != "parent-dies-git-is-late")
        if calls_of_git(tmp_path / "count") < number:
            assert answer.status == 0, answer
            continue
        scene.expect("Traceback" not in answer.stderr, answer.stderr)
        check_pull_after_harm(scene, had, shown, pulled["apart"])
        problems += [f"call {number}: {problem}" for problem in scene.problems]
        remove(scene.directory)
    assert not problems, f"{len(problems)} problems\n" + "\n".join(problems)
