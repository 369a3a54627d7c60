"""Where contents are, of which many are looked up together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.pack import Pack, Place


class Places(Mapping[ObjectId, Place]):
    """Where in packs contents are. It is known of which entry of an index each is, and the place is read from that when
    somebody asks for it: copies of a process do so at the same time.

    :ivar pack_names: of the packs in which they are.
    """

    def __init__(self, packs: Iterable[Pack], digests: Collection[bytes]) -> None:
        """:param digests: of the contents; those that are in no pack have no place."""
        self._packs: list[Pack] = []
        self._names: list[str] = []
        self._first: list[int] = []  # entries are numbered through all packs
        self._entries: dict[bytes, int] = {}
        first, left = 0, set(digests)
        for pack in packs:
            found = pack.index.entries(left, first)
            if found:
                left.difference_update(found)
                self._packs.append(pack)
                self._names.append(pack.path.name)
                self._first.append(first)
                self._entries.update(found)
            first += len(pack.index)

    @property
    def pack_names(self) -> frozenset[str]:
        return frozenset(self._names)

    def lacking(self, ids: Iterable[ObjectId]) -> list[ObjectId]:
        """Those of some contents that have no place."""
        entries = self._entries
        return [object_id for object_id in ids if object_id[1] not in entries]

    def get(self, object_id: ObjectId, default: Any = None) -> Any:
        number = self._entries.get(object_id[1])
        if number is None:
            return default
        pack = bisect_right(self._first, number) - 1
        return self._names[pack], self._packs[pack].index.slot(number - self._first[pack])

    def __getitem__(self, object_id: ObjectId) -> Place:
        found: Place | None = self.get(object_id)
        if found is None:
            raise KeyError(object_id)
        return found

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[ObjectId]:
        for digest, number in self._entries.items():
            pack = bisect_right(self._first, number) - 1
            yield ObjectId(self._packs[pack].index.size(number - self._first[pack]), digest)
