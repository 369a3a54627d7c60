"""What open files hold."""

from __future__ import annotations

import os

from dataworkspaces.filetree.hashing import Tell, tell_nobody, threaded_blake3
from dataworkspaces.filetree.objects.ids import ObjectId

_BUFFER_BYTES = 4 << 20


def hash_open_file(fd: int, tell: Tell = tell_nobody) -> ObjectId:
    """The name of what an open file holds."""
    digest = threaded_blake3()
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    size = 0
    while count := os.preadv(fd, [buffer], size):
        digest.update(buffer[:count])
        size += count
        tell(count)
    return ObjectId(size, digest.digest())
