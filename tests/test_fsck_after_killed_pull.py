"""Every state that a killed pull leaves is one that `dws fsck` understands: see test_fsck_after_kill.py.

The copies and the kills are those of test_kill_sync.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from endtoend import machine_files, remove, whole_state
from kill_points import kill_points
from test_kill import Server
from test_kill_sync import (
    Scene,
    ahead,  # noqa: F401 - fixtures
    apart,  # noqa: F401
    contents,
    env,  # noqa: F401
    published,  # noqa: F401
    server,  # noqa: F401
)


def fsck(scene: Scene, root: Path, *options: str) -> dict[str, Any]:
    answer = scene.run(root, "fsck", "--json", *options)
    scene.expect("Traceback" not in answer.stderr, answer.stderr)
    found: dict[str, Any] = json.loads(answer.stdout or '{"problems": []}')
    scene.expect("errors" in found, f"fsck said nothing: {answer.status} {answer.stderr}")
    return found


def check(scene: Scene, root: Path, had: set[str]) -> None:
    before = whole_state(root), machine_files(root)
    for problem in fsck(scene, root)["problems"]:
        scene.expect(problem["severity"] == "warning", f"an error: {problem}")
    scene.expect((whole_state(root), machine_files(root)) == before, "fsck changed something")
    for options in (["--repair"], []):
        left = fsck(scene, root, *options)["problems"]
        # What a pull has not brought yet is all that may be told: the next pull does.
        missing = [p for p in left if p["severity"] == "warning" and "dws pull" in p["remedy"]]
        scene.expect(left == missing, f"after {options}: {left}")
    lost = had - contents(scene.user(1))
    scene.expect(not lost, f"lost: {[content[:16] for content in lost]}")


@pytest.mark.slow
@pytest.mark.parametrize("template", ["published", "apart"])
def test_killed(
    server: Server,  # noqa: F811
    tmp_path: Path,
    template: str,
    request: pytest.FixtureRequest,
) -> None:
    directory: Path = request.getfixturevalue(template)
    problems = []
    whole = Scene(server, directory, tmp_path / "whole")
    points = whole.run(whole.user(1).cwd, "--batch", "pull").points
    assert points > 10
    for number in kill_points(points, some=8):
        scene = Scene(server, directory, tmp_path / f"at-{number}")
        root = scene.user(1).cwd
        had = contents(scene.user(1))
        answer = scene.run(root, "--batch", "pull", kill_at=number)
        if answer.status != -9:
            assert answer.status == 0, answer
            continue
        scene.age_empty_locks()
        check(scene, root, had)
        problems += [f"killed at {number}, {answer.killed_at}: {problem}" for problem in scene.problems]
        remove(scene.directory)
    assert not problems, f"{len(problems)} problems\n" + "\n".join(problems)
