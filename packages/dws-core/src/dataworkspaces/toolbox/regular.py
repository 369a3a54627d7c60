"""Files that should be regular ones, of which somebody may have made something else: reading one, and whether it is
there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from dataworkspaces.errors import UnavailableError

__all__ = ["is_present", "read_regular", "status_if_any"]


_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


def status_if_any(path: Path | str, *, follow_links: bool = True) -> os.stat_result | None:
    """Of what lies at a path; None if nothing does, or can. Raises UnavailableError if that cannot be told, which
    ``os.path.exists``, its siblings and, since Python 3.14, those of :class:`pathlib.Path` take for a no: whoever
    deletes, creates or reports by their answer does harm."""
    try:
        return os.stat(path, follow_symlinks=follow_links)  # noqa: PTH116 - of text as well
    except OSError as e:
        if e.errno in _NOTHING:
            return None
        raise UnavailableError(f"{path} cannot be looked at: {e.strerror or e}") from e
    except ValueError:  # a name with a null character
        return None


def is_present(path: Path | str) -> bool:
    """Whether anything lies at a path, if only a link that leads nowhere; raises as :func:`status_if_any`."""
    return status_if_any(path, follow_links=False) is not None


LARGEST = 2 << 30
"""Bytes that any file of ours may have, with much to spare."""

_AT_ONCE = 1 << 20


def read_regular(path: Path | str, most: int = LARGEST) -> bytes:
    """What a file holds. Raises OSError for a named pipe, at whose other end nobody may be, a socket or a device, and
    for a file of more than ``most`` bytes."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        told = os.fstat(fd)
        if not stat.S_ISREG(told.st_mode):
            raise OSError(errno.EINVAL, "It is not a regular file", str(path))
        if told.st_size > most:
            raise OSError(errno.EFBIG, f"It has more than {most:,} bytes", str(path))
        content = os.read(fd, told.st_size + 1)
        while more := os.read(fd, _AT_ONCE):
            content += more
        return content
    finally:
        os.close(fd)
