"""Removing contents that nobody needs from a store, and tidying up what is left.

What nobody needs goes first, so that a full disk is no obstacle. Of packs that are written anew the new file is in
place before the old one goes, so a process that is killed anywhere leaves contents twice, never none.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import defaultdict
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dataworkspaces.filetree.objects.chunk_lists import digests_of
from dataworkspaces.filetree.objects.compaction import merge_packs, packs_to_merge, write_anew
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.pack import Pack, Slot
from dataworkspaces.filetree.objects.store import ObjectStore

_DEAD_SHARE = 0.3
_TEMPORARY_SECONDS = 24 * 3600.0


@dataclass
class Garbage:
    """What a collection removes.

    :ivar objects, size: contents, and the bytes that they occupy. Those in packs that are not worth rewriting are not
        counted.
    :ivar young: contents that nobody needs either, but that are too young to go.
    :ivar damaged: packs that cannot be read, which stay as they are.
    :ivar obstacle: why packs could not be written anew, once that was tried; what is in them stays.
    """

    objects: int = 0
    size: int = 0
    young: int = 0
    damaged: list[str] = field(default_factory=list)
    obstacle: str = ""
    _before: float = 0.0
    _merge: bool = False
    _loose: list[Path] = field(default_factory=list)
    _packs: list[tuple[Pack, bool]] = field(default_factory=list)
    _temporary: list[Path] = field(default_factory=list)
    _chunks: set[bytes] = field(default_factory=set)
    _parts: set[bytes] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        return not (self.objects or self._packs or self._temporary or self._merge)


def find_garbage(store: ObjectStore, live: Container[bytes], before: float) -> Garbage:
    """What can go. Changes nothing.

    :param live: the digests of the contents that are needed.
    :param before: seconds since 1970; what is younger stays, since somebody may be about to refer to it."""
    found = Garbage(_before=before)
    for path in store.loose_files():
        if bytes.fromhex(path.parent.name + path.name) in live:
            continue
        status = path.stat()
        if status.st_mtime >= before:
            found.young += 1
            continue
        found._loose.append(path)
        found.objects += 1
        found.size += status.st_size
    kept = _look_at_lists(store, live, before, found)
    for pack in store.packs():
        _look_into(pack, kept, before, found)
    found.damaged = list(store.damaged_packs().values())
    found._merge = bool(packs_to_merge(store))
    limit = time.time() - _TEMPORARY_SECONDS
    found._temporary = [path for path in (store.root / "tmp").glob("*") if path.stat().st_mtime < limit]
    return found


@dataclass(frozen=True)
class _Kept:
    """What is needed, and the chunks that it is made of."""

    live: Container[bytes]
    chunks: Container[bytes]

    def __contains__(self, digest: object) -> bool:
        return digest in self.chunks or digest in self.live


def _look_at_lists(store: ObjectStore, live: Container[bytes], before: float, found: Garbage) -> _Kept:
    """The chunks of a list that stays stay, also if it is young, or damaged."""
    chunks: set[bytes] = set()
    for path, digest in store.chunk_lists.files():
        status = path.stat()
        if digest not in live and status.st_mtime < before:
            found._loose.append(path)
            found.objects += 1
            found.size += status.st_size
            found._parts.update(digests_of(path))
            continue
        found.young += digest not in live
        chunks.update(digests_of(path))
    found._parts -= chunks
    found._chunks = chunks
    return _Kept(live, chunks)


def _look_into(pack: Pack, live: Container[bytes], before: float, found: Garbage) -> None:
    status = pack.path.stat()
    total, dead = len(pack.index), [(i, slot) for i, slot in pack.index if i.digest not in live]
    if dead and status.st_mtime >= before:
        found.young += len(dead)
        return
    size = _stored_size(pack, dead)
    if dead and (size > _DEAD_SHARE * status.st_size or len(dead) > _DEAD_SHARE * total):
        found._packs.append((pack, len(dead) < total))
        found.objects += sum(object_id.digest not in found._parts for object_id, _ in dead)
        found.size += size


def _stored_size(pack: Pack, contents: Sequence[tuple[ObjectId, Slot]]) -> int:
    """The bytes that contents of a pack occupy in it. Those of a frame have shares of it, by their sizes."""
    frames = {slot.start for _, slot in contents if slot.offset >= 0}
    held: defaultdict[int, int] = defaultdict(int)
    for object_id, slot in pack.index if frames else ():
        if slot.start in frames:
            held[slot.start] += object_id.size
    return round(sum(i.size if s.offset < 0 else i.size * s.length / max(1, held[s.start]) for i, s in contents))


def remove_garbage(store: ObjectStore, live: Container[bytes], garbage: Garbage) -> None:
    """Remove what was found. May be called again after a kill, with what is found then.

    What somebody has needed again since then is young, and stays."""
    store.start_generation()
    for path in garbage._loose:
        _unlink_old(path, garbage._before)
    for pack, has_live in garbage._packs:
        if not has_live:
            pack.close()
            _unlink_old(pack.path, garbage._before)
    for path in garbage._temporary:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    try:
        _rewrite(store, live, garbage)
        merge_packs(store)
    except OSError as e:
        garbage.obstacle = f"{store.root}: {e.strerror or e}"
    store.start_generation()
    store.sync()


def _unlink_old(path: Path, before: float) -> None:
    with suppress(FileNotFoundError):
        if path.stat().st_mtime < before:
            path.unlink()


def _rewrite(store: ObjectStore, live: Container[bytes], garbage: Garbage) -> None:
    """Put the live contents of packs into new ones."""
    rewritten = [pack for pack, has_live in garbage._packs if has_live and pack.path.stat().st_mtime < garbage._before]
    kept = _Kept(live, garbage._chunks)
    write_anew(store, rewritten, lambda digest: digest in kept)


def disk_size(path: Path) -> int:
    """The bytes of all files below a directory; links are not followed, and what cannot be read counts nothing."""
    total = 0
    pending = [os.fspath(path)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total
