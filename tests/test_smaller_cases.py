"""Situations of users, each small: what a restore finds in its way, what a dry run says."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from endtoend import User, program, whole_state, write_files
from forked import Forked
from servers import make_bare


@pytest.fixture
def user(user: User) -> User:
    return Forked(user.cwd, user.env)


def test_a_file_that_dwsignore_leaves_out_now_is_not_in_the_way_of_itself(workspace: User) -> None:
    write_files(workspace.cwd, {"data/a.txt": "a", "data/x.log": "log"})
    workspace.batch("add", "local-files", "--role", "source-data", "./data")
    workspace.batch("config", "--resource", "data", "restorable", "true")
    workspace.batch("snapshot", "D1")
    write_files(workspace.cwd, {"data/.dwsignore": "*.log\n", "data/a.txt": "b"})
    workspace.batch("snapshot", "D2")
    workspace.batch("restore", "D1")
    assert (workspace.cwd / "data/x.log").read_text() == "log"
    assert (workspace.cwd / "data/a.txt").read_text() == "a"
    workspace.batch("restore", "D2")
    assert (workspace.cwd / "data/x.log").read_text() == "log"
    write_files(workspace.cwd, {"data/x.log": "kept by nobody"})
    assert "a restore would overwrite 'x.log'" in workspace.batch("restore", "D1", check=False).stderr
    assert (workspace.cwd / "data/x.log").read_text() == "kept by nobody"


def test_a_dry_run_refuses_what_the_command_does_for_want_of_an_origin(workspace: User) -> None:
    workspace.batch("snapshot", "S1")
    for command in ("push", "pull"):
        planned = workspace.batch(command, "--dry-run", check=False)
        done = workspace.batch(command, check=False)
        assert done.returncode == planned.returncode != 0
        assert planned.stderr == done.stderr
        assert "has no origin" in done.stderr


@pytest.mark.slow
def test_dry_runs_need_no_right_to_write(workspace: User, tmp_path: Path) -> None:
    write_files(workspace.cwd, {"data/a.txt": "a", "code/run.py": "1"})
    workspace.batch("add", "local-files", "--role", "source-data", "--remote", f"file://{tmp_path}/remote", "./data")
    workspace.batch("snapshot", "D1")
    workspace.batch("publish", make_bare(tmp_path / "hub.git"))
    write_files(workspace.cwd, {"data/a.txt": "b", "code/run.py": "2"})
    workspace.batch("snapshot", "D2")
    before = whole_state(workspace.cwd)
    dws, root = shlex.quote(program("dws")), shlex.quote(str(workspace.cwd))
    commands = ["restore --dry-run D1", "push --dry-run", "pull --dry-run", "gc --dry-run", "rerun --dry-run"]
    script = f"mount --bind {root} {root}; mount -o remount,bind,ro {root}; cd {root}; ! touch x 2>/dev/null"
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    done = workspace.run(
        *namespace, "sh", "-euc", "; ".join([script, *(f"{dws} --batch {c}" for c in commands)]), check=False
    )
    if "mount: " in done.stderr or "unshare: " in done.stderr:
        pytest.skip(f"mounting is not possible here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr
    assert whole_state(workspace.cwd) == before
