"""Keeping files of a tree: a task that can be sent to a thread, another process or another machine."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

from dataworkspaces.filetree.hashing import CHANGES, OPEN_FLAGS, Tell, changing, status_of, tell_nobody, threaded_blake3
from dataworkspaces.filetree.objects.chunk_keeper import ChunkKeeper, ChunkWriter
from dataworkspaces.filetree.objects.chunks import CHUNKED
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.open_files import hash_open_file
from dataworkspaces.filetree.objects.store import LARGE, ObjectStore
from dataworkspaces.filetree.scan import ScannedFile

_FEW = 64
_FEW_BYTES = 1 << 20
_ATTEMPTS = 3
_FICLONE = 0x40049409
_COPY_BYTES = 128 << 20  # at a time, so that a bar moves
_BUFFER_BYTES = 4 << 20
_HOLE_BYTES = 1 << 20
_ZEROS = bytes(_HOLE_BYTES)
_CANNOT = (errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY, errno.EPERM, errno.EBADF)


class StoredFile(NamedTuple):
    """What came of a file: the name of its content, and its status while it held that; or the problem. As for
    :class:`ReadFile`, one that was deleted has neither, and one that changes all the time has both."""

    id: ObjectId | None
    file: ScannedFile | None
    problem: str | OSError = ""


def store_files(
    store: ObjectStore, root: str, files: Sequence[tuple[str, ScannedFile]], tell: Tell = tell_nobody
) -> list[StoredFile]:
    """Keep files below ``root``: paths relative to it, and what a scan told of each.

    Small ones make one pack, unless they are few. A content that is in the store already is not kept twice. Raises
    OSError if the store cannot be written to."""
    results: list[StoredFile | None] = [None] * len(files)
    small: dict[ObjectId, bytes] = {}
    with ExitStack() as stack:
        large = _Large(store, stack)
        for place, (path, file) in enumerate(files):
            try:
                fd = os.open(f"{root}/{path}", OPEN_FLAGS)
            except FileNotFoundError:
                results[place] = StoredFile(None, None)
                continue
            except OSError as e:
                results[place] = StoredFile(None, None, e)
                continue
            try:
                results[place] = _store(store, large, fd, file, small, tell)
            finally:
                os.close(fd)
        large.finish()
    _keep_small(store, small)
    tell(sum(file.size for _, file in files if file.size < LARGE))
    return [result for result in results if result is not None]


class _Large:
    """Keeps what is kept in chunks, once there is something."""

    def __init__(self, store: ObjectStore, stack: ExitStack) -> None:
        self._store = store
        self._stack = stack

    @cached_property
    def keeper(self) -> ChunkKeeper:
        return self._stack.enter_context(ChunkKeeper(self._store))

    def finish(self) -> None:
        if "keeper" in self.__dict__:
            self.keeper.finish()


def _store(
    store: ObjectStore, large: _Large, fd: int, told: ScannedFile, small: dict[ObjectId, bytes], tell: Tell
) -> StoredFile:
    for attempt in range(1, _ATTEMPTS + 1):
        is_last = attempt == _ATTEMPTS  # what was read is kept then, though it may be nothing that ever lay there
        try:
            content = b"" if told.size >= LARGE else os.read(fd, told.size + 1)
            now = status_of(fd, told.name)
        except OSError as e:
            return StoredFile(None, None, e)
        if told.size < LARGE:
            is_settled = now == told and len(content) == told.size
            if is_settled or is_last:
                content = content[: told.size]
                object_id = ObjectId(len(content), blake3(content).digest())
                small[object_id] = content
                return StoredFile(object_id, now) if is_settled else _changing(object_id, told)
        else:
            kept, is_settled = _keep_large(store, large, fd, now, tell, changes_too=is_last)
            if kept is not None:
                return StoredFile(kept, now) if is_settled else _changing(kept, told)
            now = status_of(fd, told.name)
        told = now
        os.lseek(fd, 0, os.SEEK_SET)
    raise AssertionError  # the last attempt takes what there is


def _changing(object_id: ObjectId, told: ScannedFile) -> StoredFile:
    return StoredFile(object_id, changing(told._replace(size=object_id.size)), CHANGES)


def _keep_small(store: ObjectStore, small: dict[ObjectId, bytes]) -> None:
    missing = store.missing(small)
    missing |= store.damaged_loose({i: content for i, content in small.items() if i not in missing})
    missing |= store.refresh(small.keys() - missing)
    if len(missing) < _FEW and sum(i.size for i in missing) < _FEW_BYTES:
        store.add_together({object_id: small[object_id] for object_id in missing})
        return
    writer = store.pack_writer()
    try:
        for object_id, content in small.items():
            if object_id in missing:
                writer.add(object_id, content)
        writer.finish(store.packs_directory)
    finally:
        writer.discard()


def _keep_large(
    store: ObjectStore, large: _Large, fd: int, told: ScannedFile, tell: Tell, *, changes_too: bool
) -> tuple[ObjectId | None, bool]:
    """Keep the content of an open file, unless it was changed meanwhile (then too, if ``changes_too``); says whether
    it was not.

    It is copied first, and the copy is hashed, so that what is kept is what its name says."""
    temporary = store.temporary / os.urandom(12).hex()
    try:
        copy = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            if told.size >= CHUNKED and not make_reflink(fd, copy) and not _is_sparse(fd):
                return _keep_chunked(store, large.keeper, fd, told, tell, changes_too=changes_too)
            is_copied = copy_content(fd, copy, told.size, tell)
            object_id = hash_open_file(copy, tell_nobody if is_copied else tell)
            is_settled = object_id.size == told.size and status_of(fd, told.name) == told
            if not is_settled and not changes_too:
                return None, False
            if store.has_loose(object_id) and not store.refresh([object_id]):
                return object_id, is_settled
            os.fsync(copy)
        finally:
            os.close(copy)
        store.place(temporary, object_id)
        return object_id, is_settled
    finally:
        Path(temporary).unlink(missing_ok=True)


def _is_sparse(fd: int) -> bool:
    """Whether a file is for the most part holes, which stay holes if it is kept as a file."""
    status = os.fstat(fd)
    return status.st_blocks * 512 * 2 < status.st_size


def _keep_chunked(
    store: ObjectStore, keeper: ChunkKeeper, fd: int, told: ScannedFile, tell: Tell, *, changes_too: bool
) -> tuple[ObjectId | None, bool]:
    """As :func:`_keep_large`, in chunks. All that is kept was read once, so it is what its names say."""
    while True:
        writer = ChunkWriter(keeper)
        os.lseek(fd, 0, os.SEEK_SET)
        writer.read(lambda memory: os.readv(fd, [memory]), tell)
        chunks = writer.end()
        is_settled = chunks.id.size == told.size and status_of(fd, told.name) == told
        if not is_settled and not changes_too:
            return None, False
        is_here = store.has_loose(chunks.id) or keeper.has(chunks.id)
        if (is_here and not store.refresh([chunks.id])) or keeper.keep(chunks):
            return chunks.id, is_settled


def copy_content(source: int, target: int, size: int, tell: Tell = tell_nobody) -> bool:
    """Copy a file's content to an empty one: as a reflink where the file system can, else within the kernel, else by
    reading and writing. ``size`` bytes at most, which is fewer if the file has been cut off. Holes stay holes.
    Returns False if it became a reflink, which takes no time."""
    if make_reflink(source, target):
        return False
    _copy_data(source, target, size, tell)
    return True


def _copy_data(source: int, target: int, size: int, tell: Tell = tell_nobody) -> None:
    size = min(size, os.fstat(source).st_size)
    done = 0
    for start, end in data_ranges(source, size):
        done = _copy_range(source, target, start, end, tell)
        if done < end:
            break  # cut off
    else:
        done = size
    if os.fstat(target).st_size < done:  # it ends with a hole
        os.ftruncate(target, done)


def make_reflink(source: int, target: int) -> bool:
    """Let a file share the content of another, if the file system can."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
        return True
    except OSError as e:
        if e.errno not in _CANNOT:
            raise
        return False


def data_ranges(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Where the first ``size`` bytes of a file hold something: all but its holes."""
    if os.fstat(fd).st_blocks * 512 >= size:
        yield 0, size
        return
    end = 0
    while end < size:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
            end = min(os.lseek(fd, start, os.SEEK_HOLE), size)
        except OSError as e:
            if e.errno == errno.ENXIO:  # nothing but a hole is left
                return
            if e.errno not in _CANNOT:
                raise
            start, end = end, size
        if start < size:
            yield start, end


def _copy_range(source: int, target: int, start: int, end: int, tell: Tell) -> int:
    """Returns how far it came."""
    done = start
    try:
        while done < end and (count := os.copy_file_range(source, target, min(_COPY_BYTES, end - done), done, done)):
            done += count
            tell(count)
    except (AttributeError, OSError) as e:
        if isinstance(e, OSError) and e.errno not in _CANNOT:
            raise
        os.lseek(target, done, os.SEEK_SET)
        while done < end and (chunk := os.pread(source, min(_BUFFER_BYTES, end - done), done)):
            written = os.write(target, chunk)
            done += written
            tell(written)
    return done


def copy_and_hash(source: int, target: int, size: int, tell: Tell = tell_nobody) -> ObjectId:
    """Copy a file's content to an empty one, and name it. What is nothing but zeros becomes a hole."""
    if make_reflink(source, target):
        return hash_open_file(target, tell)
    if os.fstat(source).st_blocks * 512 < os.fstat(source).st_size:
        _copy_data(source, target, size)
        return hash_open_file(target, tell)
    digest = threaded_blake3()
    done = 0
    while done < size and (chunk := os.pread(source, min(_HOLE_BYTES, size - done), done)):
        digest.update(chunk)
        if chunk != _ZEROS[: len(chunk)]:
            written = 0
            while written < len(chunk):
                written += os.pwrite(target, chunk[written:] if written else chunk, done + written)
        done += len(chunk)
        tell(len(chunk))
    os.ftruncate(target, done)
    return ObjectId(done, digest.digest())
