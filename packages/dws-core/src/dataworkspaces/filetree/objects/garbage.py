"""Removing contents that nobody needs from a store, and tidying up what is left.

New files are in place before old ones go, so a process that is killed anywhere leaves contents twice, never none.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.pack import Pack
from dataworkspaces.filetree.objects.store import LARGE, ObjectStore

_DEAD_SHARE = 0.3
_SMALL_PACK = 1 << 20
_MANY = 16
_PACK_BYTES = 32 << 20
_TEMPORARY_SECONDS = 24 * 3600.0


@dataclass
class Garbage:
    """What a collection removes.

    :ivar objects, size: contents, and the bytes in them. Those in packs that are not worth rewriting are not counted.
    :ivar young: contents that nobody needs either, but that are too young to go.
    :ivar damaged: packs that cannot be read, which stay as they are.
    """

    objects: int = 0
    size: int = 0
    young: int = 0
    damaged: list[str] = field(default_factory=list)
    _loose: list[Path] = field(default_factory=list)
    _packs: list[tuple[Pack, bool]] = field(default_factory=list)
    _temporary: list[Path] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.objects or self._packs or self._temporary)


def find_garbage(store: ObjectStore, live: Container[bytes], before: float) -> Garbage:
    """What can go. Changes nothing.

    :param live: the digests of the contents that are needed.
    :param before: seconds since 1970; what is younger stays, since somebody may be about to refer to it."""
    found = Garbage()
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
    small: list[Pack] = []
    for pack in store.packs():
        try:
            _look_into(pack, live, before, found, small)
        except (MetadataError, OSError) as e:
            found.damaged.append(str(e))
    if len(small) >= _MANY:
        found._packs += [(pack, True) for pack in small]
    limit = time.time() - _TEMPORARY_SECONDS
    found._temporary = [path for path in (store.root / "tmp").glob("*") if path.stat().st_mtime < limit]
    return found


def _look_into(pack: Pack, live: Container[bytes], before: float, found: Garbage, small: list[Pack]) -> None:
    status = pack.path.stat()
    total, dead = len(pack.index), [i for i, _ in pack.index if i.digest not in live]
    if dead and status.st_mtime >= before:
        found.young += len(dead)
        return
    is_worth_it = sum(i.size for i in dead) > _DEAD_SHARE * status.st_size or len(dead) > _DEAD_SHARE * total
    if dead and is_worth_it:
        found._packs.append((pack, len(dead) < total))
        found.objects += len(dead)
        found.size += sum(i.size for i in dead)
    elif status.st_size < _SMALL_PACK:
        small.append(pack)


def remove_garbage(store: ObjectStore, live: Container[bytes], garbage: Garbage) -> None:
    """Remove what was found. May be called again after a kill, with what is found then."""
    store.start_generation()
    rewritten = [pack for pack, has_live in garbage._packs if has_live]
    kept = set(_rewrite(store, live, rewritten))
    for pack, _ in garbage._packs:
        pack.close()
        if pack.path.name not in kept:  # the same contents make a pack of the same name
            pack.path.unlink(missing_ok=True)
    for path in garbage._loose:
        path.unlink(missing_ok=True)
    for path in garbage._temporary:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    store.sync()


def _rewrite(store: ObjectStore, live: Container[bytes], packs: list[Pack]) -> Iterator[str]:
    """Put the live contents of packs into new ones; the names of these."""
    contents = ((i, pack.read_at(i, start)) for pack in packs for i, start in _by_place(pack) if i.digest in live)
    writer = store.pack_writer()
    try:
        for object_id, content in contents:
            if object_id.size >= LARGE:
                store.add_stream(object_id, [content])
                continue
            writer.add(object_id, content)
            if writer.size >= _PACK_BYTES:
                yield writer.finish(store.packs_directory).name
                writer = store.pack_writer()
        if len(writer):
            yield writer.finish(store.packs_directory).name
    finally:
        writer.discard()


def _by_place(pack: Pack) -> list[tuple[ObjectId, int]]:
    return sorted(pack.index, key=lambda entry: entry[1])


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
