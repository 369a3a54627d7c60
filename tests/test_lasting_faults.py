"""What fails once fails again: a disk that is full, a directory that may not be written to, a git that refuses. From some
step of a command on everything fails, its undo included; then the fault is gone, and the next command sets all right.

The points are those of kill_server.py; the workspace holds a resource of each kind that keeps versions.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from endtoend import FAILED, HOST, User, contents_in_git, contents_in_tree, copy_workspace, remove, write_files
from forked import Forked
from test_kill import (
    Answer,
    Server,
    env,  # noqa: F401 - fixtures
    server,  # noqa: F401
)

pytestmark = pytest.mark.slow

STEP = int(os.environ.get("DWS_FAULT_STEP", "0"))
"""Every so many points fail; a quick run takes FEW points of each command."""
FEW = 2

MAKE_RESULT = ["sh", "-c", "echo '{}' > results/results.json"]
COMMANDS = {
    "snapshot": ["--batch", "snapshot", "C", "-m", "snapshot C"],
    "restore": ["--batch", "restore", "A"],
    "delete": ["--batch", "delete-snapshot", "A"],
    "add": ["--batch", "add", "local-files", "--role", "source-data", "--name", "more", "--restorable", "more"],
    "config": ["--batch", "config", "results.dir_template", "snapshots/{TAG}"],
    "pull": ["--batch", "pull"],
    "push": ["--batch", "push"],
    "run": ["--batch", "run", "--name", "again", "--input", "files", "--output", "results", "--", *MAKE_RESULT],
}


EVERY_WAY = ("no space", "denied", "git refuses", "unreadable", "ignored", "wrong names")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every workspace of these tests lies while it is used, so that none is a copy that has moved."""
    return tmp_path_factory.mktemp("faults") / "ws"


@pytest.fixture(scope="module")
def alone(env: dict[str, str], place: Path) -> Path:  # noqa: F811
    """A workspace with snapshots A and B, and work that is not committed."""
    place.mkdir()
    user = Forked(place, env)
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results,intermediate-data")
    write_files(place, {"files/a": "1", "files/sub/b": "2", "more/c": "3"})
    user.batch("add", "local-files", "--role", "source-data", "--name", "files", "--restorable", "files")
    for tag in ("A", "B"):
        changing = {"code/run.py": tag, "results/out.json": f'"{tag}"', "files/a": f"a {tag}", f"files/only {tag}": tag}
        write_files(place, changing)
        user.batch("snapshot", tag, "-m", f"snapshot {tag}")
    changing = {"results/out.json": '"C"', "code/run.py": "not committed", "files/a": "in no snapshot", "n.txt": "n"}
    write_files(place, changing)
    return place.rename(place.with_name("alone"))


@pytest.fixture(scope="module")
def shared(env: dict[str, str], alone: Path, place: Path) -> Path:  # noqa: F811
    """The same in a snapshot C that no origin has, whose origin has a snapshot D of somebody else."""
    user = Forked(copy_workspace(alone, place), env)
    origin = place.with_name("origin.git")
    user.git("init", "-q", "--bare", origin)
    user.batch("config", "--resource", "files", "remote", place.with_name("remote"))
    user.batch("snapshot", "C", "-m", "snapshot C")
    user.batch("publish", origin)
    other = user.at(place.with_name("other"))
    user.at(place.parent).batch("clone", "--hostname", "host2", origin, "other")
    write_files(other.cwd, {"code/theirs.py": "theirs", "files/theirs": "theirs"})
    other.batch("snapshot", "D", "-m", "snapshot D")
    other.batch("push")
    write_files(place, {"files/mine": "mine", "code/mine.py": "mine"})
    user.batch("snapshot", "E", "-m", "snapshot E")
    return place.rename(place.with_name("shared"))


@pytest.fixture(scope="module")
def ahead(env: dict[str, str], shared: Path, place: Path) -> Path:  # noqa: F811
    """The same when the pull is done, and nothing is pushed."""
    user = Forked(copy_workspace(shared, place), env)
    user.batch("pull")
    return place.rename(place.with_name("ahead"))


def end_of_fault(root: Path) -> None:
    """Git ignores no more than before, and can add what is there. Names that are no text stay."""
    exclude = root / ".git" / "info" / "exclude"
    exclude.write_text("".join(line for line in exclude.read_text().splitlines(True) if line != "*\n"))
    for nested in root.glob("*/nested/.git"):
        remove(nested)


def had(user: User) -> set[str]:
    return contents_in_tree(user.cwd) | contents_in_git(user.cwd, user.env)


def lost(server: Server, user: User, before: set[str]) -> set[str]:  # noqa: F811
    """What is neither in the working tree, nor in git's history, nor comes back with undo-restore."""
    missing = before - had(user)
    listed = server.run(user.cwd, "undo-restore", "files", "--list", "--json").stdout if missing else "[]"
    for version in [each["version"] for each in json.loads(listed)]:
        server.run(user.cwd, "--batch", "undo-restore", "files", version)
        missing -= contents_in_tree(user.cwd)
    return missing


def problems_after(server: Server, user: User, command: list[str], failed: Answer, before: set[str]) -> list[str]:  # noqa: F811
    """What is wrong with a workspace in which a command failed, now that the fault is gone."""
    found = []
    end_of_fault(user.cwd)
    if failed.status == 70 or "Traceback" in failed.stderr:
        found.append(f"a traceback: {failed.stderr}")
    elif failed.status not in (0, *FAILED):
        found.append(f"status {failed.status}: {failed.stderr}")
    opened = server.run(user.cwd, "report", "history")
    if opened.status or "snapshot B" not in opened.stdout or "could not" in opened.stderr:
        found.append(f"report history: {opened.status} {opened.stdout} {opened.stderr}")
    again = server.run(user.cwd, *command)
    if again.status and not any(
        done in again.stderr
        for done in ("already names", "No snapshot", "already", "no snapshot", "Take a snapshot first")
    ):
        found.append(f"the same command: {again.status} {again.stderr}")
    if (user.cwd / ".git" / "dws" / "journal.json").exists():
        found.append("the journal is still there")
    checked = json.loads(server.run(user.cwd, "fsck", "--json").stdout)
    if checked["problems"]:  # files of writes that were cut short, or metadata that the next command commits
        repaired = json.loads(server.run(user.cwd, "fsck", "--repair", "--json").stdout)
        if repaired["problems"] or any(problem["severity"] != "warning" for problem in checked["problems"]):
            found.append(f"fsck: {checked['problems']}, and repaired: {repaired['problems']}")
    if missing := lost(server, user, before):
        found.append(f"lost: {[content[:30] for content in missing]}")
    return [f"{each}\n    (it had said {failed.stderr!r})" for each in found]


@dataclass(frozen=True)
class Whole:
    """A command with which nothing goes wrong: what there was before it, and how many points each fault has."""

    template: Path
    before: set[str]
    points: dict[str, int]


@pytest.fixture(scope="module")
def wholes() -> dict[str, Whole]:
    """By the name of the command; each runs once for all faults."""
    return {}


@pytest.fixture
def whole(
    request: pytest.FixtureRequest,
    wholes: dict[str, Whole],
    server: Server,  # noqa: F811
    env: dict[str, str],  # noqa: F811
    place: Path,
    name: str,
) -> Whole:
    if name not in wholes:
        template = request.getfixturevalue({"pull": "shared", "push": "ahead"}.get(name, "alone"))
        before = had(Forked(copy_workspace(template, place), env))
        answer = server.run(place, *COMMANDS[name], count=EVERY_WAY)
        assert answer.status == 0, answer
        remove(place)
        wholes[name] = Whole(template, before, json.loads(answer.killed_at))
    return wholes[name]


@pytest.mark.parametrize("fault", EVERY_WAY)
@pytest.mark.parametrize("name", COMMANDS)
def test_all_fails_from_some_step_on(
    server: Server,  # noqa: F811
    env: dict[str, str],  # noqa: F811
    place: Path,
    name: str,
    fault: str,
    whole: Whole,
) -> None:
    command, points = COMMANDS[name], whole.points[fault]
    user = Forked(place, env)
    few = FEW if fault in ("no space", "denied", "git refuses") else 1
    step = STEP or max(1, -(-points // few))
    problems = []
    for number in range(1 if STEP else max(1, points - step * (few - 1) - step // 2), points + 1, step):
        copy_workspace(whole.template, place)
        failed = server.run(place, *command, fault=fault, fail_from=number)
        problems += [
            f"{number} of {points}, {failed.killed_at}: {problem}"
            for problem in problems_after(server, user, command, failed, whole.before)
        ]
        remove(place)
    assert not problems, f"{len(problems)} problems\n" + "\n".join(problems)
