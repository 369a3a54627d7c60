"""Situations of users, each small: what a restore finds in its way, what a dry run says."""

from __future__ import annotations

from endtoend import User, write_files


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
