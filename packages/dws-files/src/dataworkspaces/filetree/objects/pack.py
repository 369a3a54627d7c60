"""Packs: immutable files that hold many small contents.

======================= =========================================================================
8 bytes                 ``DWSPACK2``
contents                one after the other, as they are or in frames: what gets smaller by it is
                        compressed, about 64 KiB of contents together (Zstandard)
index                   52 bytes a content, in the order of the digests: the digest (32 bytes); where
                        in the file it or its frame starts (8 bytes, little-endian as all numbers);
                        the length of the frame, 0 if there is none; where in what the frame holds it
                        starts; its size (4 bytes each)
footer, 48 bytes        the number of contents (8 bytes), the BLAKE3 of the index (32), ``DWSPACK2``
======================= =========================================================================

A pack's name is the BLAKE3 of its index. So it can be read from its end by ranges, wherever it lies.

Stores of format 1 have packs ``DWSPACK1``, which are read as well. They know no frames, and their index has 48 bytes a
content: the digest, where it starts, and its size (8 bytes each).
"""

from __future__ import annotations

import os
import struct
import threading
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from dataworkspaces.durability import start_flushing
from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.objects.compression import MOST, Bytes, Compressor, decompressed
from dataworkspaces.filetree.objects.ids import DamagedContentError, ObjectId, new_tuple
from dataworkspaces.toolbox.shared_directories import sealed_mode

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

MAGIC = b"DWSPACK2"
MAGIC_1 = b"DWSPACK1"
SUFFIX = ".pack"
ENTRY = struct.Struct("<32sQIII")
ENTRY_1 = struct.Struct("<32sQQ")
FOOTER = struct.Struct("<Q32s8s")
_TOGETHER = 64 << 10
"""Bytes of contents that are compressed together."""
_ON_ITS_WAY = 32 << 20
"""Bytes of a new pack after which the disk gets to work, while the next ones are computed."""
_WRITTEN_AT_ONCE = 1 << 20
_MOST_PARTS = 512
"""Pieces of memory that are written with one call; a system may allow 1,024."""
_kept_open = threading.BoundedSemaphore(64)
"""How many packs stay open, in all stores of a process: a process may have 256 files open, and need most of them."""


class Slot(NamedTuple):
    """Where a content is in a pack. :ivar start, length: the bytes there: those of the content, or of a frame.
    :ivar offset: where the content starts in what the frame holds; -1 if there is no frame."""

    start: int
    length: int
    offset: int = -1

    @property
    def end(self) -> int:
        return self.start + self.length


Place = tuple[str, Slot]
"""The name of a pack, and where in it."""


class Footer(NamedTuple):
    """What the end of a pack says of its index: where it starts, how many contents it has, its BLAKE3, its entries."""

    start: int
    contents: int
    digest: bytes
    entry: struct.Struct

    @property
    def size(self) -> int:
        """Of the index, in bytes."""
        return self.contents * self.entry.size


class PackIndex:
    """Which contents a pack holds, and where. :param data: the bytes of the index, checked by :func:`parse_footer`."""

    def __init__(self, data: bytes, entry: struct.Struct = ENTRY) -> None:
        self._data = data
        self._entry = entry
        self._count = len(data) // entry.size

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackIndex) and self._data == other._data

    __hash__ = None  # type: ignore[assignment]

    def find(self, digest: bytes) -> Slot | None:
        """Where a content is in the pack; None if it is not in it."""
        number = self._number(digest)
        return None if number is None else self.slot(number)

    def entries(self, digests: Collection[bytes], first: int = 0) -> dict[bytes, int]:
        """Those of some contents that the pack holds, each with the number of its entry, counted from ``first``."""
        if len(digests) * 15 > self._count:  # looking for each takes about so many steps
            return {digest: number for number, digest in enumerate(self.digests(), first) if digest in digests}
        found = ((digest, self._number(digest)) for digest in digests)
        return {digest: first + number for digest, number in found if number is not None}

    def slot(self, number: int) -> Slot:
        """Where the content of an entry is in the pack."""
        _, *numbers = self._entry.unpack_from(self._data, number * self._entry.size)
        return _slot(*numbers)[1]

    def size(self, number: int) -> int:
        """The bytes of the content of an entry."""
        size: int = self._entry.unpack_from(self._data, number * self._entry.size)[-1]
        return size

    def __iter__(self) -> Iterator[tuple[ObjectId, Slot]]:
        """The contents, each with where it is, in the order of the digests."""
        for digest, *numbers in self._entry.iter_unpack(self._data):
            size, place = _slot(*numbers)
            yield ObjectId(size, digest), place

    def ids(self) -> Iterator[ObjectId]:
        for entry in self._entry.iter_unpack(self._data):
            yield ObjectId(entry[-1], entry[0])

    def digests(self) -> Iterator[bytes]:
        digests: Iterator[tuple[bytes]] = struct.Struct(f"32s{self._entry.size - 32}x").iter_unpack(self._data)
        return chain.from_iterable(digests)

    def _number(self, digest: bytes) -> int | None:
        """The number of the entry of a content."""
        number = bisect_left(range(self._count), digest, key=self._digest)
        return number if number < self._count and self._digest(number) == digest else None

    def _digest(self, number: int) -> bytes:
        start = number * self._entry.size
        return self._data[start : start + 32]


def _slot(start: int, *rest: int) -> tuple[int, Slot]:
    """The size of a content, and where it is: of the numbers in an index."""
    size = rest[-1]
    if len(rest) == 1 or not rest[0]:
        return size, new_tuple(Slot, (start, size, -1))
    return size, new_tuple(Slot, (start, rest[0], rest[1]))


def parse_footer(footer: bytes, size: int, what: str) -> Footer:
    """Of a pack of ``size`` bytes. Raises MetadataError, which names the pack, if it cannot be one."""
    if len(footer) == FOOTER.size:
        count, digest, magic = FOOTER.unpack(footer)
        entry = {MAGIC: ENTRY, MAGIC_1: ENTRY_1}.get(magic)
        start = size - FOOTER.size - count * (0 if entry is None else entry.size)
        if entry is not None and start >= len(MAGIC):
            return Footer(start, count, digest, entry)
    raise MetadataError(f"{what} is damaged: it is cut short")


def parse_index(data: bytes, footer: Footer, what: str) -> PackIndex:
    """The index of a pack; raises MetadataError if it is not what the footer says, or names what cannot be in the
    pack."""
    if len(data) != footer.size or blake3(data).digest() != footer.digest:
        raise MetadataError(f"{what} is damaged: its index does not match its hash")
    index = PackIndex(data, footer.entry)
    previous, least, most = b"", len(MAGIC), footer.start
    knows_frames = footer.entry is ENTRY
    for entry in footer.entry.iter_unpack(data):
        found, start, size = entry[0], entry[1], entry[-1]
        is_framed = knows_frames and entry[2] > 0
        is_possible = entry[3] + size <= MOST if is_framed else True
        if found <= previous or start < least or start + (entry[2] if is_framed else size) > most or not is_possible:
            raise MetadataError(f"{what} is damaged: its index is not valid")
        previous = found
    return index


class Unpacker(threading.local):
    """Takes contents out of what a pack holds at their places. Contents of one frame that a thread asks for one after
    the other cost one decompression."""

    def __init__(self) -> None:
        self._last: tuple[int, bytes | None] = (-1, None)

    def content(self, object_id: ObjectId, slot: Slot, stored: bytes | Callable[[], bytes]) -> bytes:
        """A content, unchecked; of a damaged frame nothing. :param stored: the bytes there, or who reads them."""
        if slot.offset < 0:
            return stored if isinstance(stored, bytes) else stored()
        start, data = self._last
        if start != slot.start:
            data = decompressed(stored if isinstance(stored, bytes) else stored())
            self._last = (slot.start, data)
        return b"" if data is None else data[slot.offset : slot.offset + object_id.size]


class Pack:
    """A pack on this machine. Opened when it is looked into; :meth:`close` may be called any time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        self._index: PackIndex | None = None
        self._lock = threading.Lock()
        self._unpacker = Unpacker()

    def __reduce__(self) -> tuple[type[Pack], tuple[Path]]:
        return (Pack, (self.path,))  # tasks that run elsewhere open it themselves

    @property
    def index(self) -> PackIndex:
        """Raises MetadataError if the pack is damaged, OSError if it cannot be read."""
        if self._index is None:
            with self._opened() as fd:
                size = os.fstat(fd).st_size
                found = os.pread(fd, FOOTER.size, max(0, size - FOOTER.size))
                footer = parse_footer(found, size, str(self.path))
                self._index = parse_index(os.pread(fd, footer.size, footer.start), footer, str(self.path))
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
        return None if found is None else self.read_at(object_id, found)

    def read_at(self, object_id: ObjectId, place: Slot) -> bytes:
        """A content, from its place; raises MetadataError if something else is there."""
        content = self._unpacker.content(object_id, place, lambda: self.stored(place))
        if not object_id.names(content):
            told = f"{self.path} is damaged: the content {object_id.hex} in it is another"
            raise DamagedContentError(told, object_id=object_id)
        return content

    def stored(self, place: Slot) -> bytes:
        """What lies at a place, unchecked."""
        with self._opened() as fd:
            return os.pread(fd, place.length, place.start)

    def contents(self) -> Iterator[tuple[ObjectId, Slot]]:
        """What is in the pack and where, in the order in which it lies there."""
        return iter(sorted(self.index, key=lambda entry: (entry[1].start, entry[1].offset)))

    def verify(self) -> None:
        """Read all of it; raises MetadataError if anything is damaged."""
        for object_id, place in self.contents():
            self.read_at(object_id, place)

    def close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)
            _kept_open.release()

    def __del__(self) -> None:
        self.close()


class PackWriter:
    """Writes one pack, content by content, into a temporary file of a directory; then renames it.

    :param temporary: a directory of the same file system.
    :param thread: an executor of one thread, which writes meanwhile; by default the caller does."""

    def __init__(self, temporary: Path, thread: Executor | None = None) -> None:
        self._thread = thread
        self._writing: list[Future[None]] = []
        self._last: Future[None] | None = None
        self._failed: BaseException | None = None
        self._path = temporary / f"{os.urandom(12).hex()}{SUFFIX}"
        self._file = self._path.open("xb", buffering=0)
        self._digests: set[bytes] = set()
        self._entries: list[bytes] = []
        self._size = 0
        self._on_its_way = 0
        self._together: list[tuple[ObjectId, Bytes]] = []
        self._waiting = 0
        self._unwritten: list[Bytes] = []
        self._unwritten_bytes = 0
        self._compressor = Compressor()
        self._write(MAGIC)

    def __len__(self) -> int:
        return len(self._digests)

    @property
    def size(self) -> int:
        """The bytes so far: as they lie there, and of what waits to be compressed."""
        return self._size - len(MAGIC) + self._waiting

    def add(self, object_id: ObjectId, content: Bytes) -> None:
        """Add a content, unless it is there already. The caller knows that it is what ``object_id`` names, and that it
        does not change before :meth:`flush`, and what that returns, is done."""
        if object_id.digest in self._digests:
            return
        self._digests.add(object_id.digest)
        self._together.append((object_id, content))
        self._waiting += len(content)
        if self._waiting >= _TOGETHER:
            self._write_together()

    def flush(self) -> list[Future[None]]:
        """Have all written that was added. Who writes it, and does not use it any more once that is done."""
        if self._together:
            self._write_together()
        self._write_out()
        writing, self._writing = self._writing, []
        return writing

    def _write_together(self) -> None:
        contents = [content for _, content in self._together]
        data = contents[0] if len(contents) == 1 else b"".join(contents)
        frame = self._compressor.compressed(data) if len(data) <= MOST else None
        offset = 0
        for (size, digest), _ in self._together:
            where = (self._size + offset, 0, 0) if frame is None else (self._size, len(frame), offset)
            self._entries.append(ENTRY.pack(digest, *where, size))
            offset += size
        self._write(data if frame is None else frame)
        self._together, self._waiting = [], 0

    def _write(self, data: Bytes) -> None:
        self._unwritten.append(data)
        self._unwritten_bytes += len(data)
        self._size += len(data)
        if self._unwritten_bytes >= _WRITTEN_AT_ONCE:
            self._write_out()

    def _write_out(self) -> None:
        if not self._unwritten:
            return
        if self._thread is None:
            self._write_parts(self._unwritten, self._size)
        else:
            self._last = self._thread.submit(self._write_parts, self._unwritten, self._size)
            self._writing.append(self._last)
        self._unwritten, self._unwritten_bytes = [], 0

    def _write_parts(self, contents: list[Bytes], size: int) -> None:
        """Write the next contents, up to this size; after an error nothing, for they would lie at other places."""
        if self._failed is not None:
            raise self._failed
        try:
            fd = self._file.fileno()
            write_all(fd, contents)
            if size - self._on_its_way >= _ON_ITS_WAY:
                start_flushing(fd, max(0, size - 4 * _ON_ITS_WAY))
                self._on_its_way = size
        except BaseException as e:
            self._failed = e
            raise

    def finish(self, directory: Path) -> Path:
        """Put the pack in place, on disk. One that is there already is the same, and is replaced."""
        self.flush()
        if self._last is not None:
            self._last.result()
        self._thread = None
        self._entries.sort()
        index = b"".join(self._entries)
        digest = blake3(index).digest()
        with self._file:
            self._write(index)
            self._write(FOOTER.pack(len(self._entries), digest, MAGIC))
            self._write_out()
            os.fsync(self._file.fileno())
        self._path.chmod(sealed_mode(directory))
        return self._path.replace(directory / f"{digest.hex()}{SUFFIX}")

    def discard(self) -> None:
        """Remove what was written. May be called twice, and after :meth:`finish`."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def write_all(fd: int, contents: Iterable[Bytes]) -> None:
    """Write pieces of memory, one after the other, from where the file stands."""
    parts = [memoryview(content) for content in contents if len(content)]
    while parts:
        written = os.writev(fd, parts[:_MOST_PARTS])
        done = 0
        while done < len(parts) and written >= len(parts[done]):
            written -= len(parts[done])
            done += 1
        del parts[:done]
        if written:
            parts[0] = parts[0][written:]


def write_pack(temporary: Path, directory: Path, contents: Iterable[tuple[ObjectId, bytes]]) -> Path | None:
    """A pack of these contents; None, and no file, if there are none."""
    writer = PackWriter(temporary)
    try:
        for object_id, content in contents:
            writer.add(object_id, content)
        return writer.finish(directory) if len(writer) else None
    finally:
        writer.discard()
