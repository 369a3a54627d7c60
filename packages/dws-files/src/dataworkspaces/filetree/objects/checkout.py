"""Putting contents back as files.

Names come from manifests that somebody else may have written: every directory on the way to a file is opened without
following symbolic links, so nothing is ever written or removed outside the root.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.filetree.forked import MOST_PARTS, is_orphan, map_forked, may_fork, processors
from dataworkspaces.filetree.hashing import Tell, tell_nobody
from dataworkspaces.filetree.objects.ids import DamagedContentError, ObjectId
from dataworkspaces.filetree.objects.open_files import hash_open_file
from dataworkspaces.filetree.objects.pack import Place
from dataworkspaces.filetree.objects.runs import read_in_runs
from dataworkspaces.filetree.objects.store import LARGE, ObjectStore, Places
from dataworkspaces.filetree.scan import packed_status

if TYPE_CHECKING:
    from concurrent.futures import Executor

FileKind = Literal["blob", "exec", "link"]

_BATCH = 512
AT_ONCE = 100 * _BATCH
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


class Wanted(NamedTuple):
    """A content at a path below the root: of a file, of an executable file, or what a symbolic link says."""

    path: str
    id: ObjectId
    kind: FileKind


_Located = tuple[Wanted, Place | None]
_Written = tuple[list[bytes], dict[str, str]]
"""Of some files the packed status of each (of what is none, nothing), and what was left out, with the reason."""


def is_there(root: Path, wanted: Wanted) -> bool:
    """Whether a content is at its path already: of a file, for what a link says is quickly made anew."""
    place = root / wanted.path
    status = place.lstat()
    if not stat.S_ISREG(status.st_mode) or wanted.kind == "link" or status.st_size != wanted.id.size:
        return False
    with place.open("rb") as file:
        return hash_open_file(file.fileno()) == wanted.id


def check_out(
    store: ObjectStore,
    root: Path,
    wanted: Sequence[Wanted],
    *,
    new: Collection[str] = (),
    places: Places | None = None,
    left_out: dict[str, str] | None = None,
    executor: Executor | None = None,
    advance: Tell = tell_nobody,
) -> dict[str, tuple[bytes, ObjectId]]:
    """Write files and links; the directories above them are there. Returns the packed status of each file, and its
    content, by path.

    :param new: paths at which nothing is known to be: what is there all the same has another name for the user, which
        the file system takes for this one.
    :param places: as :meth:`ObjectStore.locate` has told those of all contents.
    :param left_out: gets what the file system cannot hold: why, by path; without it, that is an error.

    A file that is there already is replaced by a rename, so that a reader sees the old one or the new one. Contents are
    verified. May be called again after it was killed. Raises MetadataError for a content that is missing or damaged,
    ConfigurationError for a place that is none, OSError."""
    from concurrent.futures import ThreadPoolExecutor

    found: dict[str, tuple[bytes, ObjectId]] = {}

    def take(batch: Iterable[Wanted], written: _Written) -> None:
        statuses, not_made = written
        paths, contents, _ = zip(*batch, strict=True)
        found.update(zip(paths, zip(statuses, contents, strict=True), strict=True))
        for number, status in enumerate(statuses) if b"" in statuses else ():
            if not status:
                del found[paths[number]]
        if left_out is not None:
            left_out.update(not_made)

    is_here = executor is None or isinstance(executor, ThreadPoolExecutor)
    write = _Writer(store, root, frozenset(new), left_out is not None, advance if is_here else tell_nobody)
    if executor is None:
        wanted = _write_forked(replace(write, tell=tell_nobody), wanted, places, take, advance)
    threads = ThreadPoolExecutor(processors()) if executor is None and len(wanted) > 1 else nullcontext(executor)
    with threads as executor:
        for begin in range(0, len(wanted), AT_ONCE):
            batches = _batches(store, wanted[begin : begin + AT_ONCE], places)
            results = map(write, batches) if executor is None else executor.map(write, batches)
            for batch, written in zip(batches, results, strict=True):
                take((w for w, _ in batch), written)
                if not is_here:
                    advance(sum(w.id.size for w, _ in batch))
    return found


def _write_forked(
    write: _Writer,
    wanted: Sequence[Wanted],
    places: Places | None,
    take: Callable[[Iterable[Wanted], _Written], None],
    advance: Tell,
) -> Sequence[Wanted]:
    """Write what is small, if it is much, in copies of this process, where that can be. Returns what is left."""
    small = [w for w in wanted if w.id.size < LARGE] if len(wanted) >= _MANY else []
    workers = processors() if len(small) >= _MANY else 1
    if workers == 1 or not may_fork():
        return wanted
    write.store.packs()  # their indexes are read once, and not in each copy
    size = max(_BATCH, min(_MOST_AT_ONCE, len(small) // (_BATCHES_EACH * workers)))
    size = max(size, len(small) // MOST_PARTS + 1)
    parts = [(start, start + size) for start in range(0, len(small), size)]

    located = _located(write.store, small, places) if len(small) <= AT_ONCE else None

    def write_part(part: tuple[int, int]) -> _Written:
        some = slice(*part)
        return write(_located(write.store, small[some], places) if located is None else located[some])

    with closing(map_forked(write_part, parts, workers)) as results:
        for number, written in results:
            part = small[slice(*parts[number])]
            take(part, written)
            advance(sum(w.id.size for w in part))
    return [w for w in wanted if w.id.size >= LARGE]


def _batches(store: ObjectStore, wanted: Sequence[Wanted], places: Places | None) -> list[list[_Located]]:
    located = _located(store, wanted, places)
    return [located[start : start + _BATCH] for start in range(0, len(wanted), _BATCH)]


def _located(store: ObjectStore, wanted: Sequence[Wanted], places: Places | None) -> list[_Located]:
    ids = [w.id for w in wanted]
    found = store.locate(ids) if places is None else places
    return list(zip(wanted, map(found.get, ids), strict=True))


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
        if not directory:
            return self._root_fd, name
        if self._last is None or self._last[0] != directory:
            self._forget()
            self._last = (directory, self._open(directory))
        return self._last[1], name

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
    new: frozenset[str] = frozenset()
    may_leave_out: bool = False
    tell: Tell = tell_nobody

    def __call__(self, batch: Sequence[_Located]) -> _Written:
        left_out: dict[str, str] = {}
        statuses = self._write(batch, left_out)
        if self.tell is not tell_nobody:
            self.tell(sum(w.id.size for w, _ in batch if w.id.size < LARGE))
        return statuses, left_out

    def _write(self, batch: Sequence[_Located], left_out: dict[str, str]) -> list[bytes]:
        read_first = [w.id.size < LARGE or w.kind == "link" for w, _ in batch]
        contents = read_in_runs(self.store, [(w.id, place) for w, place in compress(batch, read_first)])
        statuses = []
        with Directories(self.root) as directories:
            for (wanted, _), is_read_first in zip(batch, read_first, strict=True):
                if is_orphan():
                    raise OSError(errno.EINTR, "The command that was writing files has been killed")
                content = next(contents) if is_read_first else None
                status, parent = b"", -1
                try:
                    parent, name = directories.find(wanted.path)
                    if wanted.kind == "link":
                        self._link(parent, name, content or b"", wanted.path)
                    else:
                        status = self._file(parent, name, wanted, content)
                except _OtherNameError:
                    left_out[wanted.path] = SAME_NAME
                except OSError as e:
                    if not (
                        self.may_leave_out and parent >= 0 and _cannot_hold(e, parent, is_link=wanted.kind == "link")
                    ):
                        e.filename = str(self.root / wanted.path)
                        raise
                    left_out[wanted.path] = e.strerror or str(e)
                statuses.append(status)
        return statuses

    def _check_name(self, parent: int, name: str, path: str) -> None:
        """Raise _OtherNameError if what lies there has another name, that differs in case, or in how letters are
        composed."""
        if self.may_leave_out and path in self.new and not _is_listed(parent, name):
            raise _OtherNameError

    def _link(self, parent: int, name: str, target: bytes, path: str) -> None:
        try:
            os.symlink(target, os.fsencode(name), dir_fd=parent)
        except FileExistsError:
            self._check_name(parent, name, path)
            temporary = _temporary_name()
            os.symlink(target, os.fsencode(temporary), dir_fd=parent)
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)

    def _file(self, parent: int, name: str, wanted: Wanted, content: bytes | None) -> bytes:
        mode = 0o777 if wanted.kind == "exec" else 0o666
        try:
            status = self._fill(os.open(name, _NEW, mode, dir_fd=parent), wanted, content, parent, name)
        except FileExistsError:
            self._check_name(parent, name, wanted.path)
            temporary = _temporary_name()
            self._fill(os.open(temporary, _NEW, mode, dir_fd=parent), wanted, content, parent, temporary)
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        return packed_status(status)

    def _fill(self, fd: int, wanted: Wanted, content: bytes | None, parent: int, name: str) -> os.stat_result:
        try:
            if content is None:
                self._copy(fd, wanted.id)
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


class _OtherNameError(Exception):
    """What lies at a place has another name, which the file system takes for that of the place."""


def _temporary_name() -> str:
    return f".dws-{os.urandom(8).hex()}.tmp"
