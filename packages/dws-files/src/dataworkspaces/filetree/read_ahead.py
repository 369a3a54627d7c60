"""Reading large files: the next part is read while somebody works on this one.

Not memory-mapped: a file that is cut off while it is read would end the process.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator

_PART_BYTES = 2 << 20
_ENOUGH_BYTES = 8 << 20
_PARTS = 3


def read_parts(fd: int) -> Iterator[memoryview]:
    """What an open file holds, from its start; each part is overwritten once the next one has been asked for."""
    if os.fstat(fd).st_size >= _ENOUGH_BYTES:
        yield from _read_ahead(fd)
        return
    part, done = memoryview(bytearray(_PART_BYTES)), 0
    while count := os.preadv(fd, [part], done):
        done += count
        yield part[:count]


def _read_ahead(fd: int) -> Iterator[memoryview]:
    from concurrent.futures import Future, ThreadPoolExecutor

    done = 0

    def read(part: memoryview) -> int:
        nonlocal done
        count = os.preadv(fd, [part], done)
        done += count
        return count

    with ThreadPoolExecutor(1) as thread:
        reading: deque[tuple[memoryview, Future[int]]] = deque()
        for part in [memoryview(bytearray(_PART_BYTES)) for _ in range(_PARTS)]:
            reading.append((part, thread.submit(read, part)))
        while count := reading[0][1].result():
            part, _ = reading.popleft()
            yield part[:count]
            reading.append((part, thread.submit(read, part)))
