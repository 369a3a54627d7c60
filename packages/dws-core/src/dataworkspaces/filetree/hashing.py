"""What stands for a file in a manifest: its size, or a hash of its content."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.filetree.scan import Problems, Scan, ScannedFile

_BUFFER_BYTES = 1 << 20
_BATCH_FILES = 64
_BATCH_BYTES = 4 << 20
_ATTEMPTS = 3


@dataclass(frozen=True)
class Hasher:
    """A way to tell one version of a file from another.

    :param value_of: the value in the manifest, of the file at a path; raises OSError.
    :param reads_content: it takes time, and is done in threads.
    """

    name: str
    value_of: Callable[[Path, ScannedFile], str]
    reads_content: bool


def _size(_path: Path, file: ScannedFile) -> str:
    return str(file.size)


def _size_and_time(_path: Path, file: ScannedFile) -> str:
    return f"{file.size}:{file.mtime_ns}"


def _sha1(path: Path, _file: ScannedFile) -> str:
    """The SHA-1 of a file's content. A file that changes while it is read is read again, a few times."""
    for _ in range(_ATTEMPTS):
        # No waiting for the other end of a pipe, should the file have become one since it was scanned.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb", buffering=0) as content:
            before = os.fstat(fd)
            if not stat.S_ISREG(before.st_mode):
                raise OSError(None, "it is no regular file any more")
            digest = hashlib.sha1(usedforsecurity=False)
            buffer = memoryview(bytearray(min(before.st_size + 1, _BUFFER_BYTES)))
            while count := content.readinto(buffer):
                digest.update(buffer[:count])
            after = os.fstat(fd)
        if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
            return digest.hexdigest()
    raise OSError(None, "it changes while it is read")


SIZE = Hasher("size", _size, reads_content=False)
SIZE_AND_TIME = Hasher("size-and-time", _size_and_time, reads_content=False)
"""Notices nearly every change without reading; says nothing on another machine."""
SHA1 = Hasher("sha1", _sha1, reads_content=True)


def hash_files(scan: Scan, hasher: Hasher, advance: Callable[[int], None] | None = None) -> list[str]:
    """The value of each file, in the order of :meth:`Scan.files`.

    ``advance`` is told how many more are done. Raises ConfigurationError, which names them, for files that
    cannot be read, once all others have been."""
    if not hasher.reads_content:
        return [hasher.value_of(scan.root, file) for _, file in scan.files()]
    from concurrent.futures import ThreadPoolExecutor

    problems = Problems(scan.root)

    def hash_batch(batch: list[tuple[str, ScannedFile]]) -> list[str]:
        values = []
        for path, file in batch:
            try:
                values.append(hasher.value_of(scan.root / path, file))
            except OSError as e:
                problems.add(path, e)
                values.append("")
        return values

    values: list[str] = []
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        for batch_values in pool.map(hash_batch, _batches(scan.files())):
            values += batch_values
            if advance is not None:
                advance(len(batch_values))
    finally:
        pool.shutdown(cancel_futures=True)
    problems.check()
    return values


def _batches(files: Iterable[tuple[str, ScannedFile]]) -> Iterator[list[tuple[str, ScannedFile]]]:
    """Handing a task to a thread costs more than hashing a small file."""
    batch: list[tuple[str, ScannedFile]] = []
    size = 0
    for item in files:
        batch.append(item)
        size += item[1].size
        if len(batch) == _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
