"""Which files may be written to through memory (``numpy.memmap``), which leaves their times as they are.

The kernel changes a file's times when a page of it is first written to; further writes to that page are seen by readers
at once, and change no times before the page has been written to the disk, up to half a minute later. A file system that
has no disk (tmpfs) changes none at all.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, NamedTuple

WRITEBACK_NS = 40_000_000_000
"""Longer than what is changed in memory waits for being written."""
_KEPT_NS = 5_000_000_000
_QUERY = struct.Struct("=9Q4I2Q")
"""The kernel's `procmap_query`: its size, what is asked, from which address on, and, as answers, start and end, flags,
size of pages, offset, inode, …"""
_PROCMAP_QUERY = 3 << 30 | _QUERY.size << 16 | ord("f") << 8 | 17
_WRITABLE_SHARED_FILES = 0x02 | 0x08 | 0x10 | 0x20
"""Asks for the next mapping that is writable, shared, and of a file."""
_CANNOT_BE_ASKED = (errno.ENOTTY, errno.EINVAL, errno.ENOSYS)
"""By a kernel before Linux 6.11, or where a sandbox stands before the kernel."""


class Mapped(NamedTuple):
    """:ivar inodes: of files that processes of this user have mapped to write to.
    :ivar since_ns: nothing is known of what was mapped and written to later (nanoseconds since 1970)."""

    inodes: frozenset[int]
    since_ns: int


NOTHING_MAPPED = Mapped(frozenset(), 1 << 63)
_others = Mapped(frozenset(), 0)


def mapped_files(at_least_ns: int = 0) -> Mapped:
    """Those of this process as they are now, those of others as of the last seconds, or of a time, if that is later.
    Where the system does not tell, anything may be mapped that has been written to lately."""
    global _others
    now = time.time_ns()
    own: set[int] = set()
    try:
        _add(own, "self")
        if not max(at_least_ns, now - _KEPT_NS) <= _others.since_ns <= now:
            _others = Mapped(_of_others(), now)
    except OSError:
        return Mapped(frozenset(), now - WRITEBACK_NS)
    return Mapped(_others.inodes | own, _others.since_ns)


def tells_all_writes(device: int) -> bool:
    """Whether a write through memory to a page that is on the disk changes a file's times: file systems on a disk of
    their own do so. Of others (tmpfs, those of networks and containers) it is not known."""
    return os.major(device) != 0


def _of_others() -> frozenset[int]:
    found: set[int] = set()
    own, me = os.getpid(), os.geteuid()
    with os.scandir("/proc") as processes:
        for process in processes:
            if process.name.isdigit() and int(process.name) != own:
                with suppress(OSError):  # it has ended, or is somebody else's
                    if me == 0 or process.stat().st_uid == me:
                        _add(found, process.name)
    return frozenset(found)


def _add(found: set[int], process: str) -> None:
    with open(f"/proc/{process}/maps", "rb") as file:  # noqa: PTH123
        try:
            found.update(_asked(file))
        except OSError as e:
            if e.errno not in _CANNOT_BE_ASKED:
                raise
            found.update(_listed(file.read()))


def _asked(file: IO[bytes]) -> Iterator[int]:
    """The inodes, asked for one by one (PROCMAP_QUERY): nearly all processes have none, and hundreds of other mappings,
    each of which it would take the kernel longer to describe than all of this."""
    address = 0
    while True:
        query = bytearray(_QUERY.pack(_QUERY.size, _WRITABLE_SHARED_FILES, address, *[0] * 12))
        try:
            fcntl.ioctl(file, _PROCMAP_QUERY, query)
        except OSError as e:
            if e.errno in (errno.ENOENT, errno.ESRCH):  # there is no further one; the process has no memory any more
                return
            raise
        fields = _QUERY.unpack(query)
        address = fields[4]
        yield fields[8]


def _listed(text: bytes) -> Iterator[int]:
    """The inodes, from the list of all that a process has mapped."""
    if b" rw-s " in text or b" -w-s " in text or b" rwxs " in text:
        for line in text.split(b"\n"):
            fields = line.split(None, 5)
            if len(fields) == 6 and fields[1][1:2] == b"w" and fields[1][3:4] == b"s" and fields[4].isdigit():
                yield int(fields[4])
