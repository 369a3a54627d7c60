"""Resources that are not on this machine, and what a snapshot that is taken here has of them: their last version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.workspace.files import LocalStateResourceMixin
from dataworkspaces.workspace.own_files import is_own_files
from dataworkspaces.workspace.versions import SnapshotVersion

if TYPE_CHECKING:
    from dataworkspaces.workspace.resource import Resource
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin
    from dataworkspaces.workspace.snapshot_graph import SnapshotGraph
    from dataworkspaces.workspace.workspace import Workspace


@dataclass(frozen=True)
class LastVersion:
    """The version of a resource that is not here.

    :ivar snapshot: which holds it.
    :ivar parents: the snapshots whose versions of the resource are in it; others may hold one that nobody has merged
        with it yet."""

    snapshot: str
    version: SnapshotVersion
    parents: list[str]


def is_nowhere(resource: Resource | LocalStateResourceMixin) -> bool:
    """Whether nobody has said where the files of a resource are on this machine, or should be."""
    return (
        isinstance(resource, LocalStateResourceMixin)
        and resource.needs_place
        and resource.get_local_path_if_any() is None
    )


def is_absent(workspace: Workspace, resource: Resource) -> bool:
    """Whether a resource has never been on this machine, or has no place here. One whose place is lost is not absent:
    something lay there."""
    if not isinstance(resource, LocalStateResourceMixin) or is_own_files(resource):
        return False
    if is_nowhere(resource):
        return True
    if not workspace.get_resource_factory(resource.resource_type).has_local_state():
        return False
    place = resource.get_local_path_if_any()
    is_unknown = workspace.read_resource_local_params(resource.name) is None
    return is_unknown and (place is None or not Path(place).exists())


def way_to_bring(workspace: Workspace, resource: Resource) -> str:
    """The command that brings an absent resource to this machine."""
    if workspace.read_resource_local_params(resource.name) is None:
        return f"dws pull --only {resource.name}"
    return f"dws config --resource {resource.name} my_local_path DIRECTORY"


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
