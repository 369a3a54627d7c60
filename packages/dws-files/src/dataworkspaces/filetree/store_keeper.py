"""Reading the files of a tree so that their content is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dataworkspaces.durability import boot_id
from dataworkspaces.filetree.hashing import ReadFile, Tell, tell_nobody
from dataworkspaces.filetree.objects.chunks import CHUNKED
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.store import ObjectStore
from dataworkspaces.filetree.scan import Scan, ScannedFile

PACK_FILES = 8192
PACK_BYTES = 32 << 20
"""A batch becomes a pack; no larger than this, unless its files are on average as large as those kept in chunks."""
_PACK_BYTES_OF_LARGE = 256 << 20


@dataclass(frozen=True)
class StoreTask:
    """Reads files below a root and keeps what they hold. The threads of a process share the store, so that each pack is
    looked into once; elsewhere it is opened anew."""

    store: ObjectStore
    root: str
    tell: Tell = tell_nobody

    def telling(self, tell: Tell) -> StoreTask:
        return replace(self, tell=tell)

    def __call__(self, files: Sequence[tuple[str, ScannedFile]]) -> list[ReadFile]:
        from dataworkspaces.filetree.objects.stored_files import store_files

        found = store_files(self.store, self.root, files, self.tell)
        return [ReadFile("" if s.id is None else s.id.text, s.file, s.problem) for s in found]


@dataclass(frozen=True)
class StoreKeeper:
    """The store, as a stat cache has to know it."""

    store: ObjectStore

    @property
    def generation(self) -> str:
        """A power cut may have taken what was there, so what is there is looked at again after each start of the
        machine."""
        return f"{self.store.generation} {boot_id() or ''}".rstrip()

    def flush(self) -> None:
        self.store.sync()

    def holds(self, values: Sequence[str]) -> bool:
        return not self.store.missing(map(ObjectId.parse, values))


def keep_link_targets(store: ObjectStore, scanned: Scan) -> None:
    """Keep what the symbolic links of a tree say."""
    targets = {ObjectId.of(link.target): link.target for d in scanned.directories for link in d.links}
    for missing in store.missing(targets):
        store.add_bytes(targets[missing])


def batch_bytes(total: int, workers: int, files: int = 1 << 62) -> int:
    """How much to read in one batch, so that all workers have something to do and packs are not too many."""
    most = _PACK_BYTES_OF_LARGE if total > CHUNKED * files else PACK_BYTES
    return max(1 << 20, min(most, total // (2 * workers) + 1))
