"""Current lineage, as resources change: what they hold now, import, and get from others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from dataworkspaces.errors import DwsError
from dataworkspaces.workspace.parts import workspace_of
from dataworkspaces.workspace.resource import ResourceRoles
from dataworkspaces.workspace.resource_ref import ResourceRef
from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin
from dataworkspaces.workspace.versions import SnapshotVersion

if TYPE_CHECKING:
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin


def refresh_imported(snapshots: SnapshotWorkspaceMixin, resource_names: Iterable[str]) -> None:
    """Take over the lineage of imported resources as it is now: whoever pulled new data, with whatever program,
    pulled its lineage with it."""
    for name in dict.fromkeys(resource_names):
        try:
            resource = workspace_of(snapshots).get_resource(name)
            if resource.is_imported() and isinstance(resource, SnapshotResourceMixin):
                resource.copy_imported_lineage(snapshots.get_lineage_store())
        except DwsError as e:
            workspace_of(snapshots).interaction.warn(f"The imported lineage of '{name}' is not up to date: {e.message}")


def adopt(snapshots: SnapshotWorkspaceMixin, known: Sequence[str], changed: Collection[str]) -> list[SnapshotMetadata]:
    """Content came from somebody else: where a resource is now as one of the newest snapshots has it, the
    snapshot's lineage of it becomes the current one. Returns the snapshots that came. Idempotent.

    :param known: hashes of the newest snapshots that were here before, newest first. What the first of them has
        did not come now.
    :param changed: resources whose content did come now, whatever snapshot has it."""
    newest = snapshots.newest_snapshots()
    arrived = [snapshot for snapshot in newest if snapshot.hashval not in known]
    if not snapshots.supports_lineage() or not (arrived or changed):
        return arrived
    is_known = bool(known) and snapshots.has_snapshot(known[0])
    before = snapshots.get_snapshot_versions(known[0]) if is_known else {}
    graph = snapshots.get_snapshot_graph() if is_known and arrived else None
    left = dict.fromkeys(workspace_of(snapshots).get_resource_names())
    for snapshot in newest:
        versions = snapshots.get_snapshot_versions(snapshot.hashval)
        came: set[str] = set()
        if snapshot in arrived:
            common = [] if graph is None else graph.in_common(known, [snapshot.hashval])
            came = _brought(snapshots, versions, before, [snapshots.get_snapshot_versions(c) for c in common])
        names = [n for n in left if n in versions and (n in changed or n in came)]
        if names:
            changes = snapshots.changes_since(versions)
            same = [name for name in names if changes[name].state == "unchanged"]
            snapshots.get_lineage_store().restore(snapshot.hashval, same)
            left = dict.fromkeys(name for name in left if name not in same)
    return arrived


def _brought(
    snapshots: SnapshotWorkspaceMixin,
    versions: Mapping[str, SnapshotVersion],
    ours: Mapping[str, SnapshotVersion],
    common: Sequence[Mapping[str, SnapshotVersion]],
) -> set[str]:
    """Which resources a snapshot has other content of than ours. Of results, of which both sides' stay, only those
    to which ours has added nothing since the snapshots that both came after."""
    found = {n for n, v in versions.items() if n not in ours or ours[n].compare_hash != v.compare_hash}
    for name in list(found):
        is_known = name in ours and workspace_of(snapshots).get_resource_role(name) == ResourceRoles.RESULTS
        if is_known and ours[name].compare_hash not in {c[name].compare_hash for c in common if name in c}:
            found.discard(name)
    return found


def contents_of(snapshots: SnapshotWorkspaceMixin, hashes: Mapping[str, str | None]) -> dict[ResourceRef, str | None]:
    """What versions of resources hold at the references of which current lineage says what lay there."""
    subpaths: dict[str, list[str | None]] = {}
    for ref in snapshots.get_lineage_store().refs_with_content(hashes):
        subpaths.setdefault(ref.name, []).append(ref.subpath)
    found: dict[ResourceRef, str | None] = {}
    for name, wanted in subpaths.items():
        compare_hash = hashes.get(name)
        if compare_hash is None:
            continue
        try:
            resource = workspace_of(snapshots).get_resource(name)
            if isinstance(resource, SnapshotResourceMixin):
                contents = resource.version_contents(compare_hash, wanted)
                found.update((ResourceRef(name, p), c) for p, c in zip(wanted, contents, strict=True))
                # Of a version that cannot tell: it was taken just now, so it holds what lies there.
                untold = [p for p, c in zip(wanted, contents, strict=True) if c is None]
                if untold:
                    now = resource.present_contents(untold).contents
                    found.update((ResourceRef(name, p), c) for p, c in zip(untold, now, strict=True))
        except DwsError as e:
            workspace_of(snapshots).interaction.warn(f"Lineage of resource '{name}': {e.message}")
    return found
