"""Signs of life: a process that holds a lock renews the time of a file, for those who cannot look at the process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["SILENT_SECONDS", "beating", "in_words", "seconds_since", "time_beside"]

BEAT_SECONDS = 10.0
SILENT_SECONDS = 300.0
"""After so long without a sign a process is probably gone; or its machine sleeps, so only a person decides."""


@contextmanager
def beating(path: Path, seconds: float = BEAT_SECONDS) -> Iterator[None]:
    """Renew the time of a file every so many seconds, whatever else this process does."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(seconds):
            with suppress(OSError):
                os.utime(path)

    thread = threading.Thread(target=beat, name="dws-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def seconds_since(path: Path) -> float | None:
    """How long ago a file changed, by the clock of its own file system where that can be asked; None if it is gone."""
    now = time_beside(path)
    if now is None:
        now = time.time()  # whoever may only read has a clock of their own
    try:
        return max(0.0, now - path.stat().st_mtime)
    except OSError:
        return None


def time_beside(path: Path) -> float | None:
    """What the clock says that writes the times of a file, on a server perhaps; None if it cannot be asked."""
    aside = path.with_name(f"{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        aside.touch()
        return aside.stat().st_mtime
    except OSError:
        return None
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def in_words(seconds: float) -> str:
    """A time that has passed: one number, and its unit."""
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
