"""Keeping large contents in chunks: those that are not in the store yet go into packs, then the lists are written."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from blake3 import blake3

from dataworkspaces.filetree.hashing import threaded_blake3
from dataworkspaces.filetree.objects.chunks import Bytes, ChunkList, Cutter
from dataworkspaces.filetree.objects.ids import ObjectId

if TYPE_CHECKING:
    from dataworkspaces.filetree.objects.pack import PackWriter
    from dataworkspaces.filetree.objects.store import ObjectStore

_PACK_BYTES = 512 << 20


class ChunkKeeper:
    """Keeps contents in chunks, whose packs they share. Nothing refers to what it writes before :meth:`finish`.

    May be closed at any time; then packs may be left that hold what nobody needs."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._known = store.packed()
        self._new: set[bytes] = set()
        self._lists: dict[ObjectId, ChunkList] = {}
        self._writer: PackWriter | None = None
        self.threads = ThreadPoolExecutor(1)

    def __enter__(self) -> ChunkKeeper:
        return self

    def __exit__(self, *_: object) -> None:
        self.threads.shutdown()
        if self._writer is not None:
            self._writer.discard()

    def add(self, object_id: ObjectId, chunk: memoryview) -> None:
        """Add a chunk, unless the store has it."""
        if object_id.digest in self._new or object_id.digest in self._known:
            return
        self._new.add(object_id.digest)
        if self._writer is None:
            self._writer = self._store.pack_writer()
        self._writer.add(object_id, bytes(chunk))
        if self._writer.size >= _PACK_BYTES:
            self._finish_pack()

    def has(self, object_id: ObjectId) -> bool:
        """Whether a content is here in chunks, or will be."""
        return object_id in self._lists or self._store.has_chunked(object_id)

    def keep(self, chunks: ChunkList) -> bool:
        """Have a content in the store, from :meth:`finish` on; False if somebody has removed chunks of it meanwhile, so
        that they have to be added again."""
        used = set(chunks.digests()) - self._new
        if used and not self._store.renew_packs(used):
            self._known = self._store.packed()
            return False
        self._lists[chunks.id] = chunks
        return True

    def finish(self) -> None:
        """Have all of it in place."""
        self._finish_pack()
        for chunks in self._lists.values():
            self._store.chunk_lists.place(chunks, self._store.new_temporary())
        self._lists.clear()

    def _finish_pack(self) -> None:
        if self._writer is not None:
            self._writer.finish(self._store.packs_directory)
            self._writer = None


class ChunkWriter:
    """Takes the bytes of one content as they come."""

    def __init__(self, keeper: ChunkKeeper) -> None:
        self._keeper = keeper
        self._chunks: list[ObjectId] = []
        self._cutter = Cutter()
        self._whole = threaded_blake3()
        self._size = 0

    def add(self, part: Bytes) -> None:
        """The next bytes. ``part`` may change afterwards."""
        hashing = self._keeper.threads.submit(self._whole.update, part)  # meanwhile it is cut
        try:
            self._add(self._cutter.cut(part))
        finally:
            hashing.result()
        self._size += len(part)

    def _add(self, chunks: Iterable[memoryview]) -> None:
        for chunk in chunks:
            object_id = ObjectId(len(chunk), blake3(chunk).digest())
            self._chunks.append(object_id)
            self._keeper.add(object_id, chunk)

    def end(self) -> ChunkList:
        """No more bytes come: the content and its chunks."""
        self._add(self._cutter.cut(b"", is_last=True))
        return ChunkList.of(ObjectId(self._size, self._whole.digest()), self._chunks)
