"""Keeping large contents in chunks: those that are not in the store yet go into packs, then the lists are written.

Three do it at the same time: one thread reads and hashes the whole, whoever asks for it cuts, names and compresses the
chunks, and one thread writes. A block of memory goes from one to the next, and nothing in it is copied. The threads get
much to do at a time, since whatever Python computes between two steps makes the others wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from blake3 import blake3

from dataworkspaces.filetree.forked import processors
from dataworkspaces.filetree.hashing import Tell, tell_nobody, threaded_blake3
from dataworkspaces.filetree.objects.chunks import MOST, ChunkList, Cutter
from dataworkspaces.filetree.objects.compression import Bytes
from dataworkspaces.filetree.objects.ids import ObjectId

if TYPE_CHECKING:
    from pathlib import Path

    from dataworkspaces.filetree.objects.pack import PackWriter
    from dataworkspaces.filetree.objects.store import ObjectStore

_PACK_BYTES = 512 << 20
_BLOCK_BYTES = 2 << 20
_BLOCKS = 5
_AHEAD = 2
"""Blocks that are read before they are cut. One more is cut, and two are written."""
_BUSY = 3
"""Processors that have enough to do without more threads that hash."""


class ChunkKeeper:
    """Keeps contents in chunks, whose packs they share. Nothing refers to what it writes before :meth:`finish`.

    May be closed at any time; then packs may be left that hold what nobody needs."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._known = store.packed()
        self._new: set[bytes] = set()
        self._lists: dict[ObjectId, ChunkList] = {}
        self._writer: PackWriter | None = None
        self._finishing: list[tuple[PackWriter, Future[Path]]] = []
        self.blocks: list[Block] = []
        self.hashing, self._writing, self._flushing = (ThreadPoolExecutor(1) for _ in range(3))

    def __enter__(self) -> ChunkKeeper:
        return self

    def __exit__(self, *_: object) -> None:
        for threads in (self.hashing, self._writing, self._flushing):
            threads.shutdown(cancel_futures=True)
        for writer in [self._writer, *(writer for writer, _ in self._finishing)]:
            if writer is not None:
                writer.discard()

    def is_new(self, object_id: ObjectId) -> bool:
        """Whether nobody has a chunk yet; it has to be added then."""
        if object_id.digest in self._new or object_id.digest in self._known:
            return False
        self._new.add(object_id.digest)
        return True

    def add(self, chunks: Sequence[tuple[ObjectId, memoryview]]) -> list[Future[None]]:
        """Write new chunks. Who does it: until they have, the chunks must not change."""
        writing = []
        for object_id, chunk in chunks:
            if self._writer is None:
                self._writer = self._store.pack_writer(self._writing)
            self._writer.add(object_id, chunk)
            if self._writer.size >= _PACK_BYTES:
                writing += self._writer.flush()
                self._finish_pack()
        if self._writer is not None:
            writing += self._writer.flush()
        return writing

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
        for _, finished in self._finishing:
            finished.result()
        for chunks in self._lists.values():
            self._store.chunk_lists.place(chunks, self._store.new_temporary())
        self._lists.clear()

    def _finish_pack(self) -> None:
        """The disk gets what is left of a pack while the next one is written."""
        if self._writer is not None:
            finished = self._flushing.submit(self._writer.finish, self._store.packs_directory)
            self._finishing.append((self._writer, finished))
            self._writer = None


class Block:
    """Memory that is filled with the next bytes of a content. Before them there is room for the beginning of a chunk,
    whose end they may have. ``used_by``: who has to be done before it is filled again."""

    def __init__(self) -> None:
        self.memory = memoryview(bytearray(MOST + _BLOCK_BYTES))
        self.end = MOST
        self.used_by: list[Future[None]] = []

    @property
    def filled(self) -> memoryview:
        return self.memory[MOST : self.end]

    def wait(self) -> None:
        while self.used_by:
            self.used_by.pop().result()

    def with_left(self, left: Bytes) -> memoryview:
        """What it was filled with, after the beginning of a chunk."""
        start = MOST - len(left)
        self.memory[start:MOST] = left
        return self.memory[start : self.end]


class ChunkWriter:
    """Takes the bytes of one content, as they come or as they are read. A keeper has one at a time."""

    def __init__(self, keeper: ChunkKeeper) -> None:
        self._keeper = keeper
        self._chunks: list[ObjectId] = []
        self._cutter = Cutter()
        self._whole = threaded_blake3() if processors() > _BUSY else blake3()
        self._size = 0
        self._left = memoryview(b"")
        self._blocks = keeper.blocks
        self._block: Block | None = None

    def _free_block(self) -> Block:
        """One that nobody uses."""
        if len(self._blocks) < _BLOCKS:
            self._blocks.append(Block())
        else:
            self._blocks.append(self._blocks.pop(0))
        block = self._blocks[-1]
        block.wait()
        block.end = MOST
        return block

    def add(self, part: Bytes) -> None:
        """The next bytes. ``part`` may change afterwards."""
        view = memoryview(part)
        while view:
            block = self._block = self._block or self._free_block()
            count = min(len(block.memory) - block.end, len(view))
            block.memory[block.end : block.end + count] = view[:count]
            block.end += count
            view = view[count:]
            if block.end == len(block.memory):
                self._pass_on(block)

    def read(self, read: Callable[[memoryview], int], tell: Tell = tell_nobody) -> None:
        """All bytes that ``read`` puts into memory, until it says that there are none."""
        ahead: deque[tuple[Block, Future[None]]] = deque()
        while True:
            while len(ahead) < _AHEAD:
                block = self._free_block()
                ahead.append((block, self._keeper.hashing.submit(self._fill, block, read)))
            block, is_filled = ahead.popleft()
            is_filled.result()
            if not block.filled:
                break
            self._cut(block)
            tell(len(block.filled))
        for _, is_filled in ahead:
            is_filled.result()

    def _fill(self, block: Block, read: Callable[[memoryview], int]) -> None:
        block.end += read(block.memory[MOST:])
        self._whole.update(block.filled)

    def _pass_on(self, block: Block, *, is_last: bool = False) -> None:
        hashed = self._keeper.hashing.submit(self._whole.update, block.filled)
        self._block = None
        self._cut(block, is_last=is_last)
        hashed.result()

    def _cut(self, block: Block, *, is_last: bool = False) -> None:
        """Name the chunks in a block, and have those written that are new."""
        self._size += len(block.filled)
        data = block.with_left(self._left)
        chunks, end = self._cutter.cut_all(data, is_last=is_last)
        self._left = data[end:]
        new = []
        for chunk in chunks:
            object_id = ObjectId(len(chunk), blake3(chunk).digest())
            self._chunks.append(object_id)
            if self._keeper.is_new(object_id):
                new.append((object_id, chunk))
        block.used_by += self._keeper.add(new)

    def end(self) -> ChunkList:
        """No more bytes come: the content and its chunks."""
        self._pass_on(self._block or self._free_block(), is_last=True)
        for block in self._blocks:
            block.wait()
        return ChunkList.of(ObjectId(self._size, self._whole.digest()), self._chunks)
