"""A command that can be neither completed nor undone, however often it is tried: there is always a way out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def dws(place: Path, *arguments: str, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dataworkspaces.cli.main", "--batch", *arguments],
        cwd=place,
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr
    assert done.returncode == status, said
    assert "Traceback" not in said
    return said


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    place = tmp_path / "ws"
    place.mkdir()
    dws(place, "init", "--create-resources=source-data,results")
    (place / "results" / "out.txt").write_text("one")
    return place


def refuse_commits(place: Path) -> Path:
    hook = place / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    hook.chmod(0o755)
    return hook


JOURNALS = [
    "[]",
    "{",
    '{"operation": 3, "data": {}}',
    '{"operation": "snapshot", "data": []}',
    '{"operation": "snapshot", "data": {"moved": 7, "destination": null}}',
    '{"operation": "from-the-future", "data": {}}',
    '{"operation": "restore", "data": {"targets": {"results": "0000"}, "prior": {}, "snapshot": null}}',
]


@pytest.mark.slow
def test_journals_that_nobody_can_carry_out(workspace: Path) -> None:
    journal = workspace / ".git" / "dws" / "journal.json"
    for content in JOURNALS:
        journal.parent.mkdir(exist_ok=True)
        journal.write_text(content)
        dws(workspace, "report", "status")  # who reads goes on reading
        assert "dws recover --abandon" in dws(workspace, "config", "results.move_exclude_files", "[]", status=1)
        found = json.loads(dws(workspace, "recover", "--abandon", "--json"))
        assert Path(found["kept_as"]).read_text() == content
        assert not journal.exists()
    dws(workspace, "snapshot", "S1")
    assert (workspace / "results" / "snapshots").is_dir()
    assert "nothing is unfinished" in dws(workspace, "recover").lower()


def test_a_lock_that_nobody_holds_is_shown_and_removed(workspace: Path) -> None:
    lock = workspace / ".git" / "dws" / "lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(f"{os.getpid()}\nelsewhere\n")
    said = dws(workspace, "unlock", status=1)
    assert "elsewhere" in said
    assert lock.exists()  # the default is no
    assert "Removed the lock" in dws(workspace, "unlock", "--force")
    assert not lock.exists()
