"""From a file to every result that was made from it: which snapshots used a place, and which version of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.reads import Read, reads_behind_results
from dataworkspaces.lineage.model import HashCertificate, ResourceCert
from dataworkspaces.lineage.places import overlap
from dataworkspaces.web.experiments import NOW
from dataworkspaces.web.files import checked

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace

MOST_SNAPSHOTS = 2000
"""The newest, whose lineage is read."""
_MOST_KEPT = 4000


class UsesCache:
    """What the results of snapshots were made from, by their hashes. That does not change. One thread at a time may use
    it."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[Read, ...]] = OrderedDict()

    def of(self, workspace: Workspace, snapshot: SnapshotMetadata | None) -> Sequence[Read]:
        key = None if snapshot is None else snapshot.hashval + workspace.resource_names.fingerprint
        if key is not None and key in self._known:
            return self._known[key]
        found = tuple(reads_behind_results(workspace, snapshot))
        if key is not None:
            self._known[key] = found
            if len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        return found


def impact(workspace: Workspace, cache: UsesCache, resource: str, path: str) -> dict[str, Any]:
    """The snapshots whose results were made from a place, the present state first, and then the newest.

    :param path: in the resource; "" for all of it. What lies in it, and what it lies in, counts: that a directory was
        read says of each file in it that it was."""
    workspace.validate_resource_name(resource)
    snapshots = workspace.as_snapshot_ws()
    states: list[SnapshotMetadata | None] = [None]
    states += snapshots.list_snapshots(reverse=True, max_count=MOST_SNAPSHOTS)
    uses = []
    for state in states:
        found: dict[str | None, dict[str, set[str]]] = {}
        for read in cache.of(workspace, state):
            if read.cert.ref.name == resource and overlap(read.cert.ref.subpath, checked(path) or None):
                known = found.setdefault(_version(read.cert), {"steps": set(), "results": set()})
                known["steps"].add(read.step)
                known["results"].add(read.results)
        uses += [
            {"hash": NOW if state is None else state.hashval, "version": version,
             **{key: sorted(names) for key, names in known.items()}}
            for version, known in found.items()
        ]  # fmt: skip
    total = snapshots.get_snapshot_count()
    return {"resource": resource, "path": path, "uses": uses, "searched": len(states) - 1, "total": total}


def _version(cert: ResourceCert) -> str | None:
    """Of just the place that was read, as far as that was recorded."""
    certificate = cert.certificate
    content = certificate.content
    if content is not None:
        return content.rpartition(":")[2]
    return certificate.hashval if isinstance(certificate, HashCertificate) else None
