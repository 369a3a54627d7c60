"""One command at a time, and what a killed one leaves."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError, LockedError, MetadataError
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.toolbox.lock import hold_lock
from dataworkspaces.workspace.journal import Journal


def test_the_holder_is_named(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from dataworkspaces.toolbox.lock import hold_lock\n"
        "with hold_lock(Path(sys.argv[1]), 'snapshot'):\n    print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockedError) as caught, hold_lock(tmp_path, "add", timeout=0.1):
            pass
        expected = f"'dws snapshot' of process {holder.pid} on host {socket.gethostname()}, since "
        assert str(caught.value).startswith(expected)
        assert str(tmp_path / "lock") in str(caught.value)
    finally:
        holder.kill()
        holder.wait()
    with hold_lock(tmp_path, "add", timeout=5):
        pass  # the dead process is no obstacle


def test_a_process_of_another_host_is_respected(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("4242\nelsewhere.example.com\n", encoding="utf-8")
    with (
        pytest.raises(LockedError, match=r"process 4242 on host elsewhere\.example\.com"),
        hold_lock(tmp_path, "x", 0.2),
    ):
        pass


def test_the_lock_is_free_afterwards(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="boom"), hold_lock(tmp_path, "x"):
        raise ValueError("boom")
    with hold_lock(tmp_path, "x", timeout=0):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be changed"), hold_lock(tmp_path / "file" / "x", "x"):
        pass


def test_a_bad_timeout_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DWS_LOCK_TIMEOUT", "soon")
    with pytest.raises(ConfigurationError, match="DWS_LOCK_TIMEOUT is 'soon'"), hold_lock(tmp_path, "x"):
        pass


def test_the_journal_tells_what_was_going_on(tmp_path: Path) -> None:
    assert Journal.pending(tmp_path) is None
    journal = Journal(tmp_path, "snapshot")
    journal.record("snapshot", moved={"results": ["a"]})
    entry = Journal.pending(tmp_path)
    assert entry is not None
    assert (entry.operation, entry.data, entry.pid) == ("snapshot", {"moved": {"results": ["a"]}}, os.getpid())
    journal.clear()
    assert Journal.pending(tmp_path) is None


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal.json").write_text("{", encoding="utf-8")
    with pytest.raises(MetadataError, match=r"journal\.json is not valid JSON"):
        Journal.pending(tmp_path)


def test_the_way_out_of_a_damaged_journal_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = MemoryWorkspace(tmp_path)
    told: list[str] = []
    monkeypatch.setattr(workspace.interaction, "warn", told.append)
    path = Journal.path(workspace.get_machine_directory())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{", encoding="utf-8")
    workspace.recover_if_interrupted()
    (warning,) = told
    assert "is not valid JSON" in warning
    assert warning.count("dws recover --abandon") == 1
