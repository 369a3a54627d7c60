"""Packs: immutable files that hold many small contents.

======================= =========================================================================
8 bytes                 ``DWSPACK1``
contents                one after the other
index                   48 bytes a content, in the order of the digests: the digest (32 bytes), where
                        it starts in the file, and its size (8 bytes each, little-endian)
footer, 48 bytes        the number of contents (8 bytes), the BLAKE3 of the index (32), ``DWSPACK1``
======================= =========================================================================

A pack's name is the BLAKE3 of its index. So it can be read from its end by ranges, wherever it lies.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from blake3 import blake3

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.objects.ids import DamagedContentError, ObjectId
from dataworkspaces.toolbox.shared_directories import sealed_mode

MAGIC = b"DWSPACK1"
SUFFIX = ".pack"
ENTRY = struct.Struct("<32sQQ")
FOOTER = struct.Struct("<Q32s8s")
_kept_open = threading.BoundedSemaphore(64)
"""How many packs stay open, in all stores of a process: a process may have 256 files open, and need most of them."""


class PackIndex:
    """Which contents a pack holds, and where. :param data: the bytes of the index, checked by :func:`parse_footer`."""

    def __init__(self, data: bytes | mmap.mmap, offset: int = 0, count: int | None = None) -> None:
        self._data = data
        self._offset = offset
        self._count = len(data) // ENTRY.size if count is None else count

    def __len__(self) -> int:
        return self._count

    def find(self, digest: bytes) -> tuple[int, int] | None:
        """Where a content starts in the pack, and its size; None if it is not in it."""
        place = bisect_left(range(self._count), digest, key=self._digest)
        if place < self._count and self._digest(place) == digest:
            _, start, size = ENTRY.unpack_from(self._data, self._offset + place * ENTRY.size)
            return start, size
        return None

    def __iter__(self) -> Iterator[tuple[ObjectId, int]]:
        """The contents, each with where it starts, in the order of the digests."""
        end = self._offset + self._count * ENTRY.size
        for digest, start, size in ENTRY.iter_unpack(self._data[self._offset : end]):
            yield ObjectId(size, digest), start

    def _digest(self, place: int) -> bytes:
        start = self._offset + place * ENTRY.size
        return bytes(self._data[start : start + 32])


def parse_footer(footer: bytes, size: int, what: str) -> tuple[int, int, bytes]:
    """Of a pack of ``size`` bytes: where its index starts, how many contents it holds, the BLAKE3 of the index.

    Raises MetadataError, which names the pack, if that cannot be."""
    if len(footer) == FOOTER.size:
        count, digest, magic = FOOTER.unpack(footer)
        start = size - FOOTER.size - count * ENTRY.size
        if magic == MAGIC and start >= len(MAGIC):
            return start, count, digest
    raise MetadataError(f"{what} is damaged: it does not end as a pack does")


def parse_index(data: bytes, start: int, digest: bytes, what: str) -> PackIndex:
    """The index of a pack in which it starts at ``start``; raises MetadataError if it is not what the footer says, or
    names what cannot be in the pack."""
    if blake3(data).digest() != digest:
        raise MetadataError(f"{what} is damaged: its index has another hash")
    previous = b""
    for found, offset, size in ENTRY.iter_unpack(data):
        if found <= previous or offset < len(MAGIC) or offset + size > start:
            raise MetadataError(f"{what} is damaged: its index is not valid")
        previous = found
    return PackIndex(data)


class Pack:
    """A pack on this machine. Opened when it is looked into; :meth:`close` may be called any time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        self._index: PackIndex | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Pack], tuple[Path]]:
        return (Pack, (self.path,))  # tasks that run elsewhere open it themselves

    @property
    def index(self) -> PackIndex:
        """Raises MetadataError if the pack is damaged, OSError if it cannot be read."""
        if self._index is None:
            with self._opened() as fd:
                size = os.fstat(fd).st_size
                footer = os.pread(fd, FOOTER.size, max(0, size - FOOTER.size))
                start, count, digest = parse_footer(footer, size, str(self.path))
                self._index = parse_index(os.pread(fd, count * ENTRY.size, start), start, digest, str(self.path))
        return self._index

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """The open file. It stays open afterwards, unless too many are: then each look opens it anew."""
        if self._fd is not None:
            yield self._fd
            return
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with self._lock:
            is_kept = self._fd is None and _kept_open.acquire(blocking=False)
            if is_kept:
                self._fd = fd
        try:
            yield fd
        finally:
            if not is_kept:
                os.close(fd)

    def read(self, object_id: ObjectId) -> bytes | None:
        """A content, or None if it is not in this pack; raises MetadataError if it is damaged."""
        found = self.index.find(object_id.digest)
        if found is None:
            return None
        return self.read_at(object_id, found[0])

    def read_at(self, object_id: ObjectId, start: int) -> bytes:
        """A content, from where it starts; raises MetadataError if something else is there."""
        with self._opened() as fd:
            content = os.pread(fd, object_id.size, start)
        if not object_id.names(content):
            told = f"{self.path} is damaged: the content {object_id.hex} in it is another"
            raise DamagedContentError(told, object_id=object_id)
        return content

    def contents(self) -> Iterator[tuple[ObjectId, int]]:
        """What is in the pack and where it starts, in the order in which it lies there."""
        return iter(sorted(self.index, key=lambda entry: entry[1]))

    def verify(self) -> None:
        """Read all of it; raises MetadataError if anything is damaged."""
        for object_id, start in self.contents():
            self.read_at(object_id, start)

    def close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)
            _kept_open.release()

    def __del__(self) -> None:
        self.close()


class PackWriter:
    """Writes one pack, content by content, into a temporary file of a directory; then renames it.

    :param temporary: a directory of the same file system."""

    def __init__(self, temporary: Path) -> None:
        self._path = temporary / f"{os.urandom(12).hex()}{SUFFIX}"
        self._file = self._path.open("xb", buffering=1 << 20)
        self._file.write(MAGIC)
        self._entries: dict[bytes, tuple[int, int]] = {}
        self._size = len(MAGIC)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """The bytes of contents so far."""
        return self._size - len(MAGIC)

    def add(self, object_id: ObjectId, content: bytes) -> None:
        """Add a content, unless it is there already. The caller knows that it is what ``object_id`` names."""
        if object_id.digest not in self._entries:
            self._entries[object_id.digest] = (self._size, object_id.size)
            self._file.write(content)
            self._size += len(content)

    def finish(self, directory: Path) -> Path:
        """Put the pack in place, on disk. One that is there already is the same, and is replaced."""
        index = b"".join(ENTRY.pack(d, *place) for d, place in sorted(self._entries.items()))
        digest = blake3(index).digest()
        with self._file:
            self._file.write(index)
            self._file.write(FOOTER.pack(len(self._entries), digest, MAGIC))
            self._file.flush()
            os.fsync(self._file.fileno())
        self._path.chmod(sealed_mode(directory))
        return self._path.replace(directory / f"{digest.hex()}{SUFFIX}")

    def discard(self) -> None:
        """Remove what was written. May be called twice, and after :meth:`finish`."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def write_pack(temporary: Path, directory: Path, contents: Iterable[tuple[ObjectId, bytes]]) -> Path | None:
    """A pack of these contents; None, and no file, if there are none."""
    writer = PackWriter(temporary)
    try:
        for object_id, content in contents:
            writer.add(object_id, content)
        return writer.finish(directory) if len(writer) else None
    finally:
        writer.discard()
