"""Current lineage of a resource that cannot be read: made anew from that of the last snapshot and what lies there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import DwsError
from dataworkspaces.lineage.model import CodeLineage, SourceDataLineage, entry_outputs
from dataworkspaces.lineage.places import same_content
from dataworkspaces.lineage.store import Entries, ResourceLineage, unknown, without
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace.resource_ref import ResourceRef
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin
    from dataworkspaces.workspace.versions import SnapshotVersion
    from dataworkspaces.workspace.workspace import Workspace

__all__ = ["rebuild"]

_NOTHING = "the origin of the present content is unknown until it is made again or restored"


def rebuild(workspace: Workspace, resource_name: str, set_aside: Callable[[], Path]) -> str:
    """Repair of current lineage; says what it is now.

    :param set_aside: moves the damaged file to where it is kept."""
    entries, told = _entries(workspace, workspace.as_lineage_ws(), resource_name)
    kept = set_aside()
    if entries:
        workspace.as_lineage_ws().get_lineage_store().update(resource_name, lambda _none: entries)
    return f"{told}; what was there is kept as {kept}"


def _entries(workspace: Workspace, snapshots: SnapshotWorkspaceMixin, name: str) -> tuple[Entries, str]:
    """A snapshot from which nothing differs here, or else the newest, without what has changed since."""
    store = snapshots.get_lineage_store()
    newest: tuple[str, Entries] | None = None
    for snapshot in snapshots.newest_snapshots():
        version = snapshots.get_snapshot_versions(snapshot.hashval).get(name)
        if version is None:
            continue
        entries = store.entries(name, snapshot.hashval)
        if _is_unchanged(workspace, name, version):
            return entries, f"that of snapshot {snapshot.hashval[:7]}, which matches all of '{name}' here"
        newest = newest or (snapshot.hashval, entries)
    if newest is None:
        return [], _NOTHING
    hashval, entries = newest
    changed = _changed(snapshots, name, entries)
    sources = [e for e in entries if isinstance(e, (SourceDataLineage, CodeLineage)) and e.cert.ref in changed]
    entries = [entry for entry in entries if entry not in sources]  # the next step that reads it notes what is there
    refs = [ref for ref in changed if ref not in {entry.cert.ref for entry in sources}]
    if refs:
        comment = f"The lineage was damaged, and the content differs from that in snapshot {hashval[:7]}"
        entries = unknown(ResourceLineage(without(entries, refs)), name, refs, comment, None)
    told = f"that of snapshot {hashval[:7]}"
    return entries, f"{told}, except for {len(changed)} places that have changed since: {_NOTHING}" if changed else told


def _is_unchanged(workspace: Workspace, name: str, version: SnapshotVersion) -> bool:
    try:
        resource = workspace.get_resource(name)
        return isinstance(resource, SnapshotResourceMixin) and resource.changes_since(version).state == "unchanged"
    except DwsError:
        return False  # nobody can tell


def _changed(snapshots: SnapshotWorkspaceMixin, name: str, entries: Entries) -> list[ResourceRef]:
    """The places of which it is not certain that they hold what the lineage tells of."""
    certs = {cert.ref: cert for entry in entries for cert in entry_outputs(entry) if cert.ref.name == name}
    if not certs:
        return []
    present = snapshots.present_contents({name: [ref.subpath for ref in certs]})[name].contents
    return [
        ref
        for (ref, cert), content in zip(certs.items(), present, strict=True)
        if same_content(content, cert.certificate.content) is not True
    ]
