"""Kills at the points of commands that change the files which lie in no resource, and of `undo-delete`.

In a small workspace, so that the points are those that matter here; test_kill.py has one with a resource of each kind.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import test_kill
from endtoend import HOST, age_deletions, copy_workspace, read_tree, write_files
from forked import Forked
from kill_points import EACH
from test_kill import (
    RESTORE,
    SNAPSHOT,
    Check,
    Killed,
    Server,
    differences,
    env,  # noqa: F401 - fixtures
    kill_at_each_point,
    outcome,
    server,  # noqa: F401
    then_succeeds,
    undisturbed,
)

pytestmark = pytest.mark.slow

UNDO = ["--batch", "undo-delete", "A"]
STRIPES = range(test_kill.STRIPES) if EACH else [0]
stripes = pytest.mark.parametrize("stripe", STRIPES)


@pytest.fixture(autouse=True)
def as_this_workspace_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """One repository; and the store notes which workspaces use it, by a name that each copy has of its own."""

    def same_of_all(root: Path) -> dict[str, str]:
        return {name: text for name, text in read_tree(root).items() if "/objects/users/" not in name}

    monkeypatch.setattr(test_kill, "read_tree", same_of_all)
    monkeypatch.setattr(test_kill, "REPOSITORIES", ("",))
    if not EACH:
        monkeypatch.setattr(test_kill, "STRIPES", 2)  # of which one is taken


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Path:  # noqa: F811
    """Snapshots A and B with other files in the root, results in git and in a directory of their own, and work that is
    not committed."""
    root = tmp_path_factory.mktemp("whole") / "base"
    root.mkdir()
    user = Forked(root, env)
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    (root / "out").mkdir()
    user.batch("add", "local-files", "--role", "results", "--name", "out", "--restorable", "out")
    for tag in ("A", "B"):
        write_files(
            root,
            {
                "params.yaml": f"of: {tag}\n",
                f"only at {tag}.txt": tag,
                "scripts/train.py": f"print('{tag}')\n",
                "code/run.py": f"print('{tag}')\n",
                "results/results.json": json.dumps({"metrics": {"accuracy": len(tag)}}),
                "out/model.bin": f"model of {tag}",
            },
        )
        (root / "only at A.txt").unlink() if tag == "B" else None
        user.batch("snapshot", tag, "-m", f"snapshot {tag}")
    changed = {"params.yaml": "not committed\n", "new.txt": "untracked\n", "staged.txt": "staged\n", "out/x": "x"}
    write_files(root, changed)
    user.git("add", "staged.txt")
    return root


@stripes
@pytest.mark.parametrize("command", [SNAPSHOT, RESTORE], ids=["snapshot", "restore"])
def test_files_of_no_resource(server: Server, base: Path, tmp_path: Path, stripe: int, command: list[str]) -> None:  # noqa: F811
    expected = undisturbed(server, base, tmp_path / "undisturbed", command)
    assert ("only at A.txt" in expected["files"]) is (command is RESTORE)
    kill_at_each_point(server, base, tmp_path, command, then_succeeds(command, expected), stripe)


@pytest.fixture(scope="module")
def deleted(server: Server, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """The same, when A has been deleted."""
    root = copy_workspace(base, tmp_path_factory.mktemp("deleted") / "base")
    answer = server.run(root, "--batch", "delete-snapshot", "A")
    assert answer.status == 0, answer
    return root


def then_is_back(expected: dict[str, Any]) -> Check:
    """The same command brings it back, unless it is back already; and a gc, however late, takes nothing of it."""

    def check(killed: Killed) -> None:
        killed.check_opens()
        killed.check_nothing_lost()
        again = killed.server.run(killed.root, *UNDO)
        killed.expect(again.status == 0 or "was deleted here recently" in again.stderr, f"again: {again}")
        killed.expect("Traceback" not in again.stderr, again.stderr)
        for difference in differences(outcome(killed.user), expected):
            killed.expect(False, difference)
        age_deletions(killed.root)
        collected = killed.server.run(killed.root, "--batch", "gc", "--yes", "--keep-days", "0")
        killed.expect(collected.status == 0, f"gc: {collected.stderr}")
        restored = killed.server.run(killed.root, *RESTORE)
        killed.expect(restored.status == 0, f"restore: {restored.stderr}")
        found = json.loads(killed.server.run(killed.root, "fsck", "--json").stdout)
        killed.expect(found["errors"] == 0, f"fsck: {found['problems']}")

    return check


@stripes
def test_undo_delete(server: Server, deleted: Path, tmp_path: Path, stripe: int) -> None:  # noqa: F811
    expected = undisturbed(server, deleted, tmp_path / "undisturbed", UNDO)
    assert any("-A/" in name for name in expected["files"])
    kill_at_each_point(server, deleted, tmp_path, UNDO, then_is_back(expected), stripe)
