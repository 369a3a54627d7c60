"""Listing a tree of files: each directory is read once, and each file has one ``stat``."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.filetree.ignore import IGNORE_FILE, IgnoreRules

Skip = Callable[[str], bool]
"""Told the path of a file, a link or a directory, relative to the root: whether it is left out."""

_SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_SHOWN_PROBLEMS = 5
_PACKED = struct.Struct("=QqqQ?")


class ScannedFile(NamedTuple):
    """A regular file. Sizes are in bytes, times in nanoseconds since 1970."""

    name: str
    size: int
    mtime_ns: int
    ctime_ns: int = 0
    inode: int = 0
    is_executable: bool = False

    def packed(self) -> bytes:
        """All but the name, in little memory: of a million files at once."""
        return _PACKED.pack(*self[1:])


def packed_status(status: os.stat_result) -> bytes:
    """As :meth:`ScannedFile.packed`, of a file that need not be scanned."""
    return _PACKED.pack(
        status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, bool(status.st_mode & stat.S_IXUSR)
    )


class ScannedLink(NamedTuple):
    name: str
    target: bytes


@dataclass
class ScannedDirectory:
    """What lies directly in a directory, by name. ``path`` is relative to the root, which is ``""``."""

    path: str
    files: list[ScannedFile] = field(default_factory=list)
    links: list[ScannedLink] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)

    def path_of(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name


@dataclass(frozen=True)
class Scan:
    """What lies below ``root``; a directory stands before those in it.

    :ivar in_part: the directories of which only what leads to the places is listed that were asked for; None if all
        that lies below ``root`` is."""

    root: Path
    directories: list[ScannedDirectory]
    in_part: frozenset[str] | None = None

    def files(self) -> Iterator[tuple[str, ScannedFile]]:
        """The files with their paths, relative to the root, in the order of the directories."""
        for directory in self.directories:
            for file in directory.files:
                yield directory.path_of(file.name), file

    @property
    def file_count(self) -> int:
        return sum(len(directory.files) for directory in self.directories)

    @cached_property
    def total_size(self) -> int:
        """The bytes in all files, as they were when they were first asked for: a bar moves to that."""
        return sum(file.size for directory in self.directories for file in directory.files)


def scan(root: Path, skip: Skip | None = None, only: Collection[str] | None = None) -> Scan:
    """List all that lies below ``root`` and that no ``.dwsignore`` leaves out; with ``only`` what lies at these places
    and in them. Symbolic links are never followed (``root`` itself may be one). What is deleted meanwhile is left out.

    Raises ConfigurationError, which names them, if there are entries that are no files, directories or links,
    or directories that cannot be read."""
    problems = Problems(root)
    ignore = IgnoreRules()
    directories: list[ScannedDirectory] = []
    pending: list[tuple[str, ScannedDirectory | None]] = [("", None)]
    prefix = os.fspath(root)
    in_part, leading = (frozenset[str](), frozenset[str]()) if only is None else _ways_to(only)

    def is_left_out(directory: ScannedDirectory, entry: os.DirEntry[str]) -> bool:
        path = directory.path_of(entry.name)
        if (directory.path in in_part and path not in leading) or (skip is not None and skip(path)):
            return True
        return bool(ignore) and ignore.leaves_out(path, entry.is_dir(follow_symlinks=False))

    while pending:
        path, parent = pending.pop()
        directory = ScannedDirectory(path)
        try:
            fd, entries = _list(f"{prefix}/{path}")
        except OSError as e:
            if isinstance(e, FileNotFoundError) and parent is not None:  # deleted since its parent was listed
                parent.directories.remove(path.rpartition("/")[2])
            else:
                problems.add(path, e)
            continue
        directories.append(directory)
        try:
            if IGNORE_FILE in [entry.name for entry in entries]:
                ignore.read(root, path)
            if skip is not None or ignore or path in in_part:
                entries = [e for e in entries if not is_left_out(directory, e)]
            _record(entries, fd, directory, problems)
        finally:
            os.close(fd)
        directory.files.sort()
        directory.links.sort()
        directory.directories.sort()
        pending.extend((directory.path_of(name), directory) for name in directory.directories)
    problems.check()
    return Scan(root, directories, None if only is None else in_part)


def _ways_to(places: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The directories on the way to places, and these together with the places."""
    if "" in places:
        return frozenset(), frozenset()
    ways = {place: ["", *(place[:at] for at, char in enumerate(place) if char == "/")] for place in places}
    outermost = {place for place, above in ways.items() if not any(directory in ways for directory in above)}
    in_part = {""}.union(*(ways[place] for place in outermost))
    return frozenset(in_part), frozenset(in_part | outermost)


def _list(directory: str) -> tuple[int, list[os.DirEntry[str]]]:
    """An open directory, which the caller closes, and its entries. Each stat of them looks up one name then, and not
    all those that lead to it."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with os.scandir(fd) as found:
            entries = list(found)
        if not entries and not os.fstat(fd).st_nlink:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), directory)
        return fd, entries
    except BaseException:
        os.close(fd)
        raise


def _record(entries: list[os.DirEntry[str]], fd: int, directory: ScannedDirectory, problems: Problems) -> None:
    """Note what the entries of an open directory are."""
    for entry in entries:
        try:
            if entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                directory.files.append(
                    ScannedFile(
                        entry.name,
                        status.st_size,
                        status.st_mtime_ns,
                        status.st_ctime_ns,
                        status.st_ino,
                        bool(status.st_mode & stat.S_IXUSR),
                    )
                )
            elif entry.is_symlink():
                directory.links.append(ScannedLink(entry.name, os.fsencode(os.readlink(entry.name, dir_fd=fd))))
            elif entry.is_dir(follow_symlinks=False):
                directory.directories.append(entry.name)
            else:
                kind = stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode)
                problems.add(directory.path_of(entry.name), _SPECIAL.get(kind, "neither file nor directory"))
        except FileNotFoundError:  # deleted since the directory was listed
            pass
        except OSError as e:
            problems.add(directory.path_of(entry.name), e)


class Problems:
    """What cannot be recorded below a root, so that one error names it all."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._found: list[tuple[str, str]] = []

    def add(self, path: str, problem: str | OSError) -> None:
        text = (problem.strerror or str(problem)) if isinstance(problem, OSError) else problem
        self._found.append((path, text))

    def check(self) -> None:
        """Raise ConfigurationError if anything was added."""
        if not self._found:
            return
        found = sorted(self._found)
        if found[0][0] == "":
            raise ConfigurationError(f"{self._root} cannot be read: {found[0][1]}")
        text = ", ".join(f"{path!r} ({problem})" for path, problem in found[:_SHOWN_PROBLEMS])
        if len(found) > _SHOWN_PROBLEMS:
            text += f" and {len(found) - _SHOWN_PROBLEMS} more"
        raise ConfigurationError(
            f"{self._root} contains entries that cannot be recorded: {text}",
            hint=f"Move them elsewhere, make them readable, or name them in {IGNORE_FILE}, and try again",
        )
