"""Every state that a killed command leaves is one that `dws fsck` understands: it tells warnings only, changes nothing,
and after `dws fsck --repair` the workspace is whole, with all that was there.

The workspaces and the kills are those of test_kill.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from endtoend import copy_workspace, machine_files, remove, whole_state, write_files
from forked import Forked
from kill_points import kill_points
from test_kill import (
    RESTORE,
    SNAPSHOT,
    Killed,
    Server,
    base,  # noqa: F401 - fixtures
    contents,
    env,  # noqa: F401
    server,  # noqa: F401
)

DELETE = ["delete-snapshot", "A"]
ADD = ["--batch", "add", "git", "--role", "source-data", "--name", "more", "more"]
MOVE_TAG = ["snapshot", "A", "-m", "the tag moves"]
CONFIG = ["--batch", "config", "results.dir_template", "snapshots/{TAG}"]
COMMANDS = {
    "snapshot": SNAPSHOT,
    "restore": RESTORE,
    "delete": DELETE,
    "add": ADD,
    "move-tag": MOVE_TAG,
    "config": CONFIG,
}


def fsck(killed: Killed, *options: str) -> dict[str, Any]:
    answer = killed.server.run(killed.root, "fsck", "--json", *options)
    killed.expect("Traceback" not in answer.stderr, answer.stderr)
    found: dict[str, Any] = json.loads(answer.stdout or "{}")
    killed.expect(found, f"fsck said nothing: {answer.status} {answer.stderr}")
    killed.expect(answer.status == (1 if found.get("errors") else 0), f"exit status {answer.status}")
    return found


def check(killed: Killed) -> None:
    before = whole_state(killed.root), machine_files(killed.root)
    found = fsck(killed)
    killed.expect((whole_state(killed.root), machine_files(killed.root)) == before, "fsck changed something")
    for problem in found["problems"]:
        killed.expect(problem["severity"] == "warning", f"an error: {problem}")
        killed.expect(problem["area"] != "resource", f"of a resource: {problem}")
    repaired = fsck(killed, "--repair")
    killed.expect(not repaired["problems"], f"after the repair: {repaired['problems']}")
    killed.expect(not fsck(killed)["problems"], "a check after it finds something")
    lost = killed.had - contents(killed.user)
    killed.expect(not lost, f"lost: {[content[:16] for content in lost]}")
    history = killed.server.run(killed.root, "report", "history").stdout
    killed.expect("snapshot B" in history, "snapshot B is gone")
    uncommitted = killed.user.git("status", "--porcelain", ".dataworkspace")
    killed.expect(not uncommitted, f"not committed: {uncommitted}")


@pytest.fixture(scope="module")
def template(base: Path, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """The workspace, with a repository to add."""
    root = copy_workspace(base, tmp_path_factory.mktemp("fsck") / "base")
    user = Forked(root, server.env)
    user.make_repository(root / "more", {"more.csv": "1\n"})
    write_files(root, {".git/info/exclude": "/more/\n/more.git/\n"})
    return root


def test_the_workspace_of_these_tests_is_whole(template: Path, server: Server) -> None:  # noqa: F811
    answer = server.run(template, "fsck", "--json")
    assert json.loads(answer.stdout)["problems"] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_killed(template: Path, server: Server, tmp_path: Path, name: str) -> None:  # noqa: F811
    had = contents(Forked(template, server.env)) if name != "delete" else set()
    problems = []
    whole = server.run(copy_workspace(template, tmp_path / "whole"), *COMMANDS[name], input="y\n")
    assert whole.status == 0, whole
    assert whole.points > 10
    for number in kill_points(whole.points, some=8):
        killed = Killed(server, template, tmp_path / f"at-{number}", had)
        answer = server.run(killed.root, *COMMANDS[name], kill_at=number, input="y\n")
        if answer.status != -9:
            assert answer.status == 0, answer
            continue
        killed.age_empty_locks()
        check(killed)
        problems += [f"killed at {number}, {answer.killed_at}: {problem}" for problem in killed.problems]
        remove(killed.root)
    assert not problems, f"{len(problems)} problems\n" + "\n".join(problems)
