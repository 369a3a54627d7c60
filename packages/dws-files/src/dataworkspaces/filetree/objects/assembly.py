"""Contents that are kept in chunks, read as one."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import TYPE_CHECKING

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.hashing import Tell, tell_nobody, threaded_blake3
from dataworkspaces.filetree.objects.chunks import ChunkList
from dataworkspaces.filetree.objects.ids import DamagedContentError, ObjectId

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from dataworkspaces.filetree.objects.pack import Place
    from dataworkspaces.filetree.objects.store import ObjectStore

_AT_ONCE = 128


def parts_of(store: ObjectStore, chunks: ChunkList, tell: Tell = tell_nobody) -> Iterator[bytes]:
    """What a content holds, some MiB at a time, each chunk verified; raises DamagedContentError, which names the
    content, for a chunk that is missing or damaged, and at the end if the whole is another content."""
    whole, size = threaded_blake3(), 0
    located = store.locate_chunks(set(chunks))
    with ThreadPoolExecutor(1) as threads:
        part: list[bytes] = []
        for number, chunk in enumerate(chunks, start=1):
            part.append(_read(store, chunks.id, chunk, located.get(chunk)))
            if number % _AT_ONCE == 0 or number == len(chunks):
                data = b"".join(part)
                part.clear()
                hashing = threads.submit(whole.update, data)  # while it is written
                yield data
                hashing.result()
                size += len(data)
                tell(len(data))
    if (size, whole.digest()) != chunks.id:
        raise _damaged(store, chunks.id, "its chunks make another content")


def copy_chunks(store: ObjectStore, chunks: ChunkList, target: int, tell: Tell = tell_nobody) -> None:
    """Write a content to an empty file. What is nothing but zeros becomes a hole. Raises as :func:`parts_of`, after it
    has written."""
    done = 0
    for data in parts_of(store, chunks, tell):
        if data.strip(b"\0"):
            written = 0
            while written < len(data):
                written += os.pwrite(target, data[written:] if written else data, done + written)
        done += len(data)
    os.ftruncate(target, done)


class ChunkedFile(io.RawIOBase):
    """A content that is read as a file, from any place in it; each chunk is verified."""

    def __init__(self, store: ObjectStore, chunks: ChunkList) -> None:
        super().__init__()
        self._store = store
        self._id = chunks.id
        self._chunks = list(chunks)
        self._ends = list(accumulate(chunk.size for chunk in self._chunks))
        self._located = store.locate_chunks(set(self._chunks))
        self._place = 0
        self._last: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._id.size}[whence]
        if start + offset < 0:
            raise ValueError(f"negative seek position {start + offset}")
        self._place = start + offset
        return self._place

    def readinto(self, buffer: WriteableBuffer) -> int:
        if self._place >= self._id.size:
            return 0
        number = bisect_right(self._ends, self._place)
        if self._last[0] != number:
            chunk = self._chunks[number]
            self._last = (number, _read(self._store, self._id, chunk, self._located.get(chunk)))
        content = self._last[1]
        start = self._place - (self._ends[number] - len(content))
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(content) - start)
        view[:count] = content[start : start + count]
        self._place += count
        return count


def _read(store: ObjectStore, whole: ObjectId, chunk: ObjectId, place: Place | None) -> bytes:
    try:
        return store.read_located(chunk, place)
    except MetadataError as e:
        raise _damaged(store, whole, e.message) from e


def _damaged(store: ObjectStore, object_id: ObjectId, why: str) -> DamagedContentError:
    told = f"The content {object_id.hex} in the object store {store.root} is damaged: {why}"
    return DamagedContentError(told, object_id=object_id)
