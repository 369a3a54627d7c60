"""Putting contents back as files.

Names come from manifests that somebody else may have written: every directory on the way to a file is opened without
following symbolic links, so nothing is ever written or removed outside the root.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.filetree.hashing import status_of
from dataworkspaces.filetree.objects.ids import DamagedContentError, ObjectId
from dataworkspaces.filetree.objects.store import LARGE, ObjectStore
from dataworkspaces.filetree.objects.storing import copy_and_hash
from dataworkspaces.filetree.scan import ScannedFile

FileKind = Literal["blob", "exec", "link"]

_BATCH = 512
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


_Place = tuple[str, int] | None
"""Pack, and where in it."""


@dataclass(frozen=True)
class Wanted:
    """A content at a path below the root: of a file, of an executable file, or what a symbolic link says."""

    path: str
    id: ObjectId
    kind: FileKind


def check_out(
    store: ObjectStore,
    root: Path,
    wanted: Sequence[Wanted],
    *,
    executor: Executor | None = None,
    advance: Callable[[int], None] | None = None,
) -> list[tuple[str, ScannedFile]]:
    """Write files and links; the directories above them are there. Returns the status of each file.

    A file that is there already is replaced by a rename, so that a reader sees the old one or the new one. Contents are
    verified. May be called again after it was killed. Raises MetadataError for a content that is missing or damaged,
    ConfigurationError for a place that is none, OSError."""
    located = store.locate({w.id for w in wanted})
    batches = [
        [(w, located.get(w.id)) for w in wanted[start : start + _BATCH]] for start in range(0, len(wanted), _BATCH)
    ]
    write = _Writer(store, root)
    results = map(write, batches) if executor is None else executor.map(write, batches)
    found: list[tuple[str, ScannedFile]] = []
    for batch, statuses in zip(batches, results, strict=True):
        found += statuses
        if advance is not None:
            advance(len(batch))
    return found


def remove(root: Path, paths: Iterable[str]) -> None:
    """Remove files and links. One that is gone already is no error."""
    with Directories(root) as directories:
        for path in paths:
            with suppress(FileNotFoundError):
                parent, name = directories.find(path)
                os.unlink(name, dir_fd=parent)


def make_directories(root: Path, paths: Iterable[str]) -> None:
    """Make directories, each after the one it lies in."""
    with Directories(root) as directories:
        for path in paths:
            with suppress(FileExistsError):
                parent, name = directories.find(path)
                os.mkdir(name, dir_fd=parent)


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
                raise ConfigurationError(f"{self._root}: '{directory}' leads through what is no directory") from e
            finally:
                os.close(fd)
            fd = inner
        return fd

    def _forget(self) -> None:
        if self._last is not None:
            os.close(self._last[1])
            self._last = None


_Located = tuple[Wanted, _Place]


@dataclass(frozen=True)
class _Writer:
    store: ObjectStore
    root: Path

    def __call__(self, batch: Sequence[_Located]) -> list[tuple[str, ScannedFile]]:
        return list(self._write(batch))

    def _write(self, batch: Sequence[_Located]) -> Iterator[tuple[str, ScannedFile]]:
        with Directories(self.root) as directories:
            for wanted, place in batch:
                try:
                    parent, name = directories.find(wanted.path)
                    if wanted.kind == "link":
                        self._link(parent, name, self.store.read_located(wanted.id, place))
                    else:
                        yield wanted.path, self._file(parent, name, wanted, place)
                except OSError as e:
                    e.filename = str(self.root / wanted.path)
                    raise

    def _link(self, parent: int, name: str, target: bytes) -> None:
        try:
            os.symlink(target, os.fsencode(name), dir_fd=parent)
        except FileExistsError:
            temporary = _temporary_name()
            os.symlink(target, os.fsencode(temporary), dir_fd=parent)
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)

    def _file(self, parent: int, name: str, wanted: Wanted, place: _Place) -> ScannedFile:
        mode = 0o777 if wanted.kind == "exec" else 0o666
        try:
            return self._fill(os.open(name, _NEW, mode, dir_fd=parent), wanted, place, parent, name)
        except FileExistsError:
            pass
        temporary = _temporary_name()
        status = self._fill(os.open(temporary, _NEW, mode, dir_fd=parent), wanted, place, parent, temporary)
        os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        after = os.stat(name, dir_fd=parent, follow_symlinks=False)
        return status._replace(name=wanted.path.rpartition("/")[2], ctime_ns=after.st_ctime_ns)

    def _fill(self, fd: int, wanted: Wanted, place: _Place, parent: int, name: str) -> ScannedFile:
        try:
            if wanted.id.size < LARGE:
                content = self.store.read_located(wanted.id, place)
                if os.write(fd, content) != len(content):
                    raise OSError(28, "No space left on device")
            else:
                self._copy(fd, wanted.id)
            return status_of(fd, name)
        except BaseException:
            with suppress(OSError):
                os.unlink(name, dir_fd=parent)
            raise
        finally:
            os.close(fd)

    def _copy(self, fd: int, object_id: ObjectId) -> None:
        path = self.store.loose_path(object_id)
        try:
            source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise self.store.missing_error(object_id) from None
        try:
            found = copy_and_hash(source, fd, object_id.size)
        finally:
            os.close(source)
        if found != object_id:
            raise DamagedContentError(f"{path} is damaged: its content has another hash", object_id=object_id)


def _temporary_name() -> str:
    return f".dws-{os.urandom(8).hex()}.tmp"
