"""Putting contents back as files.

Names come from manifests that somebody else may have written: every directory on the way to a file is opened without
following symbolic links, so nothing is ever written or removed outside the root.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, replace
from itertools import chain, compress
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.filetree.forked import MOST_PARTS, is_orphan, map_forked, may_fork, processors
from dataworkspaces.filetree.hashing import Tell, tell_nobody
from dataworkspaces.filetree.manifest import Kind
from dataworkspaces.filetree.objects.ids import DamagedContentError, ObjectId
from dataworkspaces.filetree.objects.open_files import hash_open_file
from dataworkspaces.filetree.objects.pack import Place
from dataworkspaces.filetree.objects.places import Places
from dataworkspaces.filetree.objects.runs import read_in_runs
from dataworkspaces.filetree.objects.store import LARGE, ObjectStore
from dataworkspaces.filetree.scan import STATUS, KnownFiles, ScannedFiles

if TYPE_CHECKING:
    from concurrent.futures import Executor

_BATCH = 512
_BATCHES_AT_ONCE = 100
AT_ONCE = _BATCHES_AT_ONCE * _BATCH
"""Files of which it is known at one time where their contents are, which takes memory."""
_MANY = 2000
"""Small files from which on it pays to share them out among copies of this process."""
_BATCHES_EACH = 8
_MOST_AT_ONCE = 4096
CANNOT_HOLD = frozenset({errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG, errno.ENOTSUP, errno.ENOSYS})
"""Errors of a file system that has no such names, or no symbolic links."""
SAME_NAME = "another entry has the same name here"
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class WantedFiles:
    """Contents that are to lie in a directory, as columns: of files, executable files, and of what symbolic links say.

    :ivar directory: its path, relative to the root, which is ``""``.
    :ivar there: names at which something may be by now, which is replaced. What is at another all the same has another
        name for the user, which the file system takes for this one.
    """

    directory: str
    names: Sequence[str]
    kinds: Sequence[Kind]
    ids: Sequence[ObjectId]
    there: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def size(self) -> int:
        """The bytes of all."""
        return sum([size for size, _ in self.ids])

    @property
    def prefix(self) -> str:
        """What stands before a name in its path."""
        return f"{self.directory}/" if self.directory else ""

    def paths(self) -> list[str]:
        return [self.prefix + name for name in self.names]

    def are_read_first(self) -> list[bool]:
        """Of each whether the content is small enough to be had in memory; what a link says is."""
        return [id_[0] < LARGE or kind == "link" for id_, kind in zip(self.ids, self.kinds, strict=True)]

    def part(self, start: int, end: int) -> WantedFiles:
        rows = slice(start, end)
        return replace(self, names=self.names[rows], kinds=self.kinds[rows], ids=self.ids[rows])

    def only(self, chosen: Sequence[bool]) -> WantedFiles:
        """Those that are chosen."""
        if all(chosen):
            return self
        names, kinds = list(compress(self.names, chosen)), list(compress(self.kinds, chosen))
        return replace(self, names=names, kinds=kinds, ids=list(compress(self.ids, chosen)))


_Batch = Sequence[WantedFiles]
_Located = tuple[WantedFiles, Sequence[Place | None]]
_Files = tuple[list[str], bytes, bytes, str]
"""Names, statuses and modes of files, as in :class:`ScannedFiles`, and values, as in :class:`KnownFiles`."""
_Written = tuple[list[tuple[str, _Files]], dict[str, str]]
"""By directory the files that were written, and what was left out, with the reason. Plain, for it may come from a copy
of this process."""


def is_there(root: Path, path: str, kind: Kind, object_id: ObjectId) -> bool:
    """Whether a content is at its path already: of a file, for what a link says is quickly made anew."""
    place = root / path
    status = place.lstat()
    if not stat.S_ISREG(status.st_mode) or kind == "link" or status.st_size != object_id.size:
        return False
    with place.open("rb") as file:
        return hash_open_file(file.fileno()) == object_id


def check_out(
    store: ObjectStore,
    root: Path,
    wanted: Sequence[WantedFiles],
    *,
    places: Places | None = None,
    left_out: dict[str, str] | None = None,
    executor: Executor | None = None,
    advance: Tell = tell_nobody,
) -> Mapping[str, KnownFiles]:
    """Write files and links; the directories are there. Returns the files, as they are now and with their contents.

    :param places: as :meth:`ObjectStore.locate` has told those of all contents.
    :param left_out: gets what the file system cannot hold: why, by path; without it, that is an error.

    A file that is there already is replaced by a rename, so that a reader sees the old one or the new one. Contents are
    verified. May be called again after it was killed. Raises MetadataError for a content that is missing or damaged,
    ConfigurationError for a place that is none, OSError."""
    found: list[tuple[str, _Files]] = []

    def take(written: _Written) -> None:
        files, not_made = written
        found.extend(files)
        if left_out is not None:
            left_out.update(not_made)

    write = _Writer(store, root, left_out is not None)
    if executor is None:
        wanted = _write_forked(write, wanted, places, take, advance)
    if not wanted:
        return _together(found)
    from concurrent.futures import ThreadPoolExecutor  # not where copies of this process have written all

    is_here = executor is None or isinstance(executor, ThreadPoolExecutor)
    write = replace(write, tell=advance if is_here else tell_nobody)
    batches = _batches(wanted, _BATCH)
    is_one = sum(map(len, wanted)) <= 1
    threads = nullcontext(executor) if executor is not None or is_one else ThreadPoolExecutor(processors())
    with threads as executor:
        for begin in range(0, len(batches), _BATCHES_AT_ONCE):
            some = batches[begin : begin + _BATCHES_AT_ONCE]
            at = store.locate(_ids(some)) if places is None else places
            located = [_located(batch, at) for batch in some]
            results = map(write, located) if executor is None else executor.map(write, located)
            for batch, written in zip(some, results, strict=True):
                take(written)
                if not is_here:
                    advance(sum(files.size for files in batch))
    return _together(found)


def _write_forked(
    write: _Writer,
    wanted: Sequence[WantedFiles],
    places: Places | None,
    take: Callable[[_Written], None],
    advance: Tell,
) -> Sequence[WantedFiles]:
    """Write what is small, if it is much, in copies of this process, where that can be. Returns what is left."""
    count = sum(map(len, wanted))
    small = _of_size(wanted, large=False) if count >= _MANY else []
    count = sum(map(len, small))
    workers = processors() if count >= _MANY else 1
    if workers == 1 or not may_fork():
        return wanted
    write.store.packs()  # their indexes are read once, and not in each copy
    size = max(_BATCH, min(_MOST_AT_ONCE, count // (_BATCHES_EACH * workers)))
    batches = _batches(small, max(size, count // MOST_PARTS + 1))
    if places is None and count <= AT_ONCE:
        places = write.store.locate(_ids(batches))

    def write_part(batch: _Batch) -> _Written:
        return write(_located(batch, write.store.locate(_ids([batch])) if places is None else places))

    with closing(map_forked(write_part, batches, workers)) as results:
        for number, written in results:
            take(written)
            advance(sum(files.size for files in batches[number]))
    return _of_size(wanted, large=True)


def _of_size(wanted: Iterable[WantedFiles], *, large: bool) -> list[WantedFiles]:
    chosen = (files.only([(size >= LARGE) is large for size, _ in files.ids]) for files in wanted)
    return [files for files in chosen if len(files)]


def _batches(wanted: Iterable[WantedFiles], size: int) -> list[_Batch]:
    """In their order, each of as many files or few more; only the last has fewer."""
    batches: list[list[WantedFiles]] = [[]]
    count = 0
    for files in wanted:
        for start in range(0, len(files), size):
            batches[-1].append(files.part(start, start + size))
            count += len(batches[-1][-1])
            if count >= size:
                batches.append([])
                count = 0
    return [batch for batch in batches if batch]


def _ids(batches: Iterable[_Batch]) -> Iterable[ObjectId]:
    return chain.from_iterable(files.ids for batch in batches for files in batch)


def _located(batch: _Batch, places: Places) -> list[_Located]:
    return [(files, list(map(places.get, files.ids))) for files in batch]


def _together(written: Iterable[tuple[str, _Files]]) -> dict[str, KnownFiles]:
    """By directory all of its files, as a scan lists them. Those of a large one were written in parts."""
    parts: dict[str, list[_Files]] = {}
    for directory, files in written:
        if files[0]:
            parts.setdefault(directory, []).append(files)
    return {directory: _known(sorted(found)) for directory, found in parts.items()}


def _known(parts: Sequence[_Files]) -> KnownFiles:
    names, statuses, modes, values = zip(*parts, strict=True)
    files = ScannedFiles(list(chain.from_iterable(names)), b"".join(statuses), b"".join(modes))
    return KnownFiles(files, "\n".join(values))


def remove(root: Path, paths: Iterable[str]) -> None:
    """Remove files and links. One that is gone already is no error."""
    with Directories(root) as directories:
        for path in paths:
            with suppress(FileNotFoundError):
                parent, name = directories.find(path)
                os.unlink(name, dir_fd=parent)


def make_directories(root: Path, paths: Iterable[str], left_out: dict[str, str] | None = None) -> None:
    """Make directories, each after the one it lies in. For ``left_out`` see :func:`check_out`; what lies in such a
    directory is not in it."""
    with Directories(root) as directories:
        for path in paths:
            if left_out and is_below(path, left_out):
                continue
            parent, name = directories.find(path)
            try:
                os.mkdir(name, dir_fd=parent)
            except FileExistsError:
                if left_out is not None and not _is_listed(parent, name):
                    left_out[path] = SAME_NAME
            except OSError as e:
                if left_out is None or not _cannot_hold(e, parent):
                    raise
                left_out[path] = e.strerror or str(e)


def is_below(path: str, directories: Collection[str]) -> bool:
    """Whether a path lies in one of some directories."""
    return any(path[:at] in directories for at, char in enumerate(path) if char == "/")


def _cannot_hold(error: OSError, parent: int, *, is_link: bool = False) -> bool:
    """Whether an entry could not be made in a directory since the file system has no such names, or no links."""
    if error.errno == errno.ENOENT:  # exFAT says so of names that it does not allow
        return os.fstat(parent).st_nlink > 0
    return error.errno in CANNOT_HOLD or (is_link and error.errno == errno.EPERM)


def _is_listed(directory: int, name: str) -> bool:
    """Whether a directory has an entry of exactly that name."""
    return name in os.listdir(directory)


def remove_directories(root: Path, paths: Iterable[str]) -> None:
    """Remove directories in which nothing is left, each after those in it."""
    with Directories(root) as directories:
        for path in paths:
            with suppress(OSError):
                parent, name = directories.find(path)
                os.rmdir(name, dir_fd=parent)


class Directories:
    """Finds directories below a root without following links. Keeps the last one open."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._last: tuple[str, int] | None = None

    def __enter__(self) -> Directories:
        return self

    def __exit__(self, *_: object) -> None:
        self._forget()
        os.close(self._root_fd)

    def find(self, path: str) -> tuple[int, str]:
        """The open directory in which a path lies, and the name in it. The directory is closed at the next call."""
        directory, _, name = path.rpartition("/")
        return self.open(directory), name

    def open(self, directory: str) -> int:
        """A directory, which is closed at the next call."""
        if not directory:
            return self._root_fd
        if self._last is None or self._last[0] != directory:
            self._forget()
            self._last = (directory, self._open(directory))
        return self._last[1]

    def _open(self, directory: str) -> int:
        fd = os.dup(self._root_fd)
        for part in directory.split("/"):
            try:
                inner = os.open(part, _DIRECTORY, dir_fd=fd)
            except NotADirectoryError as e:  # Linux says so of links too
                raise ConfigurationError(f"{self._root}: '{directory}' leads through what is not a directory") from e
            finally:
                os.close(fd)
            fd = inner
        return fd

    def _forget(self) -> None:
        if self._last is not None:
            os.close(self._last[1])
            self._last = None


@dataclass(frozen=True)
class _Writer:
    store: ObjectStore
    root: Path
    may_leave_out: bool = False
    tell: Tell = tell_nobody

    def __call__(self, batch: Sequence[_Located]) -> _Written:
        left_out: dict[str, str] = {}
        contents = read_in_runs(self.store, [wanted for located in batch for wanted in _read_first(*located)])
        with Directories(self.root) as directories:
            written = [(files.directory, self._write(files, contents, directories, left_out)) for files, _ in batch]
        if self.tell is not tell_nobody:
            self.tell(sum(size for files, _ in batch for size, _ in files.ids if size < LARGE))
        return written, left_out

    def _write(
        self, files: WantedFiles, contents: Iterator[bytes], directories: Directories, left_out: dict[str, str]
    ) -> _Files:
        statuses, modes, places, parent = list[bytes](), bytearray(), list[int](), -1
        pack, executable = STATUS.pack, stat.S_IXUSR
        rows = zip(files.names, files.kinds, files.ids, files.are_read_first(), strict=True)
        for place, (name, kind, object_id, is_read_first) in enumerate(rows):
            if is_orphan():
                raise OSError(errno.EINTR, "The command that was writing files has been killed")
            content = next(contents) if is_read_first else None
            try:
                if parent < 0:
                    parent = directories.open(files.directory)
                if kind == "link":
                    self._link(parent, name, content or b"", files)
                    continue
                status = self._file(parent, name, object_id, content, 0o777 if kind == "exec" else 0o666, files)
            except _OtherNameError:
                left_out[files.prefix + name] = SAME_NAME
            except OSError as e:
                path = files.prefix + name
                if not (self.may_leave_out and parent >= 0 and _cannot_hold(e, parent, is_link=kind == "link")):
                    e.filename = str(self.root / path)
                    raise
                left_out[path] = e.strerror or str(e)
            else:
                statuses.append(pack(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))
                modes.append(1 if status.st_mode & executable else 0)
                places.append(place)
        names = [files.names[place] for place in places]
        values = [f"{size}:{digest.hex()}" for size, digest in [files.ids[place] for place in places]]
        return names, b"".join(statuses), bytes(modes), "\n".join(values)

    def _check_name(self, parent: int, name: str, files: WantedFiles) -> None:
        """Raise _OtherNameError if what lies there has another name, that differs in case, or in how letters are
        composed."""
        if self.may_leave_out and name not in files.there and not _is_listed(parent, name):
            raise _OtherNameError

    def _link(self, parent: int, name: str, target: bytes, files: WantedFiles) -> None:
        try:
            os.symlink(target, os.fsencode(name), dir_fd=parent)
        except FileExistsError:
            self._check_name(parent, name, files)
            temporary = _temporary_name()
            os.symlink(target, os.fsencode(temporary), dir_fd=parent)
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)

    def _file(
        self, parent: int, name: str, object_id: ObjectId, content: bytes | None, mode: int, files: WantedFiles
    ) -> os.stat_result:
        try:
            return self._fill(os.open(name, _NEW, mode, dir_fd=parent), object_id, content, parent, name)
        except FileExistsError:
            self._check_name(parent, name, files)
            temporary = _temporary_name()
            self._fill(os.open(temporary, _NEW, mode, dir_fd=parent), object_id, content, parent, temporary)
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            return os.stat(name, dir_fd=parent, follow_symlinks=False)

    def _fill(self, fd: int, object_id: ObjectId, content: bytes | None, parent: int, name: str) -> os.stat_result:
        try:
            if content is None:
                self._copy(fd, object_id)
            elif os.write(fd, content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return os.fstat(fd)
        except BaseException:
            with suppress(OSError):
                os.unlink(name, dir_fd=parent)
            raise
        finally:
            os.close(fd)

    def _copy(self, fd: int, object_id: ObjectId) -> None:
        from dataworkspaces.filetree.objects.assembly import copy_chunks
        from dataworkspaces.filetree.objects.stored_files import copy_and_hash

        path = self.store.loose_path(object_id)
        chunks = None if self.store.has_loose(object_id) else self.store.chunk_lists.read(object_id)
        if chunks is not None:
            copy_chunks(self.store, chunks, fd, self.tell)
            return
        try:
            source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise self.store.missing_error(object_id) from None
        try:
            found = copy_and_hash(source, fd, object_id.size, self.tell)
        finally:
            os.close(source)
        if found != object_id:
            raise DamagedContentError(f"{path} is damaged: its content does not match its hash", object_id=object_id)


def _read_first(files: WantedFiles, places: Sequence[Place | None]) -> Iterable[tuple[ObjectId, Place | None]]:
    return compress(zip(files.ids, places, strict=True), files.are_read_first())


class _OtherNameError(Exception):
    """What lies at a place has another name, which the file system takes for that of the place."""


def _temporary_name() -> str:
    return f".dws-{os.urandom(8).hex()}.tmp"
