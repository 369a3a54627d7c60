"""What open files hold."""

from __future__ import annotations

from dataworkspaces.filetree.hashing import Tell, tell_nobody, threaded_blake3
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.read_ahead import read_parts


def hash_open_file(fd: int, tell: Tell = tell_nobody) -> ObjectId:
    """The name of what an open file holds."""
    digest = threaded_blake3()
    size = 0
    for part in read_parts(fd):
        digest.update(part)
        size += len(part)
        tell(len(part))
    return ObjectId(size, digest.digest())
