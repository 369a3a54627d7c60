"""What a snapshot has of resources that are not on the machine that takes it: their last version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dataworkspaces.workspace.versions import SnapshotVersion

if TYPE_CHECKING:
    from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin


class LastVersion(NamedTuple):
    """The version of a resource that is not here.

    :ivar snapshot: which holds it.
    :ivar parents: the snapshots whose versions of the resource are in it; others may hold one that nobody has merged
        with it yet."""

    snapshot: str
    version: SnapshotVersion
    parents: list[str]


def last_versions(snapshots: SnapshotWorkspaceMixin, names: Sequence[str]) -> dict[str, LastVersion]:
    """The last version of each resource that any snapshot holds."""
    if not names:
        return {}
    graph = snapshots.get_snapshot_graph()
    known: dict[str, Mapping[str, SnapshotVersion]] = {}

    def version_of(snapshot: str, name: str) -> SnapshotVersion | None:
        if snapshot not in known:
            known[snapshot] = snapshots.get_snapshot_versions(snapshot)
        return known[snapshot].get(name)

    found = {}
    for name in names:
        versions = dict(_newest(graph, name, version_of))
        if versions:
            found[name] = _last(graph, name, versions, version_of)
    return found


def _newest(graph: SnapshotGraph, name: str, version_of: _VersionOf) -> Iterator[tuple[str, SnapshotVersion]]:
    """The snapshots that hold the resource and from which no other such came, in their order."""
    holders, pending, seen = set[str](), graph.heads(name), set[str]()
    while pending:
        snapshot = pending.pop()
        if snapshot in seen or snapshot not in graph:
            continue
        seen.add(snapshot)
        if version_of(snapshot, name) is not None:
            holders.add(snapshot)
        else:
            pending += graph.parents(snapshot, name)
    for snapshot in graph.newest_of(holders, name):
        version = version_of(snapshot, name)
        if version is not None:
            yield snapshot, version


def _last(
    graph: SnapshotGraph, name: str, versions: Mapping[str, SnapshotVersion], version_of: _VersionOf
) -> LastVersion:
    """Of two versions of which one is as it was before both, the other is the last. Two that both changed need the
    files to be merged: the newest is taken, and the other stays beside it for whoever has them."""

    def has_changed(snapshot: str, other: str) -> bool:
        before = [version_of(common, name) for common in graph.in_common([snapshot], [other], name)]
        return versions[snapshot] not in before

    def is_covered(snapshot: str) -> bool:
        return any(
            other != snapshot and not has_changed(snapshot, other) and has_changed(other, snapshot)
            for other in versions
        )

    left = [snapshot for snapshot in versions if not is_covered(snapshot)]
    last = left[-1]
    parents = [s for s in versions if s == last or s not in left or versions[s] == versions[last]]
    return LastVersion(last, versions[last], parents)


if TYPE_CHECKING:
    from collections.abc import Callable

    _VersionOf = Callable[[str, str], SnapshotVersion | None]
