"""A process of git whose end is told by the kernel.

Python's own ``wait`` with a timeout looks again and again, with pauses that grow: a millisecond or two for each git."""

from __future__ import annotations

import os
import select
import subprocess


class Child(subprocess.Popen[bytes]):
    def wait(self, timeout: float | None = None) -> int:
        if timeout is not None and self.returncode is None and _ends_within(self.pid, timeout):
            timeout = None  # it is there to be fetched
        return super().wait(timeout)


def _ends_within(pid: int, seconds: float) -> bool:
    """Whether a child has ended, or does so in time; False also where the kernel does not tell."""
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):  # no Linux, or an old one; or nothing is left of it to be waited for
        return False
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        return bool(ended.poll(seconds * 1000))
    finally:
        os.close(descriptor)
