"""A snapshot that is killed is undone before its commit point, which is the transaction that stores it, and completed
after it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.backends.sql.workspace import SqlWorkspace
from dataworkspaces.commands.add import add_command
from dataworkspaces.commands.snapshot import snapshot_command

KILLED = """
import os, signal, sys
from dataworkspaces.backends.sql.workspace import SqlWorkspace
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.workspace import find_and_load_workspace
setattr(SqlWorkspace, sys.argv[2], lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL))
snapshot_command(find_and_load_workspace(True, False, sys.argv[1]), "V1")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("killed_at", "is_there"), [("save_snapshot_metadata_and_manifest", False), ("finish_snapshot", True)]
)
def test_a_killed_snapshot(copy: Callable[[str], SqlWorkspace], tmp_path: Path, killed_at: str, is_there: bool) -> None:
    ada, bob = copy("ada"), copy("bob")
    out = tmp_path / "out"
    out.mkdir()
    (out / "file").write_text("1")
    add_command(ada, "file", "results", "out", path=str(out), restorable=True)
    process = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "ada", killed_at], timeout=300)
    assert process.returncode == -signal.SIGKILL
    assert not (out / "file").exists()
    assert [s.tags for s in bob.list_snapshots()] == ([["V1"]] if is_there else [])

    ada.recover_if_interrupted()
    assert (out / "file").exists() != is_there
    assert [s.tags for s in bob.list_snapshots()] == ([["V1"]] if is_there else [])
    assert list(ada.check_integrity()) == []
    (out / "file").write_text("2")
    taken = snapshot_command(ada, "V2").metadata
    assert (out / taken.relative_destination_path / "file").read_text() == "2"
