"""Whether a process of this machine is alive, told apart from a later one of the same number."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from dataworkspaces.durability import boot_id

__all__ = ["is_alive", "process_exists", "process_namespace", "start_time"]


def process_exists(pid: int) -> bool:
    """A process of another user counts, too."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def start_time(pid: int) -> str | None:
    """When a process started, in the system's own units; None if it is gone, or the system does not tell."""
    with suppress(OSError, IndexError):
        # The name, in parentheses, may hold anything.
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    return None


@cache
def process_namespace() -> str | None:
    """Within which numbers of processes mean something: each container has its own. None where there is no such."""
    with suppress(OSError):
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    return None


def is_alive(pid: int, started: str | None, boot: str | None) -> bool:
    """Whether the process that noted these of itself still runs. What nobody noted, or tells, does not count."""
    if boot is not None and (now := boot_id()) is not None and now != boot:
        return False
    if not process_exists(pid):
        return False
    return started is None or (found := start_time(pid)) is None or found == started
