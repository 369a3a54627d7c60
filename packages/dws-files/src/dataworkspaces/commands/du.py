"""``dws du``: what resources and snapshots occupy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.storage import snapshot_versions, with_versions
from dataworkspaces.filetree.objects.garbage import disk_size
from dataworkspaces.filetree.objects.store import ObjectStore
from dataworkspaces.params import OBJECTS_LIMIT
from dataworkspaces.workspace import LocalStateResourceMixin, SnapshotWorkspaceMixin
from dataworkspaces.workspace.absent import is_missing
from dataworkspaces.workspace.missing_type import resources_to_show

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from dataworkspaces.workspace import Workspace
    from dataworkspaces.workspace.kept_versions import KeptVersionsMixin


@dataclass(frozen=True)
class ResourceUsage:
    """Bytes. ``files`` is what lies in its directory on this machine; None if it has none here.

    :ivar is_missing: its directory is known, and is not there.
    :ivar kept: contents of its versions in the object store, each counted once; None if it keeps none.
    :ivar versions: how many versions snapshots hold."""

    name: str
    resource_type: str
    files: int | None
    kept: int | None
    versions: int
    is_missing: bool = False


@dataclass(frozen=True)
class SnapshotUsage:
    """Bytes of the contents that a snapshot can restore from the object store, and of those among them that no other
    snapshot needs."""

    hashval: str
    tags: tuple[str, ...]
    size: int
    own: int


@dataclass(frozen=True)
class Usage:
    """:ivar store_size: bytes on disk, of all that the store holds, for whatever workspace.
    :ivar store_contents: bytes of the contents in it, as they are when they are read."""

    resources: tuple[ResourceUsage, ...]
    snapshots: tuple[SnapshotUsage, ...]
    store: str
    store_size: int
    store_contents: int
    limit: int | None

    @property
    def is_over_limit(self) -> bool:
        return self.limit is not None and self.store_size > self.limit

    @property
    def saved(self) -> int:
        """Bytes that the store does not need, since contents are compressed and what they have in common is kept
        once."""
        return max(0, self.store_contents - self.store_size)

    def to_json(self) -> dict[str, Any]:
        return {
            "resources": [
                {"name": r.name, "type": r.resource_type, "files": r.files, "kept": r.kept, "versions": r.versions}
                for r in self.resources
            ],
            "snapshots": [
                {"hash": s.hashval, "tags": list(s.tags), "bytes": s.size, "own_bytes": s.own} for s in self.snapshots
            ],
            "store": {
                "path": self.store,
                "bytes": self.store_size,
                "contents": self.store_contents,
                "saved": self.saved,
                "limit": self.limit,
            },
        }


def du_command(workspace: Workspace) -> Usage:
    """What resources and snapshots occupy on this machine."""
    kept: dict[str, _Kept] = {}
    for resource in with_versions(resources_to_show(workspace)):
        kept[resource.name] = _Kept()
        for snapshot, version in snapshot_versions(workspace, resource.name).items():
            kept[resource.name].add(snapshot, version, resource)
    resources = []
    for each in resources_to_show(workspace):
        place = each.get_local_path_if_any() if isinstance(each, LocalStateResourceMixin) else None
        files = disk_size(Path(place)) if place is not None and Path(place).is_dir() else None
        of_versions = kept.get(each.name)
        resources.append(
            ResourceUsage(
                each.name,
                each.resource_type,
                files,
                None if of_versions is None else of_versions.size(),
                0 if of_versions is None else len(of_versions.objects),
                is_missing(each),
            )
        )
    store = ObjectStore(workspace.get_objects_directory())
    limit = workspace.get_local_param(OBJECTS_LIMIT)
    snapshots, size, contents = _snapshots(workspace, kept), store.usage().size, store.content_bytes()
    return Usage(tuple(resources), snapshots, str(store.root), size, contents, limit)


class _Kept:
    """The contents of a resource's versions. One version may be in many snapshots."""

    def __init__(self) -> None:
        self.objects: dict[str, Mapping[Hashable, int]] = {}
        self.version_of: dict[str, str] = {}

    def add(self, snapshot: str, version: str, resource: KeptVersionsMixin) -> None:
        contents = self.objects[version] if version in self.objects else resource.contents_of_version(version)
        if contents is not None:
            self.version_of[snapshot] = version
            self.objects[version] = contents

    def size(self) -> int:
        return sum({key: size for contents in self.objects.values() for key, size in contents.items()}.values())


def _snapshots(workspace: Workspace, kept: dict[str, _Kept]) -> tuple[SnapshotUsage, ...]:
    if not isinstance(workspace, SnapshotWorkspaceMixin) or not kept:
        return ()
    needed_by: dict[Hashable, str | None] = {}  # the one snapshot, or None for several
    for resource in kept.values():
        for snapshot, version in resource.version_of.items():
            for key in resource.objects[version]:
                only = needed_by.setdefault(key, snapshot)
                if only != snapshot:
                    needed_by[key] = None
    found = []
    for metadata in workspace.list_snapshots():
        mine: dict[Hashable, int] = {}
        for resource in kept.values():
            mine.update(resource.objects.get(resource.version_of.get(metadata.hashval, ""), {}))
        own = sum(size for key, size in mine.items() if needed_by[key] == metadata.hashval)
        found.append(SnapshotUsage(metadata.hashval, tuple(metadata.tags), sum(mine.values()), own))
    return tuple(found)
