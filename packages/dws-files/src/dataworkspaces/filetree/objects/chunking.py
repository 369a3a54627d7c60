"""Keeping a large content in chunks: those that are not in the store yet go into packs, then the list is written."""

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


class ChunkWriter:
    """Takes the bytes of a content as they come. Nothing refers to what it writes before :meth:`keep`.

    May be closed at any time; then packs are left that hold what nobody needs."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._known = store.packed()
        self._new: set[bytes] = set()
        self._chunks: list[ObjectId] = []
        self._cutter = Cutter()
        self._whole = threaded_blake3()
        self._size = 0
        self._writer: PackWriter | None = None
        self._threads = ThreadPoolExecutor(1)

    def __enter__(self) -> ChunkWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()
        if self._writer is not None:
            self._writer.discard()

    def add(self, part: Bytes) -> None:
        """The next bytes. ``part`` may change afterwards."""
        hashing = self._threads.submit(self._whole.update, part)  # meanwhile it is cut
        try:
            self._keep(self._cutter.cut(part))
        finally:
            hashing.result()
        self._size += len(part)

    def _keep(self, chunks: Iterable[memoryview]) -> None:
        for chunk in chunks:
            object_id = ObjectId(len(chunk), blake3(chunk).digest())
            self._chunks.append(object_id)
            if object_id.digest not in self._new and object_id.digest not in self._known:
                self._new.add(object_id.digest)
                if self._writer is None:
                    self._writer = self._store.pack_writer()
                self._writer.add(object_id, bytes(chunk))
                if self._writer.size >= _PACK_BYTES:
                    self._finish_pack()

    def _finish_pack(self) -> None:
        if self._writer is not None:
            self._writer.finish(self._store.packs_directory)
            self._writer = None

    def end(self) -> ObjectId:
        """No more bytes come: the name of the content."""
        self._keep(self._cutter.cut(b"", is_last=True))
        return ObjectId(self._size, self._whole.digest())

    def keep(self, object_id: ObjectId) -> bool:
        """Have the content in the store, after :meth:`end`; False if somebody has removed chunks of it meanwhile, so
        that it has to be done again."""
        self._finish_pack()
        used = {chunk.digest for chunk in self._chunks} - self._new
        if used and not self._store.renew_packs(used):
            return False
        chunks = ChunkList.of(object_id, self._chunks)
        self._store.chunk_lists.place(chunks, self._store.new_temporary())
        return True
