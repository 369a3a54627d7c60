"""Listing a tree of files: each directory is read once, and each file has one ``stat``."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.errors import ConfigurationError

Skip = Callable[[str], bool]
"""Told the path of a file, a link or a directory, relative to the root: whether it is left out."""

_SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_SHOWN_PROBLEMS = 5


class ScannedFile(NamedTuple):
    name: str
    size: int
    mtime_ns: int


class ScannedLink(NamedTuple):
    name: str
    target: bytes


@dataclass
class ScannedDirectory:
    """What lies directly in a directory. ``path`` is relative to the root, which is ``""``."""

    path: str
    files: list[ScannedFile] = field(default_factory=list)
    links: list[ScannedLink] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)

    def path_of(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name


@dataclass(frozen=True)
class Scan:
    """What lies below ``root``; a directory stands before those in it."""

    root: Path
    directories: list[ScannedDirectory]

    def files(self) -> Iterator[tuple[str, ScannedFile]]:
        """The files with their paths, relative to the root, in the order of the directories."""
        for directory in self.directories:
            for file in directory.files:
                yield directory.path_of(file.name), file

    @property
    def file_count(self) -> int:
        return sum(len(directory.files) for directory in self.directories)

    @property
    def total_size(self) -> int:
        """The bytes in all files."""
        return sum(file.size for directory in self.directories for file in directory.files)


def scan(root: Path, skip: Skip | None = None) -> Scan:
    """List all that lies below ``root``. Symbolic links are never followed (``root`` itself may be one).

    Raises ConfigurationError, which names them, if there are entries that are no files, directories or links,
    or directories that cannot be read."""
    problems = Problems(root)
    directories = []
    pending = [""]
    while pending:
        directory = ScannedDirectory(pending.pop())
        directories.append(directory)
        try:
            with os.scandir(root / directory.path) as entries:
                for entry in entries:
                    path = directory.path_of(entry.name)
                    if skip is None or not skip(path):
                        _record(entry, path, directory, problems)
        except OSError as e:
            problems.add(directory.path, e)
        pending.extend(directory.path_of(name) for name in directory.directories)
    problems.check()
    return Scan(root, directories)


def _record(entry: os.DirEntry[str], path: str, directory: ScannedDirectory, problems: Problems) -> None:
    try:
        if entry.is_symlink():
            directory.links.append(ScannedLink(entry.name, os.fsencode(Path(entry.path).readlink())))
        elif entry.is_dir(follow_symlinks=False):
            directory.directories.append(entry.name)
        else:
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                directory.files.append(ScannedFile(entry.name, status.st_size, status.st_mtime_ns))
            else:
                problems.add(path, _SPECIAL.get(stat.S_IFMT(status.st_mode), "neither file nor directory"))
    except OSError as e:
        problems.add(path, e)


class Problems:
    """What cannot be recorded below a root, so that one error names it all. Threads may share it."""

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
            f"{self._root} holds what cannot be recorded: {text}",
            hint="Move it elsewhere, or make it readable, and try again",
        )
