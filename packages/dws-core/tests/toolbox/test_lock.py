"""The lock that is taken when it is free, and filelock, understand each other."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import SoftFileLock, Timeout

from dataworkspaces.errors import LockedError
from dataworkspaces.toolbox import lock_holder
from dataworkspaces.toolbox.lock import HeldByAnother, acquire


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def ended() -> int:
    """The number of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_filelock_waits_for_it(path: Path) -> None:
    held = acquire(path, 0.0)
    with pytest.raises(Timeout):
        SoftFileLock(path).acquire(timeout=0.1)
    held.release()
    with SoftFileLock(path).acquire(timeout=0.1):
        assert path.exists()


def test_it_waits_for_filelock(path: Path) -> None:
    with SoftFileLock(path), pytest.raises(LockedError):
        acquire(path, 0.1)
    acquire(path, 0.0).release()
    assert not path.exists()


def test_it_says_who_holds_it_and_takes_it_when_it_becomes_free(path: Path) -> None:
    held = acquire(path, 0.0)
    with pytest.raises(HeldByAnother, match=f"process {os.getpid()} on host"):
        acquire(path, 0.0)
    threading.Timer(0.2, held.release).start()
    acquire(path, 10.0).release()


def test_filelock_knows_its_host(path: Path) -> None:
    held = acquire(path, 0.0)
    with SoftFileLock(path.with_name("other")):
        theirs = path.with_name("other").read_text("utf-8").splitlines()
    assert path.read_text("utf-8").splitlines() == theirs[:2]
    held.release()


@pytest.mark.parametrize("host", [socket.gethostname(), lock_holder.host_in_lock()])
def test_that_of_a_dead_process_is_taken_over(path: Path, host: str) -> None:
    path.write_text(f"{ended()}\n{host}\n", "utf-8")
    acquire(path, 0.0).release()
    assert not path.exists()


def test_that_of_another_host_is_not(path: Path) -> None:
    path.write_text(f"{ended()}\nsomewhere-else\n", "utf-8")
    with pytest.raises(HeldByAnother):
        acquire(path, 0.0)
    assert path.exists()


def test_a_copy_of_the_process_does_not_release_it(path: Path) -> None:
    held = acquire(path, 0.0)
    pid = os.fork()
    if pid == 0:
        held.release()
        os._exit(0)
    os.waitpid(pid, 0)
    assert path.exists()
    held.release()
    assert not path.exists()


def test_one_that_was_removed_by_hand_and_taken_by_another_stays(path: Path) -> None:
    held = acquire(path, 0.0)
    path.write_text("1\nsomewhere-else\n", "utf-8")
    held.release()
    assert path.exists()


def test_it_goes_with_who_holds_it(path: Path) -> None:
    held = acquire(path, 0.0)
    del held
    assert not path.exists()


def test_a_host_of_another_name_leaves_it_to_filelock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_holder.os, "uname", lambda: os.uname_result(("", "häuschen", "", "", "")))
    assert lock_holder.host_in_lock() is None
    acquire(path, 0.0).release()
    assert not path.exists()


def test_nothing_is_left_where_it_cannot_be_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        acquire(path, 0.0)
    assert not path.exists()


@pytest.mark.slow
def test_many_processes_hold_it_one_after_the_other(tmp_path: Path) -> None:
    """Each adds one to a number, which is lost if two do so at once."""
    number = tmp_path / "number"
    number.write_text("0", "utf-8")
    script = (
        "import sys; from pathlib import Path; from dataworkspaces.toolbox.lock import acquire\n"
        "lock, number = map(Path, sys.argv[1:])\n"
        "for _ in range(25):\n"
        "    held = acquire(lock, 60.0)\n"
        "    number.write_text(str(int(number.read_text()) + 1))\n"
        "    held.release()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "lock"), str(number)]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert number.read_text("utf-8") == "75"


def break_storage(patch: pytest.MonkeyPatch, call: str) -> None:
    """Let a call of the system fail, for pathlib, too: on Python 3.10 that holds what it calls from its import on."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "The storage does not answer")

    patch.setattr(os, call, fail)
    if call == "unlink":
        patch.setattr(Path, call, fail)


@pytest.mark.parametrize("waits", [False, True], ids=["free", "waited for"])
@pytest.mark.parametrize("broken", ["unlink", "open"])
def test_a_lock_that_could_not_be_removed_is_removed_later(
    path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, waits: bool
) -> None:
    """By the process that has left it, which may live for long, and would wait for itself."""
    if waits:
        path.write_text(f"{ended()}\n{lock_holder.host_in_lock()}\n")
    held = acquire(path, 5.0)

    with monkeypatch.context() as while_broken:
        break_storage(while_broken, broken)
        held.release()
        is_left = path.exists()
        assert is_left or broken != "unlink"
        if is_left:
            with pytest.raises((HeldByAnother, OSError)):
                acquire(path, 0.0)
    acquire(path, 0.0).release()
    assert not path.exists()


def test_a_lock_that_was_left_and_that_somebody_else_holds_now_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = acquire(path, 0.0)

    with monkeypatch.context() as while_broken:
        break_storage(while_broken, "unlink")
        held.release()
    path.rename(path.with_name("aside"))  # so that its inode is not used again
    path.write_text(f"{os.getppid()}\n{lock_holder.host_in_lock()}\n")
    with pytest.raises(HeldByAnother):
        acquire(path, 0.0)
