"""Which snapshot came after which: an order that no clock decides, and what two snapshots have in common.

A snapshot names its parents. Clocks decide only between snapshots of which neither came after the other, and between
those of release 1.6, which name none and came after each other by time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import NamedTuple, Protocol

__all__ = ["SnapshotGraph", "SnapshotNode", "microseconds_of", "position_after", "text_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Metadata(Protocol):
    """What :class:`dataworkspaces.workspace.SnapshotMetadata` has for this."""

    @property
    def hashval(self) -> str: ...

    @property
    def timestamp(self) -> str: ...

    @property
    def utc_offset(self) -> str | None: ...

    @property
    def parents(self) -> Sequence[str] | None: ...

    @property
    def resource_parents(self) -> Mapping[str, Sequence[str]]: ...


class SnapshotNode(NamedTuple):
    """What the graph knows of a snapshot."""

    hashval: str
    timestamp: str
    utc_offset: str | None = None
    parents: tuple[str, ...] | None = None
    resource_parents: Mapping[str, tuple[str, ...]] = {}

    @staticmethod
    def of(metadata: Metadata) -> SnapshotNode:
        return SnapshotNode(
            metadata.hashval,
            metadata.timestamp,
            metadata.utc_offset,
            None if metadata.parents is None else tuple(metadata.parents),
            {name: tuple(parents) for name, parents in metadata.resource_parents.items()},
        )

    @property
    def microseconds(self) -> int:
        """When it was taken, since 1970 in UTC. Without a zone the local time counts as if it were UTC."""
        return microseconds_of(self.timestamp, self.utc_offset)


def microseconds_of(timestamp: str, utc_offset: str | None) -> int:
    """0 for what is no time."""
    try:
        time = datetime.fromisoformat(timestamp)
        if time.tzinfo is None and utc_offset in (None, "", "+00:00"):
            time = time.replace(tzinfo=timezone.utc)
        elif time.tzinfo is None:
            time = datetime.fromisoformat(f"{time.isoformat()}{utc_offset}")
    except (TypeError, ValueError, OverflowError):
        return 0
    return (time - _EPOCH) // timedelta(microseconds=1)


def text_of(microseconds: int) -> str:
    """A time of :func:`microseconds_of` as a text, in whose order they are."""
    return (_EPOCH + timedelta(microseconds=microseconds)).replace(tzinfo=None).isoformat(timespec="microseconds")


def position_after(node: SnapshotNode, parents: Iterable[int]) -> int:
    """Where a snapshot stands whose parents stand at ``parents``: at its time, but after all of them."""
    return max([node.microseconds, *(parent + 1 for parent in parents)])


class SnapshotGraph:
    """All snapshots of a workspace. What is asked "for a resource" is about where its files came from, which is not
    the same for one that a pull had left out."""

    def __init__(self, nodes: Iterable[SnapshotNode]) -> None:
        self._nodes = {node.hashval: node for node in nodes}
        by_time = sorted((node.microseconds, hashval) for hashval, node in self._nodes.items() if node.parents is None)
        old = [hashval for _, hashval in by_time]
        self._before_by_time = dict(zip(old[1:], old, strict=False))
        self._positions: dict[str, int] | None = None

    def joined(self, metadata: Iterable[Metadata]) -> SnapshotGraph:
        """With more snapshots."""
        return SnapshotGraph([*self._nodes.values(), *map(SnapshotNode.of, metadata)])

    def __contains__(self, hashval: str) -> bool:
        return hashval in self._nodes

    def parents(self, hashval: str, resource: str | None = None) -> tuple[str, ...]:
        """Those of a snapshot; of one that is not here nobody knows any."""
        node = self._nodes.get(hashval)
        if node is None:
            return ()
        if resource is not None and resource in node.resource_parents:
            return node.resource_parents[resource]
        if node.parents is not None:
            return node.parents
        return (self._before_by_time[hashval],) if hashval in self._before_by_time else ()

    def ancestors(self, hashvals: Iterable[str], resource: str | None = None) -> set[str]:
        """What snapshots came after, and these themselves. Some may be deleted."""
        found: set[str] = set()
        pending = list(hashvals)
        while pending:
            hashval = pending.pop()
            if hashval not in found:
                found.add(hashval)
                pending += self.parents(hashval, resource)
        return found

    def newest_of(self, hashvals: Iterable[str], resource: str | None = None) -> list[str]:
        """Those that none of the others came after, in the order of snapshots."""
        wanted = set(hashvals)
        before = self.ancestors((p for hashval in wanted for p in self.parents(hashval, resource)), resource)
        return self.sort(wanted - before or wanted)

    def in_common(self, ones: Iterable[str], others: Iterable[str], resource: str | None = None) -> list[str]:
        """The newest snapshots that are here and that both came after, in the order of snapshots."""
        common = self.ancestors(ones, resource) & self.ancestors(others, resource)
        return self.newest_of((hashval for hashval in common if hashval in self._nodes), resource)

    def heads(self, resource: str | None = None) -> list[str]:
        """The snapshots that no other came after, in the order of snapshots."""
        before = {parent for hashval in self._nodes for parent in self.parents(hashval, resource)}
        return self.sort(hashval for hashval in self._nodes if hashval not in before)

    def children(self, hashval: str) -> list[str]:
        """The snapshots that name it as a parent, of any resource."""
        named = ((h, node.parents or (), node.resource_parents.values()) for h, node in self._nodes.items())
        return self.sort(h for h, parents, others in named if hashval in parents or any(hashval in o for o in others))

    def newest_first(self) -> list[str]:
        """All snapshots, in the order in which reports show them."""
        return self.sort(self._nodes)[::-1]

    def sort(self, hashvals: Iterable[str]) -> list[str]:
        """In the order of snapshots, the oldest first."""
        wanted = list(hashvals)
        if len(wanted) < 2:
            return wanted
        positions = self.positions()
        return sorted(wanted, key=lambda hashval: (positions.get(hashval, 0), hashval))

    def positions(self) -> dict[str, int]:
        """Where each snapshot stands: they are in the order of these, and of their hashes."""
        if self._positions is None:
            from graphlib import CycleError, TopologicalSorter

            after = {h: [p for p in node.parents or () if p in self._nodes] for h, node in self._nodes.items()}
            try:
                order = list(TopologicalSorter(after).static_order())
            except CycleError:  # somebody made it up
                order, after = list(self._nodes), {hashval: [] for hashval in self._nodes}
            found: dict[str, int] = {}
            for hashval in order:
                found[hashval] = position_after(self._nodes[hashval], [found[parent] for parent in after[hashval]])
            self._positions = found
        return self._positions
