"""Listing a tree of files: each directory is read once, and each file has one ``stat``."""

from __future__ import annotations

import errno
import os
import stat
import struct
import sys
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, overload

from dataworkspaces.errors import ConfigurationError, UnavailableError, kind_of_os_error
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
STATUS = struct.Struct("=QqqQ")
"""Of a file: size, times, inode. A packed status is that, and a byte that says whether the file is executable."""
_INODE = slice(STATUS.size - 8, STATUS.size)
_BY_NAME = attrgetter("name")


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


class ScannedLink(NamedTuple):
    name: str
    target: bytes


class ScannedFiles(Sequence[ScannedFile]):
    """The files of a directory, in little memory: a sequence of :class:`ScannedFile`, which are made when asked for.

    :ivar names: in the order of the files.
    :ivar statuses: :data:`STATUS` of each.
    :ivar modes: of each 1 if it is executable, else 0."""

    __slots__ = ("modes", "names", "statuses")

    def __init__(self, names: list[str], statuses: bytes | bytearray, modes: bytes | bytearray) -> None:
        self.names = names
        self.statuses = bytearray(statuses)
        self.modes = bytearray(modes)

    @staticmethod
    def of(files: Iterable[ScannedFile]) -> ScannedFiles:
        files = list(files)
        statuses = b"".join([file.packed()[: STATUS.size] for file in files])
        return ScannedFiles([f.name for f in files], statuses, bytes(f.is_executable for f in files))

    def copy(self) -> ScannedFiles:
        return ScannedFiles(self.names, self.statuses, self.modes)

    def __len__(self) -> int:
        return len(self.names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScannedFiles) and self._all == other._all

    __hash__ = None  # type: ignore[assignment]

    @property
    def _all(self) -> tuple[list[str], bytearray, bytearray]:
        return self.names, self.statuses, self.modes

    @overload
    def __getitem__(self, place: int) -> ScannedFile: ...
    @overload
    def __getitem__(self, place: slice) -> list[ScannedFile]: ...
    def __getitem__(self, place: int | slice) -> ScannedFile | list[ScannedFile]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        name = self.names[place]
        place %= len(self.names)
        size, changed, status_changed, inode = STATUS.unpack_from(self.statuses, place * STATUS.size)
        return ScannedFile(name, size, changed, status_changed, inode, bool(self.modes[place]))

    def __iter__(self) -> Iterator[ScannedFile]:
        return (self[place] for place in range(len(self)))

    def __setitem__(self, place: int, file: ScannedFile) -> None:
        """What is known of a file by now."""
        STATUS.pack_into(self.statuses, place * STATUS.size, *file[1:5])
        self.modes[place] = file.is_executable

    def status(self, place: int) -> bytes:
        """What :meth:`ScannedFile.packed` gives of a file."""
        start = place * STATUS.size
        return bytes(self.statuses[start : start + STATUS.size]) + (b"\1" if self.modes[place] else b"\0")

    def packed(self) -> Iterator[bytes]:
        """The :meth:`status` of each."""
        statuses, size = bytes(self.statuses), STATUS.size
        return (
            statuses[start : start + size] + (b"\1" if mode else b"\0")
            for start, mode in zip(range(0, len(statuses), size), self.modes, strict=True)
        )

    def keep(self, places: Sequence[int]) -> None:
        """Leave out all others."""
        left = ScannedFiles.of([self[place] for place in places])
        self.names, self.statuses, self.modes = left._all

    @property
    def numbers(self) -> array[int]:
        """Four of each, as they are signed: sizes from the first on, changes of the content, of the status, inodes."""
        return array("q", bytes(self.statuses))

    @property
    def inodes(self) -> array[int]:
        return array("Q", bytes(self.statuses))[3::4]

    @property
    def size(self) -> int:
        return sum(self.numbers[0::4])


class KnownFiles(NamedTuple):
    """Files of a directory that were written just now. :ivar values: of their contents, joined by line breaks."""

    files: ScannedFiles
    values: str


Known = Mapping[str, KnownFiles]
"""By the path of the directory."""


@dataclass
class ScannedDirectory:
    """What lies directly in a directory, by name. ``path`` is relative to the root, which is ``""``."""

    path: str
    files: ScannedFiles = field(default_factory=lambda: ScannedFiles([], b"", b""))
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
        return sum(directory.files.size for directory in self.directories)


def scan(root: Path, skip: Skip | None = None, only: Collection[str] | None = None, known: Known | None = None) -> Scan:
    """List all that lies below ``root`` and that no ``.dwsignore`` leaves out; with ``only`` what lies at these places
    and in them. Symbolic links are never followed (``root`` itself may be one). What is deleted meanwhile is left out.

    :param known: files that were written just now: as long as they are the same, they have no ``stat``.

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
            _record(entries, fd, directory, problems, known)
        finally:
            os.close(fd)
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


def _record(
    entries: list[os.DirEntry[str]], fd: int, directory: ScannedDirectory, problems: Problems, known: Known | None
) -> None:
    """Note what the entries of an open directory are, by name."""
    entries.sort(key=_BY_NAME)
    written = known.get(directory.path) if known else None
    if written is not None and _are_all(written.files, entries):
        directory.files = written.files.copy()
        return
    places = {} if written is None else {name: place for place, name in enumerate(written.files.names)}
    names: list[str] = []
    statuses: list[bytes] = []
    modes = bytearray()
    pack, executable = STATUS.pack, stat.S_IXUSR
    for entry in entries:
        try:
            if entry.is_file(follow_symlinks=False):
                name = entry.name
                status = written.files.status(places[name]) if written is not None and name in places else b""
                if status[_INODE] == entry.inode().to_bytes(8, sys.byteorder):
                    statuses.append(status[: STATUS.size])
                    modes.append(status[-1])
                else:
                    found = entry.stat(follow_symlinks=False)
                    statuses.append(pack(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino))
                    modes.append(1 if found.st_mode & executable else 0)
                names.append(name)
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
    directory.files = ScannedFiles(names, b"".join(statuses), bytes(modes))


def _are_all(written: ScannedFiles, entries: list[os.DirEntry[str]]) -> bool:
    """Whether the entries of a directory are the files that were written there just now, and no others."""
    return (
        written.names == [entry.name for entry in entries]
        and all(entry.is_file(follow_symlinks=False) for entry in entries)
        and written.inodes == array("Q", [entry.inode() for entry in entries])
    )


class Problems:
    """What cannot be recorded below a root, so that one error names it all."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._found: list[tuple[str, str]] = []
        self._kinds: set[type[ConfigurationError]] = set()

    def add(self, path: str, problem: str | OSError) -> None:
        text = (problem.strerror or str(problem)) if isinstance(problem, OSError) else problem
        self._found.append((path, text))
        self._kinds.add(kind_of_os_error(problem) if isinstance(problem, OSError) else ConfigurationError)

    def check(self) -> None:
        """Raise ConfigurationError if anything was added: UnavailableError if a later try may read some of it."""
        if not self._found:
            return
        found = sorted(self._found)
        kind = UnavailableError if UnavailableError in self._kinds else ConfigurationError
        if found[0][0] == "":
            raise kind(f"{self._root} cannot be read: {found[0][1]}")
        text = ", ".join(f"{path!r} ({problem})" for path, problem in found[:_SHOWN_PROBLEMS])
        if len(found) > _SHOWN_PROBLEMS:
            text += f" and {len(found) - _SHOWN_PROBLEMS} more"
        raise kind(
            f"{self._root} contains entries that cannot be recorded: {text}",
            hint=f"Move them elsewhere, make them readable, or name them in {IGNORE_FILE}, and try again",
        )
