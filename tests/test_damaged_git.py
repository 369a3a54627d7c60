"""After a power cut the objects of the last snapshot are empty files: they are found, and written again."""

from __future__ import annotations

import pytest
from endtoend import User, write_files

pytestmark = pytest.mark.slow


def empty_what_is_new(user: User, before: set[str]) -> int:
    new = objects(user) - before
    for name in new:
        path = user.cwd / ".git" / "objects" / name[:2] / name[2:]
        path.chmod(0o644)
        path.write_bytes(b"")
    return len(new)


def objects(user: User) -> set[str]:
    return {line.split()[0] for line in user.git("rev-list", "--objects", "--all").splitlines()}


@pytest.fixture
def before(workspace: User) -> set[str]:
    """The objects before snapshot B, all of whose own are empty."""
    workspace.batch("snapshot", "A")
    had = objects(workspace)
    write_files(workspace.cwd, {"code/run.py": "print(2)\n", "code/sub/new": "new\n", "results/results.json": "{}"})
    workspace.batch("snapshot", "B")
    assert empty_what_is_new(workspace, had) > 10
    return had


def check_whole(workspace: User) -> None:
    workspace.git("fsck", "--strict")
    for tag, text in (("A", "print(1)\n"), ("B", "print(2)\n")):
        workspace.batch("restore", tag)
        assert (workspace.cwd / "code" / "run.py").read_text() == text
    assert workspace.dws("fsck").returncode == 0


def test_fsck_tells_and_repairs(workspace: User, before: set[str]) -> None:
    told = workspace.dws("fsck", check=False)
    assert told.returncode == 1
    assert "objects of git in" in told.stdout
    assert "written again from the working tree" in workspace.batch("fsck", "--repair").stdout
    check_whole(workspace)


def test_the_next_snapshot_after_a_start_of_the_machine(workspace: User, before: set[str]) -> None:
    (workspace.cwd / ".git" / "dws" / "looked_at_boot").write_text("another start")
    write_files(workspace.cwd, {"code/run.py": "print(3)\n"})
    told = workspace.batch("snapshot", "C")
    assert "Took snapshot C" in told.stdout
    assert "after a power cut" in told.stderr
    lost = [line for line in workspace.git("fsck", check=False).splitlines() if line.startswith("missing")]
    assert len(lost) <= 3, "what was written over since is lost: a file, and the trees above it"
