"""Contents that lie side by side in a pack, as those of a directory's files do, are read at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from blake3 import blake3

from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.pack import Place, Slot

if TYPE_CHECKING:
    from dataworkspaces.filetree.objects.store import ObjectStore

_MOST = 1 << 20
"""Bytes that are read at once, unless one content has more."""

Located = tuple[ObjectId, Place | None]
"""A content, and where :meth:`ObjectStore.locate` has found it."""


def read_in_runs(store: ObjectStore, wanted: Sequence[Located]) -> Iterator[bytes]:
    """The contents, verified, in their order; errors as for :meth:`ObjectStore.read_located`."""
    start = 0
    while start < len(wanted):
        end = _end_of_run(wanted, start)
        if end - start == 1:
            yield store.read_located(*wanted[start])
        else:
            yield from _read_run(store, wanted[start:end])
        start = end


def _end_of_run(wanted: Sequence[Located], start: int) -> int:
    place = wanted[start][1]
    if place is None or place[1].offset >= 0:  # a frame is read once anyway
        return start + 1
    name, (end, length, _) = place
    most = end + _MOST
    end += length
    for number in range(start + 1, len(wanted)):
        next_place = wanted[number][1]
        if next_place is None or next_place[0] != name:
            return number
        begin, length, offset = next_place[1]
        if begin != end or begin + length > most or offset >= 0:
            return number
        end += length
    return len(wanted)


def _read_run(store: ObjectStore, run: Sequence[Located]) -> Iterator[bytes]:
    slots = [place[1] for _, place in run if place is not None]
    first = slots[0].start
    stored = store.stored_in_pack(run[0][1], Slot(first, slots[-1].end - first))
    for (object_id, place), (start, length, _) in zip(run, slots, strict=True):
        content = stored[start - first : start - first + length]
        size, digest = object_id
        is_right = len(content) == size and blake3(content).digest() == digest
        # What is wrong with another, or where it is by now, is found out by looking for it alone.
        yield content if is_right else store.read_located(object_id, place)
