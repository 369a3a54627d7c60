"""Keeping files of a tree: a task that can be sent to a thread, another process or another machine."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

from dataworkspaces.filetree.hashing import OPEN_FLAGS, status_of
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.store import LARGE, ObjectStore
from dataworkspaces.filetree.scan import ScannedFile

_FEW = 64
_FEW_BYTES = 1 << 20
_ATTEMPTS = 3
_FICLONE = 0x40049409
_COPY_BYTES = 1 << 30
_BUFFER_BYTES = 4 << 20
_CANNOT = (errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY, errno.EPERM, errno.EBADF)


class StoredFile(NamedTuple):
    """What came of a file: the name of its content, and its status while it held that; or the problem."""

    id: ObjectId | None
    file: ScannedFile | None
    problem: str = ""


def store_files(store: ObjectStore, root: str, files: Sequence[tuple[str, ScannedFile]]) -> list[StoredFile]:
    """Keep files below ``root``: paths relative to it, and what a scan told of each.

    Small ones make one pack, unless they are few. A content that is in the store already is not kept twice. Raises
    OSError if the store cannot be written to."""
    results: list[StoredFile | None] = [None] * len(files)
    small: dict[ObjectId, bytes] = {}
    for place, (path, file) in enumerate(files):
        try:
            fd = os.open(f"{root}/{path}", OPEN_FLAGS)
        except OSError as e:
            results[place] = StoredFile(None, None, e.strerror or str(e))
            continue
        try:
            results[place] = _store(store, fd, file, small)
        finally:
            os.close(fd)
    _keep_small(store, small)
    return [result for result in results if result is not None]


def _store(store: ObjectStore, fd: int, told: ScannedFile, small: dict[ObjectId, bytes]) -> StoredFile:
    for _ in range(_ATTEMPTS):
        try:
            content = b"" if told.size >= LARGE else os.read(fd, told.size + 1)
            now = status_of(fd, told.name)
        except OSError as e:
            return StoredFile(None, None, e.strerror or str(e))
        if told.size < LARGE:
            if now == told and len(content) == told.size:
                object_id = ObjectId(told.size, blake3(content).digest())
                small[object_id] = content
                return StoredFile(object_id, now)
        else:
            kept = _keep_large(store, fd, now)
            if kept is not None:
                return StoredFile(kept, now)
            now = status_of(fd, told.name)
        told = now
        os.lseek(fd, 0, os.SEEK_SET)
    return StoredFile(None, None, "it changes while it is read")


def _keep_small(store: ObjectStore, small: dict[ObjectId, bytes]) -> None:
    missing = store.missing(small)
    missing |= store.refresh(small.keys() - missing)
    if len(missing) < _FEW and sum(i.size for i in missing) < _FEW_BYTES:
        for object_id in missing:
            store.add_stream(object_id, [small[object_id]])
        return
    writer = store.pack_writer()
    try:
        for object_id, content in small.items():
            if object_id in missing:
                writer.add(object_id, content)
        writer.finish(store.packs_directory)
    finally:
        writer.discard()


def _keep_large(store: ObjectStore, fd: int, told: ScannedFile) -> ObjectId | None:
    """Keep the content of an open file; None if the file was changed meanwhile.

    It is copied first, and the copy is hashed, so that what is kept is what its name says."""
    temporary = store.temporary / os.urandom(12).hex()
    try:
        copy = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            copy_content(fd, copy, told.size)
            object_id = hash_open_file(copy)
            if object_id.size != told.size or status_of(fd, told.name) != told:
                return None
            if store.has_loose(object_id) and not store.refresh([object_id]):
                return object_id
            os.fsync(copy)
        finally:
            os.close(copy)
        store.place(temporary, object_id)
        return object_id
    finally:
        Path(temporary).unlink(missing_ok=True)


def copy_content(source: int, target: int, size: int) -> None:
    """Copy a file's content to an empty one: as a reflink where the file system can, else within the kernel, else by
    reading and writing. ``size`` bytes at most, which is fewer if the file has been cut off."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
        return
    except OSError as e:
        if e.errno not in _CANNOT:
            raise
    done = 0
    try:
        while done < size and (count := os.copy_file_range(source, target, min(_COPY_BYTES, size - done), done, done)):
            done += count
    except (AttributeError, OSError) as e:
        if isinstance(e, OSError) and e.errno not in _CANNOT:
            raise
        os.lseek(target, done, os.SEEK_SET)
        while done < size and (chunk := os.pread(source, min(_BUFFER_BYTES, size - done), done)):
            done += os.write(target, chunk)


def hash_open_file(fd: int) -> ObjectId:
    """The name of what an open file holds."""
    digest = blake3(max_threads=blake3.AUTO)
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    size = 0
    while count := os.preadv(fd, [buffer], size):
        digest.update(buffer[:count])
        size += count
    return ObjectId(size, digest.digest())
