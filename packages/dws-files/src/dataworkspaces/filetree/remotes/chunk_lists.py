"""The chunk lists of a remote, and those of contents that are files of their own here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.hashing import threaded_blake3
from dataworkspaces.filetree.objects.chunks import ChunkList, Cutter
from dataworkspaces.filetree.objects.ids import DamagedContentError, ObjectId

if TYPE_CHECKING:
    from dataworkspaces.filetree.objects.store import ObjectStore
    from dataworkspaces.filetree.remotes.places import Place

DIRECTORY = "chunked"
_BLOCK = 8 << 20


class RemoteChunkLists:
    """:param names: gives the lists that are there, with their sizes in bytes: one request."""

    def __init__(self, place: Place, cache: Path, names: dict[str, int]) -> None:
        self._place = place
        self._cache = cache
        self._names = names

    def read(self, object_id: ObjectId, *, anew: bool = False) -> ChunkList | None:
        """The chunks of a content, None if it is not there in chunks; raises MetadataError for a damaged list.

        :param anew: what was read earlier does not count."""
        size = self._names.get(relative(object_id))
        if size is None:
            return None
        what = f"The list of the chunks of {object_id.hex} at the remote {self._place.url}"
        cached = self._cache / f"{object_id.hex}.chunks"
        with suppress(OSError, MetadataError):
            data = b"" if anew else cached.read_bytes()
            if len(data) == size:
                return ChunkList.parse(data, object_id, what)
        path = self._place.path(f"{DIRECTORY}/{relative(object_id)}")
        try:
            data = bytes(self._place.do("reading a list of chunks", lambda fs: fs.cat_file(path)))
        except FileNotFoundError:
            return None
        chunks = ChunkList.parse(data, object_id, what)
        self._cache.mkdir(parents=True, exist_ok=True)
        temporary = cached.with_name(f"{os.urandom(8).hex()}.tmp")
        temporary.write_bytes(data)
        temporary.replace(cached)
        return chunks


def relative(object_id: ObjectId) -> str:
    return f"{object_id.hex[:2]}/{object_id.hex[2:]}"


@dataclass(frozen=True)
class ChunkSource:
    """Where the chunks of contents are here: in the store, or in files that it keeps whole.

    :ivar files: of chunks in such files, the path and where they start."""

    store: ObjectStore
    files: dict[ObjectId, tuple[Path, int]] = field(default_factory=dict)

    def list_of(self, object_id: ObjectId) -> ChunkList:
        """The chunks of a content that is here; raises MetadataError if it is missing or damaged."""
        path = self.store.loose_path(object_id)
        if not self.store.has_loose(object_id):
            chunks = self.store.chunk_lists.read(object_id)
            if chunks is None:
                raise self.store.missing_error(object_id)
            return chunks
        chunks = cut_file(path, object_id)
        start = 0
        for chunk in chunks:
            self.files.setdefault(chunk, (path, start))
            start += chunk.size
        return chunks

    def part(self, ids: Iterable[ObjectId]) -> ChunkSource:
        """What is needed of it for some chunks."""
        return ChunkSource(self.store, {i: self.files[i] for i in ids if i in self.files})

    def contents(self, ids: Sequence[ObjectId]) -> Iterator[tuple[ObjectId, bytes]]:
        """Chunks, and other small contents, verified."""
        located = self.store.locate_chunks(ids)
        for object_id in ids:
            if object_id in self.files:
                yield object_id, self._read_in_file(object_id)
            else:
                yield object_id, self.store.read_located(object_id, located.get(object_id))

    def _read_in_file(self, object_id: ObjectId) -> bytes:
        path, start = self.files[object_id]
        with path.open("rb") as file:
            content = os.pread(file.fileno(), object_id.size, start)
        if not object_id.names(content):
            raise DamagedContentError(f"{path} is damaged: its content does not match its hash", object_id=object_id)
        return content


def cut_file(path: Path, object_id: ObjectId) -> ChunkList:
    """The chunks of a content that lies in a file; raises DamagedContentError if it is another."""
    cutter, whole, size = Cutter(), threaded_blake3(), 0
    chunks: list[ObjectId] = []
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            whole.update(block)
            size += len(block)
            chunks += [ObjectId(len(c), blake3(c).digest()) for c in cutter.cut(block, is_last=not block)]
            if not block:
                break
    if (size, whole.digest()) != object_id:
        raise DamagedContentError(f"{path} is damaged: its content does not match its hash", object_id=object_id)
    return ChunkList.of(object_id, chunks)
