"""Few packs instead of many: the number of packs grows with the logarithm of what is kept.

Sorted by size, each pack shall be at least twice as large as all smaller ones together, as in git's geometric repack;
those that are not are put into one. A pack of more than 512 MiB is left as it is. Of each new pack the file is in place
before the old ones go.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.objects.pack import Pack, PackWriter
from dataworkspaces.filetree.objects.runs import read_in_runs
from dataworkspaces.filetree.objects.store import LARGE, ObjectStore

MANY = 16
"""Fewer packs than this are left alone."""
LARGEST = 512 << 20
"""Bytes of a pack that is not put into another, and of what is rewritten at once."""
_FACTOR = 2


def packs_to_merge(store: ObjectStore) -> list[Pack]:
    """The packs that should be one."""
    if store.pack_count() < MANY:
        return []
    found: list[tuple[int, Pack]] = []
    for pack in store.packs():
        with suppress(FileNotFoundError):
            size = pack.path.stat().st_size
            if size < LARGEST:
                found.append((size, pack))
    if len(found) < MANY:
        return []
    found.sort(key=lambda entry: (entry[0], entry[1].path.name))
    count = how_many_to_merge([size for size, _ in found])
    return [pack for _, pack in found[:count]]


def how_many_to_merge(sizes: Sequence[int]) -> int:
    """How many of the smallest, of sizes in ascending order, should be one; 0 if all are well."""
    count = 0
    for place, (size, below) in enumerate(zip(sizes, accumulate(sizes, initial=0), strict=False)):
        if place and below + size > LARGEST:
            break
        if place and size < _FACTOR * below:
            count = place + 1
    return count


def merge_packs(store: ObjectStore) -> int:
    """Put packs together that should be one, if there are many; returns how many went. Any number of processes may do
    so at once. Raises OSError if there is no space."""
    packs = packs_to_merge(store)
    return len(packs) and write_anew(store, packs, lambda _digest: True, keep_time=True)


def write_anew(
    store: ObjectStore, packs: Sequence[Pack], is_needed: Callable[[bytes], bool], *, keep_time: bool = False
) -> int:
    """Put what is needed of packs into new ones, and remove the old ones; returns how many. One in which something is
    damaged stays.

    :param keep_time: the new ones count as old as the youngest of the old ones."""
    new: list[Path] = []
    done: list[Pack] = []
    times: list[float] = []
    writer = store.pack_writer()
    try:
        for pack in packs:
            try:
                times.append(pack.path.stat().st_mtime)
                _copy(store, pack, is_needed, writer)
            except (MetadataError, FileNotFoundError):  # damaged, or another process was faster
                continue
            done.append(pack)
            if writer.size >= LARGEST:
                new.append(writer.finish(store.packs_directory))
                writer = store.pack_writer()
        if len(writer):
            new.append(writer.finish(store.packs_directory))
    finally:
        writer.discard()
    if keep_time:
        for path in new:
            with suppress(OSError):
                os.utime(path, (max(times), max(times)))
    store.sync()  # a removal may reach the disk before the new names do
    names = {path.name for path in new}
    for pack in done:
        pack.close()
        if pack.path.name not in names:  # the same contents make a pack of the same name
            pack.path.unlink(missing_ok=True)
    return len(done)


def _copy(store: ObjectStore, pack: Pack, is_needed: Callable[[bytes], bool], writer: PackWriter) -> None:
    needed = [(id_, (pack.path.name, place)) for id_, place in pack.contents() if is_needed(id_.digest)]
    for (object_id, _), content in zip(needed, read_in_runs(store, needed), strict=True):
        if object_id.size >= LARGE:
            store.add_stream(object_id, [content])
        else:
            writer.add(object_id, content)
