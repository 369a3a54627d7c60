"""The lock of a workspace on a full disk, for what makes room: an empty file, which needs none.

Other commands take over an empty lock that is two seconds old, since its process was killed before it could sign it. So
this one is kept young.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dataworkspaces.errors import LockedError
from dataworkspaces.toolbox.heartbeat import beating
from dataworkspaces.toolbox.lock_holder import LOCK_FILE, describe_lock

__all__ = ["hold_empty_lock"]

_BEAT_SECONDS = 0.4
_WAIT_SECONDS = 5.0


@contextmanager
def hold_empty_lock(directory: Path) -> Iterator[None]:
    """Hold the lock in ``directory``, which is there; raises LockedError, naming the holder, after some seconds."""
    path = directory / LOCK_FILE
    _take(path, time.monotonic() + _WAIT_SECONDS)
    try:
        with beating(path, _BEAT_SECONDS):
            yield
    finally:
        path.unlink(missing_ok=True)


def _take(path: Path, deadline: float) -> None:
    while True:
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
            return
        except FileExistsError:
            holder = describe_lock(path.parent)
        if holder is not None and not holder.is_alive and _is_old(path):
            path.unlink(missing_ok=True)  # there is no space to look at it more carefully, as others do
        elif time.monotonic() > deadline:
            told = "another process is changing it" if holder is None else holder.text
            raise LockedError(told, hint="Wait for it to finish and try again")
        else:
            time.sleep(0.05)


def _is_old(path: Path) -> bool:
    with suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime > 2 * _WAIT_SECONDS
    return False
