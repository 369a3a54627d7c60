"""Locks of processes that are gone, though their number is in use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dataworkspaces.durability import boot_id
from dataworkspaces.errors import LockedError
from dataworkspaces.toolbox.lock import hold_lock
from dataworkspaces.toolbox.lock_holder import describe_lock
from dataworkspaces.toolbox.processes import is_alive, start_time


@pytest.mark.parametrize(
    ("started", "boot", "expected"),
    [(None, None, True), ("own", "own", True), ("1", "own", False), ("own", "other", False)],
)
def test_a_process_is_told_from_a_later_one_of_its_number(
    started: str | None, boot: str | None, expected: bool
) -> None:
    if boot_id() is None:
        pytest.skip("this system tells neither boot nor start of processes")
    own = {"own": (start_time(os.getpid()), boot_id())}
    started = own["own"][0] if started == "own" else started
    boot = own["own"][1] if boot == "own" else boot
    assert is_alive(os.getpid(), started, boot) is expected


def _lock(directory: Path, started: str) -> None:
    (directory / "lock").write_text(f"{os.getpid()}\n{os.uname().nodename}\n")
    (directory / "lock.command").write_text(f"{os.getpid()} snapshot\n{started} {boot_id()} 2026-01-01T00:00:00\n")


def test_the_lock_of_a_reused_process_id_is_taken_over(tmp_path: Path) -> None:
    if start_time(os.getpid()) is None:
        pytest.skip("this system tells no start of processes")
    _lock(tmp_path, "1")
    holder = describe_lock(tmp_path)
    assert holder is not None
    assert not holder.is_alive
    with hold_lock(tmp_path, "test", timeout=0):
        assert (tmp_path / "lock").read_text().startswith(f"{os.getpid()}\n")


def test_a_lock_that_is_held_is_named_with_its_file(tmp_path: Path) -> None:
    _lock(tmp_path, start_time(os.getpid()) or "-")
    with pytest.raises(LockedError) as caught, hold_lock(tmp_path, "test", timeout=0):
        pass
    assert str(tmp_path / "lock") in caught.value.message
    assert "dws unlock" in str(caught.value.hint)
    assert "end it" not in str(caught.value.hint)
