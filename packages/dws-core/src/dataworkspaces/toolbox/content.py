"""What lies at a place, as one text: the same for the same content.

A directory is told by a list, with a line for each entry in the order of the names' bytes: ``HASH TAB KIND TAB NAME``,
where the hash is SHA-1 of a file (``blob``), of the list of a directory (``tree``), of the target of a link (``link``).
A file is told by a list with it alone. Release 1.6 told versions of local files so.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dataworkspaces.errors import ConfigurationError

__all__ = ["CHEAP_BYTES", "CHEAP_FILES", "Skip", "content_of"]

Skip = Callable[[str], bool]
"""Told the path of a file, a link or a directory, relative to the place: whether it is left out."""

CHEAP_BYTES = 64 << 20
CHEAP_FILES = 10_000
"""Who only looks reads the content of no more than this."""

_BUFFER_BYTES = 1 << 20
_OPEN_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # no waiting for the other end of a pipe
_ESCAPES = {b"\\": b"\\\\", b"\t": b"\\t", b"\n": b"\\n"}


@dataclass
class _Directory:
    """What lies directly in a directory, by name. ``path`` is relative to the place, and "" for itself."""

    path: str
    files: dict[str, os.stat_result] = field(default_factory=dict)
    links: dict[str, bytes] = field(default_factory=dict)
    directories: list[str] = field(default_factory=list)

    def path_of(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name


def content_of(place: Path, skip: Skip | None = None) -> str | None:
    """``sha1:HASH`` of a file or directory; ``size-and-time:HASH``, which says nothing on another machine, where
    reading takes long. None if nothing is there.

    Raises OSError, and ConfigurationError for what is not a file, directory or link. Links are not followed, except for
    the place itself; what is deleted meanwhile is left out."""
    if place.is_dir():
        root, listed = place, _list(place, skip)
    elif place.is_file():
        root, listed = place.parent, [_Directory("", {place.name: place.stat()})]
    else:
        return None
    sizes = [status.st_size for directory in listed for status in directory.files.values()]
    if sum(sizes) <= CHEAP_BYTES and len(sizes) <= CHEAP_FILES:
        return f"sha1:{_name(root, listed, is_read=True)}"
    return f"size-and-time:{_name(root, listed, is_read=False)}"


def _list(root: Path, skip: Skip | None) -> list[_Directory]:
    """A directory stands before those in it."""
    found: list[_Directory] = []
    pending: list[tuple[str, _Directory | None]] = [("", None)]
    while pending:
        path, parent = pending.pop()
        directory = _Directory(path)
        try:
            with os.scandir(root / path) as entries:
                for entry in entries:
                    if skip is None or not skip(directory.path_of(entry.name)):
                        _record(entry, directory)
        except FileNotFoundError:  # deleted since its parent was listed
            if parent is None:
                raise
            parent.directories.remove(path.rpartition("/")[2])
            continue
        found.append(directory)
        pending.extend((directory.path_of(name), directory) for name in directory.directories)
    return found


def _record(entry: os.DirEntry[str], directory: _Directory) -> None:
    with suppress(FileNotFoundError):  # deleted since the directory was listed
        if entry.is_symlink():
            directory.links[entry.name] = os.fsencode(Path(entry.path).readlink())
        elif entry.is_dir():
            directory.directories.append(entry.name)
        elif entry.is_file():
            directory.files[entry.name] = entry.stat()
        else:
            raise ConfigurationError(f"{entry.path} is neither a file nor a directory: it cannot be recorded")


def _name(root: Path, listed: list[_Directory], *, is_read: bool) -> str:
    names: dict[str, str] = {}
    for directory in reversed(listed):  # those in it before a directory
        lines = [(os.fsencode(name), _sha1(target), "link") for name, target in directory.links.items()]
        lines += [(os.fsencode(name), names[directory.path_of(name)], "tree") for name in directory.directories]
        for name, status in directory.files.items():
            value = f"{status.st_size}:{status.st_mtime_ns}"
            if not is_read or (value := _hash(root / directory.path_of(name))):
                lines.append((os.fsencode(name), value, "blob"))
        text = b"".join(f"{value}\t{kind}\t".encode() + _quoted(name) + b"\n" for name, value, kind in sorted(lines))
        names[directory.path] = _sha1(text)
    return names[""]


def _hash(path: Path) -> str:
    """Of what a file holds; empty if it has been deleted."""
    try:
        fd = os.open(path, _OPEN_FLAGS)
    except FileNotFoundError:
        return ""
    with os.fdopen(fd, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ConfigurationError(f"{path} is no longer a regular file")
        digest = hashlib.sha1(usedforsecurity=False)
        while chunk := file.read(_BUFFER_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _quoted(name: bytes) -> bytes:
    """A name with what separates the columns, or that looks quoted, between quotes."""
    looks_quoted = len(name) >= 2 and name[:1] == name[-1:] == b'"'
    if b"\t" not in name and b"\n" not in name and not looks_quoted:
        return name
    return b'"' + re.sub(rb"[\\\t\n]", lambda match: _ESCAPES[match.group()], name) + b'"'
