"""Stores of several users, in the way of git's ``core.sharedRepository``.

A directory is shared if its group may write to it and what is made in it gets its group (``chmod g+ws``). So is each
directory that is made in one, whatever the umask says, and files that are made there can be touched by the group, which
says that they are needed again.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from dataworkspaces.durability import flush_directories

__all__ = ["is_shared", "make_directory", "sealed_mode", "share", "share_file"]

_DIRECTORY_BITS = stat.S_ISGID | stat.S_IRWXG
_FILE_BITS = stat.S_IRGRP | stat.S_IWGRP
_SEALED = 0o444


def is_shared(directory: Path) -> bool:
    try:
        mode = directory.stat().st_mode
    except OSError:
        return False
    return bool(mode & stat.S_ISGID) and bool(mode & stat.S_IWGRP)


def sealed_mode(directory: Path) -> int:
    """The mode of a file in a directory that nobody is to write to."""
    return _SEALED | _FILE_BITS if is_shared(directory) else _SEALED


def make_directory(path: Path) -> None:
    """Make a directory, and those above it, as they have to be there, with their names on disk. Idempotent."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    shared = is_shared(path)
    for each in reversed(missing):
        if shared:
            _make_shared(each)
        else:
            each.mkdir(exist_ok=True)
    flush_directories(each.parent for each in reversed(missing))


def _make_shared(path: Path) -> None:
    """It gets its name once it is shared: whoever sees it may put something into it at once."""
    new = path.with_name(f".{path.name}-{os.urandom(4).hex()}")
    new.mkdir()
    _add_bits(new, _DIRECTORY_BITS)
    try:
        new.rename(path)
    except OSError:
        new.rmdir()
        if not path.is_dir():  # if it is, another process was faster, and has put something into it
            raise


def share_file(path: Path, root: Path) -> None:
    """A file that has just been written below a root is its group's too, if the root is shared."""
    if is_shared(root):
        _add_bits(path, _FILE_BITS)


def share(root: Path) -> None:
    """Make a directory and all in it shared, as far as it belongs to this user. Idempotent."""
    make_directory(root)
    for directory, _, files in os.walk(root):
        _add_bits(Path(directory), _DIRECTORY_BITS)
        for name in files:
            _add_bits(Path(directory, name), _FILE_BITS)


def _add_bits(path: Path, bits: int) -> None:
    with suppress(PermissionError, FileNotFoundError):  # it is somebody else's, who has to do so, or has gone
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode | bits != mode:
            path.chmod(mode | bits)
