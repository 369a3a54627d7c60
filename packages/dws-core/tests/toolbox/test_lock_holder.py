"""Locks whose process cannot be looked at: of another host, or of another container with the same name."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dataworkspaces.errors import LockedError
from dataworkspaces.toolbox import heartbeat
from dataworkspaces.toolbox.heartbeat import beating, in_words
from dataworkspaces.toolbox.lock import hold_lock
from dataworkspaces.toolbox.lock_holder import describe_all, describe_lock, noting_holder, remove_lock
from dataworkspaces.toolbox.processes import process_namespace


def lock_of(directory: Path, host: str, *, silent: float | None, name: str = "lock", namespace: str = "-") -> None:
    """A lock that process 17 holds, whose last sign of life was some seconds ago."""
    lock = directory / name
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(f"17\n{host}\n")
    beats = "-" if silent is None else "beats"
    (directory / f"{name}.command").write_text(f"17 push\n1 boot 2030-01-01T12:00:00 {namespace} {beats}\n")
    then = time.time() - (silent or 0)
    os.utime(lock, (then - 100, then - 100))
    os.utime(directory / f"{name}.command", (then, then))


@pytest.mark.parametrize(
    ("silent", "expected"),
    [(4, "sign of life 4 seconds ago"), (3600, "no sign of life for 60 minutes"), (None, "cannot be checked")],
)
def test_a_process_elsewhere_is_known_by_its_signs_of_life(tmp_path: Path, silent: float | None, expected: str) -> None:
    lock_of(tmp_path, "elsewhere", silent=silent)
    holder = describe_lock(tmp_path)
    assert holder is not None
    assert holder.is_alive
    assert expected in holder.advice
    assert "'dws push' of process 17 on host elsewhere, since 2030-01-01T12:00:00" in holder.text
    with pytest.raises(LockedError), hold_lock(tmp_path, "x", timeout=0):
        pass  # however long it has been silent: only a person decides
    assert remove_lock(tmp_path, holder)
    assert describe_lock(tmp_path) is None


def test_who_holds_a_lock_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat.beating.__wrapped__, "__defaults__", (0.01,))  # type: ignore[attr-defined]
    lock = tmp_path / "lock"
    note = tmp_path / "lock.command"
    lock.touch()
    with noting_holder(lock, "x"):
        os.utime(note, (1, 1))
        deadline = time.monotonic() + 30
        while note.stat().st_mtime < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert not note.exists()


def test_a_file_that_is_gone_is_no_obstacle(tmp_path: Path) -> None:
    with beating(tmp_path / "gone", 0.001):
        time.sleep(0.01)
    assert not (tmp_path / "gone").exists()


@pytest.mark.skipif(process_namespace() is None, reason="this system has no containers of processes")
@pytest.mark.parametrize("as_filelock_writes", [True, False])
def test_a_container_with_the_name_of_this_host_is_elsewhere(tmp_path: Path, as_filelock_writes: bool) -> None:
    """Its processes have numbers of their own: that there is none of that number here says nothing."""
    host = os.uname().nodename + ("?pidns-abc123" if as_filelock_writes else "")
    lock_of(tmp_path, host, silent=3, namespace="-" if as_filelock_writes else "1")
    holder = describe_lock(tmp_path)
    assert holder is not None
    assert holder.is_alive
    assert not holder.is_here


def test_a_lock_that_another_took_meanwhile_stays(tmp_path: Path) -> None:
    lock_of(tmp_path, "elsewhere", silent=1000)
    holder = describe_lock(tmp_path)
    assert holder is not None
    (tmp_path / "lock").write_text("18\nelsewhere\n")
    assert not remove_lock(tmp_path, holder)
    assert (tmp_path / "lock").exists()


def test_all_locks_that_may_be_in_the_way_are_shown(tmp_path: Path) -> None:
    for name in ("lock", "lineage.lock", "run.lock", "run-12.lock", "steps/a.lock"):
        lock_of(tmp_path, "elsewhere", silent=None, name=name)
    here = tmp_path / "steps" / "b.lock"
    here.write_text(f"{os.getpid()}\n{os.uname().nodename}\n")
    assert [name for name, _, _ in describe_all(tmp_path)] == [
        "lock", "lineage.lock", "run-12.lock", "run.lock", "steps/a.lock",
    ]  # fmt: skip


def test_times_in_words() -> None:
    assert [in_words(seconds) for seconds in (0, 119, 120, 7200, 3 * 86400)] == [
        "0 seconds", "119 seconds", "2 minutes", "2 hours", "3 days",
    ]  # fmt: skip
