"""The lock of a workspace: one command at a time changes it.

The lock is a file that is created exclusively, which works on every file system (NFS among them) without a lock
daemon. It names its process and host; if that process has ended without removing it, the next command takes over.
Where nobody can tell that from here, :mod:`~dataworkspaces.toolbox.lock_holder` says what is known of it.

A lock that is free is taken here, in the form that filelock knows. To wait for one is filelock's, which a command that
need not wait does not import: that would take longer than all that some commands do.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from dataworkspaces.errors import ConfigurationError, LockedError, kind_of_os_error
from dataworkspaces.toolbox.heartbeat import time_beside
from dataworkspaces.toolbox.lock_holder import (
    LOCK_FILE,
    describe_holder,
    host_in_lock,
    is_held,
    is_here,
    noting_holder,
    process_in,
    read_facts,
)
from dataworkspaces.toolbox.logs import log
from dataworkspaces.toolbox.regular import read_regular

__all__ = ["HeldByAnother", "Lock", "acquire", "hold_lock"]

WAIT_SECONDS = 5.0
"""How long a command waits for another to finish; the environment variable ``DWS_LOCK_TIMEOUT`` overrides it."""
_EMPTY_SECONDS = 2.0
_LEFT: dict[Path, int] = {}
"""Lock files that this process has released, and could not remove since the disk did not answer, with their inodes.
Such a process may live for long, as those of notebooks do, and must not wait for itself."""


class Lock(Protocol):
    """One that this process holds."""

    def release(self) -> None: ...


class HeldByAnother(LockedError):
    """A lock did not become free in time."""

    def __init__(self, path: Path) -> None:
        super().__init__(describe_holder(path), hint="'dws unlock' removes a stale lock")


@contextmanager
def hold_lock(directory: Path, command: str, timeout: float | None = None) -> Iterator[None]:
    """Hold the lock in ``directory``; raises LockedError, naming the holder, after ``timeout`` seconds."""
    path = directory / LOCK_FILE
    seconds = _wait_seconds() if timeout is None else timeout
    try:
        directory.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        lock = acquire(path, seconds)
    except HeldByAnother as e:
        raise LockedError(
            e.message, hint="Wait for it to finish and try again. 'dws unlock' removes a stale lock"
        ) from None
    except OSError as e:
        raise kind_of_os_error(e)(
            f"The workspace cannot be changed: {path}: {e.strerror or e}",
            hint="Check whether the disk is full or read-only",
        ) from e
    log.debug("locked %s for %s after %.2f s", path, command, time.monotonic() - start)
    try:
        with noting_holder(path, command):
            yield
    finally:
        lock.release()


def acquire(path: Path, seconds: float) -> Lock:
    """Acquire the lock file ``path`` within ``seconds``; raises HeldByAnother, OSError.

    The locks of dead processes are taken over."""
    return _take_free(path) or _wait_for(path, seconds)


def _take_free(path: Path) -> Lock | None:
    """None if somebody holds it, or has left it."""
    host = host_in_lock()
    if host is None:
        return None
    _remove_own(path)
    try:
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        return None
    content = f"{os.getpid()}\n{host}\n"
    try:
        os.write(fd, content.encode("utf-8"))
        inode = os.fstat(fd).st_ino
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)
    return _Taken(path, content, inode)


def _remove_own(path: Path) -> None:
    """Remove a lock file that this process has left."""
    inode = _LEFT.pop(path, None)
    if inode is None:
        return
    try:
        if path.stat().st_ino == inode:
            path.unlink()
    except FileNotFoundError:
        return
    except OSError:
        _LEFT[path] = inode


class _Taken:
    def __init__(self, path: Path, content: str, inode: int) -> None:
        self._path = path
        self._content = content
        self._inode = inode
        self._owner = os.getpid()

    def release(self) -> None:
        """May be called twice. A copy of the process, made by fork, holds nothing."""
        if self._owner != os.getpid():
            return
        self._owner = 0
        try:
            if read_regular(self._path).decode("utf-8") == self._content:  # else somebody has removed it
                self._path.unlink()
        except (FileNotFoundError, UnicodeDecodeError):
            return
        except OSError:
            _LEFT[self._path] = self._inode

    def __del__(self) -> None:
        try:
            self.release()
        except Exception:
            return  # Python is about to end, and not much of it works: the next command takes it over


class _Waited:
    """One that filelock holds. Not all of its releases say that they could not remove it."""

    def __init__(self, path: Path, lock: Lock) -> None:
        self._path = path
        self._lock = lock
        self._owner = os.getpid()

    def release(self) -> None:
        before = self._look() if self._owner == os.getpid() else None
        with suppress(OSError):
            self._lock.release()
        if before is not None and self._look() == before:
            _LEFT[self._path] = before[0]

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_ctime_ns


def _wait_for(path: Path, seconds: float) -> Lock:
    """Locks that are still empty, since their process was killed right after it made them, filelock does not take: an
    old release wrote nothing into its locks. Of others it may not know that they are of this host."""
    from filelock import SoftFileLock, Timeout

    lock = SoftFileLock(path)
    deadline = time.monotonic() + seconds
    is_first = True
    while True:
        _remove_if_empty(path)
        _remove_if_left(path)
        left = max(0.0, deadline - time.monotonic())
        try:
            lock.acquire(timeout=min(left, _EMPTY_SECONDS), poll_interval=0.02)
            return _Waited(path, lock)
        except Timeout:
            # Some releases of filelock remove the lock of a dead process at one try, and take it at the next.
            if left <= _EMPTY_SECONDS and not _remove_if_empty(path) and not is_first:
                raise HeldByAnother(path) from None
        is_first = False


def _remove_if_empty(path: Path) -> bool:
    """Remove a lock file that has been empty for longer than any living process takes to write into it."""
    try:
        found = path.stat()
    except OSError:
        return False
    if found.st_size > 0:
        return False
    now = time_beside(path)
    if now is None or now - found.st_mtime < _EMPTY_SECONDS:
        return False
    aside = path.with_name(f"{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        path.rename(aside)
        if aside.stat().st_ino != found.st_ino:
            aside.rename(path)  # another process was faster, and this is its lock
            return False
        log.info("removed %s, which a killed process left", path)
        return True
    except OSError:
        return False
    finally:
        aside.unlink(missing_ok=True)


def _remove_if_left(path: Path) -> None:
    """Remove the lock of a process of this host that is gone, though its number may be in use again, or of before the
    machine started."""
    try:
        content = read_regular(path).decode("utf-8")
    except (OSError, ValueError):
        return
    pid, host = process_in(content)
    if not pid or not is_here(host, read_facts(path, pid)):
        return
    if is_held(path, int(pid)):
        return
    aside = path.with_name(f"{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        path.rename(aside)
        if read_regular(aside).decode("utf-8") != content:
            aside.rename(path)  # another process was faster, and this is its lock
            return
        log.info("removed %s of process %s, which is gone", path, pid)
    except (OSError, ValueError):
        return
    finally:
        aside.unlink(missing_ok=True)


def _wait_seconds() -> float:
    text = os.environ.get("DWS_LOCK_TIMEOUT", "")
    try:
        return float(text) if text else WAIT_SECONDS
    except ValueError:
        raise ConfigurationError(f"DWS_LOCK_TIMEOUT is '{text}', which is not a number of seconds") from None
