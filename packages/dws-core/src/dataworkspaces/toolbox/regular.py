"""Reading files that should be regular ones, of which somebody may have made something else."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_regular(path: Path) -> bytes:
    """What a file holds. Raises OSError for a named pipe, at whose other end nobody may be, a socket or a device."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "It is no regular file", str(path))
        return file.read()
