"""Large contents in chunks: what two versions of a file have in common is kept, and sent, once.

Where a file is cut is told by what it holds (FastCDC), so an insertion changes the chunks around it and no others.
Chunks are small contents like any other, and lie in packs. Which ones make a content is in its chunk list:

======================= =========================================================================
8 bytes                 ``DWSLIST1``
content                 its size (8 bytes, little-endian) and its BLAKE3 (32 bytes)
chunks                  36 bytes each, in their order: the size (4 bytes), the BLAKE3
32 bytes                the BLAKE3 of all before
======================= =========================================================================
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from blake3 import blake3

from dataworkspaces.filetree.objects.compression import Bytes
from dataworkspaces.filetree.objects.ids import DamagedContentError, ObjectId

CHUNKED = 4 << 20
"""From this size on a content is kept in chunks, where the file system cannot share what two files have in common."""
_LEAST, _USUAL, MOST = 32 << 10, 64 << 10, (128 << 10) - 1
_MAGIC = b"DWSLIST1"
_HEAD = struct.Struct("<8sQ32s")
_CHUNK = struct.Struct("<I32s")
_DIGEST_SIZE = 32


class ChunkList:
    """The chunks of a content. :param data: of each its size and its BLAKE3."""

    def __init__(self, object_id: ObjectId, data: bytes) -> None:
        self.id = object_id
        self._data = data

    def __len__(self) -> int:
        return len(self._data) // _CHUNK.size

    def __iter__(self) -> Iterator[ObjectId]:
        return (ObjectId(size, digest) for size, digest in _CHUNK.iter_unpack(self._data))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ChunkList) and (self.id, self._data) == (other.id, other._data)

    __hash__ = None  # type: ignore[assignment]

    def digests(self) -> Iterator[bytes]:
        return (digest for _, digest in _CHUNK.iter_unpack(self._data))

    @staticmethod
    def of(object_id: ObjectId, chunks: Iterable[ObjectId]) -> ChunkList:
        return ChunkList(object_id, b"".join([_CHUNK.pack(chunk.size, chunk.digest) for chunk in chunks]))

    def to_bytes(self) -> bytes:
        data = _HEAD.pack(_MAGIC, *self.id) + self._data
        return data + blake3(data).digest()

    @staticmethod
    def parse(data: bytes, object_id: ObjectId, what: str) -> ChunkList:
        """Raises DamagedContentError, which names what it is, if it is no list of the chunks of a content."""
        inside = data[_HEAD.size : -_DIGEST_SIZE]
        is_whole = len(data) >= _HEAD.size + _DIGEST_SIZE and len(inside) % _CHUNK.size == 0
        if is_whole and blake3(data[:-_DIGEST_SIZE]).digest() == data[-_DIGEST_SIZE:]:
            found = ChunkList(object_id, inside)
            sizes = [chunk.size for chunk in found]
            is_possible = sum(sizes) == object_id.size and all(0 < size <= MOST for size in sizes)
            if data.startswith(_HEAD.pack(_MAGIC, *object_id)) and is_possible:
                return found
        raise DamagedContentError(f"{what} is damaged: it is not a list of chunks", object_id=object_id)


def read_list(data: bytes, hexadecimal: str, what: str) -> ChunkList:
    """A list, of which only the digest of its content is known; raises DamagedContentError."""
    size, digest = _HEAD.unpack(data[: _HEAD.size])[1:] if len(data) >= _HEAD.size else (0, b"")
    object_id = ObjectId(size, digest)
    if object_id.hex != hexadecimal:
        raise DamagedContentError(f"{what} is damaged: it is not a list of chunks")
    return ChunkList.parse(data, object_id, what)


def digests_in(data: bytes) -> Iterator[bytes]:
    """What may be digests of chunks in a list that may be damaged: so that nobody removes them for that."""
    inside = data[_HEAD.size : max(0, len(data) - _DIGEST_SIZE)]
    return (digest for _, digest in _CHUNK.iter_unpack(inside[: len(inside) // _CHUNK.size * _CHUNK.size]))


class Cutter:
    """Cuts what comes in parts of any size into chunks; the same bytes give the same chunks, however they come."""

    def __init__(self) -> None:
        from pyfastcdc import FastCDC

        self._cutter = FastCDC(_USUAL, min_size=_LEAST, max_size=MOST, normalized_chunking=2, seed=0)
        self._left = b""

    def cut(self, part: Bytes, *, is_last: bool = False) -> Iterator[memoryview]:
        """The chunks whose ends are known now. ``part`` must not change as long as they are in use."""
        data = memoryview(b"".join([self._left, part]) if self._left else part)
        chunks, end = self.cut_all(data, is_last=is_last)
        self._left = bytes(data[end:])
        return iter(chunks)

    def cut_all(self, data: memoryview, *, is_last: bool = False) -> tuple[list[memoryview], int]:
        """The chunks of what starts where a chunk does, and where the last one ends. What is behind that, which is less
        than :data:`MOST`, has to come again, with what follows it."""
        chunks, end = [], 0
        for chunk in self._cutter.cut_buf(data):
            if chunk.offset + MOST > len(data) and not is_last:
                break  # it may end elsewhere, once more is there
            end = chunk.offset + chunk.length
            chunks.append(chunk.data)
        return chunks, end
