"""Snapshots that were deleted, and their results: kept on this machine for a while, so that a deletion can be undone.

``deleted/NAME/`` of the machine directory holds ``manifest``, ``lineage.json``, ``documents/KEY``,
``results/RESOURCE``, and last of all ``deletion.json`` is written, without which there is nothing to bring back yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import MetadataError, NotFoundError
from dataworkspaces.operations.moments import MOMENT_RE, moment_after
from dataworkspaces.params import HASH_RE
from dataworkspaces.toolbox import move_files
from dataworkspaces.toolbox.atomic import read_json_object, to_json, write_bytes, write_json
from dataworkspaces.toolbox.regular import read_regular
from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace

DIRECTORY = "deleted"
_DELETION, _MANIFEST, _LINEAGE, _RESULTS = "deletion.json", "manifest", "lineage.json", "results"
_DOCUMENTS = "documents"


@dataclass(frozen=True)
class DeletedSnapshot:
    """:ivar time: when it was deleted, in local time.
    :ivar children: the snapshots that came after it."""

    directory: Path
    metadata: SnapshotMetadata
    time: datetime
    children: tuple[str, ...] = ()
    present: Callable[[str], str] = str
    """What a resource is called now that was called so then."""

    def manifest(self) -> bytes:
        """Raises NotFoundError if the snapshot had none any more when it was deleted."""
        try:
            return read_regular(self.directory / _MANIFEST)
        except FileNotFoundError:
            raise NotFoundError(
                f"Snapshot {self.metadata.hashval[:7]} had already lost its manifest when it was deleted",
                hint=f"Its results are in {self.directory / _RESULTS}",
            ) from None

    def lineage(self) -> dict[str, Any]:
        """By resource, as lineage files hold it."""
        return {self.present(name): each for name, each in read_json_object(self.directory / _LINEAGE).items()}

    def documents(self) -> dict[str, bytes]:
        """By key, those of the workspace that went with the snapshot, or may have gone since."""
        place = self.directory / _DOCUMENTS
        return {p.relative_to(place).as_posix(): read_regular(p) for p in sorted(place.rglob("*")) if p.is_file()}

    def results(self) -> dict[str, Path]:
        """What is kept of results, by resource."""
        place = self.directory / _RESULTS
        return {self.present(path.name): path for path in sorted(place.iterdir())} if place.is_dir() else {}

    def forget(self) -> None:
        """Remove all of it for good."""
        (self.directory / _DELETION).unlink(missing_ok=True)
        move_files.delete_tree(self.directory)


class DeletedSnapshots:
    """Those of one copy of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._directory = workspace.get_machine_directory() / DIRECTORY
        self._names = workspace.resource_names

    def keep(
        self,
        metadata: SnapshotMetadata,
        manifest: bytes | None,
        lineage: Mapping[str, Any],
        children: tuple[str, ...],
        documents: Mapping[str, bytes],
    ) -> str:
        """Note what is about to be deleted (``manifest`` is None if it is lost); returns the name of its directory. On
        disk on return."""
        now = datetime.now()
        earlier = self._directory.iterdir() if self._directory.is_dir() else ()
        name = f"{metadata.hashval}-{moment_after(map(_moment, earlier), now)}"
        directory = self._directory / name
        if manifest is not None:
            write_bytes(directory / _MANIFEST, manifest)
        write_bytes(directory / _LINEAGE, to_json(dict(lineage)).encode("utf-8"))
        for key, content in documents.items():
            write_bytes(directory / _DOCUMENTS / key, content)
        stored = self._names.snapshot_stored(metadata)
        deletion = {"metadata": stored.to_json(), "time": now.isoformat(), "children": list(children)}
        write_json(directory / _DELETION, deletion, durable=True)
        return name

    def place_of_results(self, name: str, resource_name: str) -> Path:
        """Where the results of a deleted snapshot in a resource go."""
        return self._directory / Path(name).name / _RESULTS / self._names.stored(resource_name)

    def all(self) -> list[DeletedSnapshot]:
        """The latest first. What cannot be read is left out: it can be of no use, and is in nobody's way."""
        return sorted(self._all(), key=lambda deleted: _moment(deleted.directory), reverse=True)

    def _all(self) -> Iterator[DeletedSnapshot]:
        for directory in self._directory.iterdir() if self._directory.is_dir() else ():
            try:
                data = read_json_object(directory / _DELETION, "metadata", "time")
                children = tuple(child for child in data.get("children", ()) if HASH_RE.fullmatch(child))
                metadata = self._names.snapshot_called(SnapshotMetadata.from_json(data["metadata"]))
                if not HASH_RE.fullmatch(metadata.hashval):
                    continue  # it becomes the name of files
                time = datetime.fromisoformat(data["time"])
                yield DeletedSnapshot(directory, metadata, time, children, self._names.present)
            except (MetadataError, KeyError, TypeError, ValueError):
                continue

    def deleted_before(self, time: datetime) -> list[DeletedSnapshot]:
        return [deleted for deleted in self.all() if deleted.time < time]


def _moment(directory: Path) -> str:
    """What the name of a deleted snapshot's directory ends with, for the order; empty if it is somebody else's."""
    moment = directory.name.rpartition("-")[2]
    return moment if MOMENT_RE.fullmatch(moment) else ""


def without_tags(metadata: SnapshotMetadata, taken: set[str]) -> SnapshotMetadata:
    """As :class:`SnapshotMetadata` is without the tags that others have by now."""
    return metadata.replace(tags=[tag for tag in metadata.tags if tag not in taken])
