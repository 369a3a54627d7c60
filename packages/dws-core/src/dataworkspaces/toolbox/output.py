"""The place that a user names for what a command writes: a file, a pipe, a device, or stdout."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dataworkspaces.errors import ConfigurationError, StorageError
from dataworkspaces.toolbox.atomic import explain_os_error, write_bytes
from dataworkspaces.toolbox.regular import status_if_any

__all__ = ["names_stdout", "write_output"]

_STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def names_stdout(place: str) -> bool:
    """Whether what is written there is to be printed: a file that stdout leads to must not be replaced."""
    return place in _STDOUT


def write_output(path: Path, content: bytes) -> None:
    """Replace a file by one with this content, or leave it as it is; a link to it stays one. Directories above it are
    made. A pipe or a device gets the content.

    Raises ConfigurationError, of the kind that fits, if that cannot be done."""
    try:
        there, target = status_if_any(path), Path(os.path.realpath(path))
        if there is None:
            write_bytes(target, content)
        elif stat.S_ISDIR(there.st_mode):
            raise ConfigurationError(f"{path} is a directory", hint="Name a file")
        elif not stat.S_ISREG(there.st_mode):
            path.write_bytes(content)  # its resolved name may be none: pipe:[1234]
        elif os.access(path, os.W_OK):
            write_bytes(target, content)
        else:
            raise StorageError(f"You may not write to {path}", hint="Check the permissions")
    except OSError as e:
        raise explain_os_error(e, f"Writing {path}") from e
