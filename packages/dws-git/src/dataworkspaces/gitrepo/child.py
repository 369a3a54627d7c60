"""A process of git whose end is told by the kernel.

Python's own ``wait`` with a timeout looks again and again, with pauses that grow: a millisecond or two for each git."""

from __future__ import annotations

import os
import select
import subprocess


class Child(subprocess.Popen[bytes]):
    def wait(self, timeout: float | None = None) -> int:
        if timeout is not None and self.returncode is None and _has_waited(self.pid, timeout):
            timeout = 0  # it has ended, and can be fetched; or its time is over
        return super().wait(timeout)


def _has_waited(pid: int, seconds: float) -> bool:
    """Wait until a child has ended, at most so long; False, and at once, where the kernel cannot tell."""
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):  # no Linux, or an old one; or nothing is left of it to be waited for
        return False
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        ended.poll(seconds * 1000)
        return True
    finally:
        os.close(descriptor)
