"""From which snapshots the files of a directory on this machine came: what a merge needs to know of our side.

A note of this machine says it, beside whether all of them have arrived. What a snapshot records of it are the parents
of its version.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import suppress_negative
from dataworkspaces.filetree.manifest import NO_FILES
from dataworkspaces.toolbox.atomic import read_json_object_if_any, write_json

if TYPE_CHECKING:
    from dataworkspaces.files.file_tree import FileTreeMixin
    from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph

_NOTE = "present_version.json"


class DirectoryAncestry:
    """Of the files of one resource. Snapshots are told by their hashes.

    The note has these keys: ``place`` is the directory that it is about; ``seen`` has the snapshots whose versions are
    in the files, with these versions; ``awaited`` is true until files that have to be fetched are there; ``following``
    is the version that is being put in place, and ``following_seen`` what is seen then."""

    def __init__(self, resource: FileTreeMixin) -> None:
        self._resource = resource

    @cached_property
    def graph(self) -> SnapshotGraph:
        """With those that are in the files and on another branch, and what they came after."""
        snapshots = self._resource.workspace.as_snapshot_ws()
        graph = snapshots.get_snapshot_graph()
        elsewhere = [snapshot for snapshot in self._noted_versions() if snapshot not in graph]
        return graph.joined(snapshots.find_snapshots_elsewhere(elsewhere)) if elsewhere else graph

    @property
    def _path(self) -> Path:
        return self._resource.workspace.get_resource_local_directory(self._resource.as_resource()) / _NOTE

    def _place(self) -> str:
        """The directory; below the workspace's own, where that is does not matter."""
        place = os.path.realpath(self._resource.local_root())
        own = self._resource.workspace.get_workspace_local_path_if_any()
        root = None if own is None else os.path.realpath(own)
        return os.path.relpath(place, root) if root is not None and place.startswith(root + os.sep) else place

    def _note(self) -> dict[str, Any]:
        """What is noted of the directory; {} if that is of another."""
        note = read_json_object_if_any(self._path) or {}
        return note if note.get("place", self._place()) == self._place() else {}

    def _write(self, note: Mapping[str, Any]) -> None:
        new = {"place": self._place(), **note}
        if read_json_object_if_any(self._path) != new:
            write_json(self._path, new, durable=True)

    # -- what is known ---------------------------------------------------------------------------------------------

    def version_of(self, snapshot: str) -> str | None:
        """The version of the resource in a snapshot; None if it has none, or is not here."""
        with suppress_negative():
            metadata = self._resource.workspace.as_snapshot_ws().get_snapshot_metadata(snapshot)
            return metadata.restore_hashes.get(self._resource.name)
        return self._noted_versions().get(snapshot)

    def _noted_versions(self) -> dict[str, str]:
        seen = self._note().get("seen", {})
        return {str(s): str(v) for s, v in seen.items()} if isinstance(seen, dict) else {}

    def seen(self, present: str | None = None) -> list[str]:
        """The snapshots whose versions are in the files. If nothing is noted: the newest that has the version
        ``present``, which is what the files are."""
        note = self._note()
        if "seen" in note:
            return list(self._noted_versions())
        wanted = note.get("version", present)  # a note of earlier had just the version
        for snapshot in self.graph.newest_first() if wanted is not None else ():
            if self.version_of(snapshot) == wanted:
                return [snapshot]
        return []

    def is_incomplete(self) -> bool:
        """Whether files have to be fetched, or put in place, before the directory is what a snapshot may record."""
        note = self._note()
        if note:
            return "following" in note or bool(note.get("awaited"))
        return self._is_empty() and self.has_versions()

    def _is_empty(self) -> bool:
        root = self._resource.local_root()
        return not root.is_dir() or next(root.iterdir(), None) is None

    def has_versions(self) -> bool:
        """Whether any snapshot keeps files of the resource."""
        return any(self.version_of(head) not in (None, NO_FILES) for head in self.heads())

    def heads(self) -> list[str]:
        """The snapshots with a version of the resource from which no other came."""
        name = self._resource.name
        found, pending, looked_at = set(), self.graph.heads(name), set[str]()
        while pending:
            snapshot = pending.pop()
            if snapshot in looked_at or snapshot not in self.graph:
                continue
            looked_at.add(snapshot)
            if self.version_of(snapshot) is not None:
                found.add(snapshot)
            else:
                pending += self.graph.parents(snapshot, name)
        return self.graph.newest_of(found, name)

    # -- what happens ----------------------------------------------------------------------------------------------

    def await_files(self) -> None:
        """Files have to be fetched before anything may be recorded."""
        self._write({**self._note(), "awaited": True})

    def note_snapshot(self, snapshot: str, version: str) -> None:
        """A snapshot was taken of the files."""
        if not self.is_incomplete():
            self.note_seen({**self._versions(self.seen(version)), snapshot: version})

    def note_restored(self, snapshot: str, version: str) -> None:
        """The files are those of a snapshot now. Where they were complete before, that is a change that the user made
        to them; else, and where they were those of another branch, they come from it alone."""
        self.__dict__.pop("graph", None)
        here = self._resource.workspace.as_snapshot_ws().get_snapshot_graph()
        before = {} if self.is_incomplete() else self._versions([s for s in self.seen() if s in here])
        self.note_seen({**before, snapshot: version})

    def note_seen(self, seen: Mapping[str, str]) -> None:
        """The files have all that is in these snapshots, and are complete."""
        self.__dict__.pop("graph", None)  # a snapshot may be new
        newest = self.graph.newest_of(seen, self._resource.name)
        self._write({"seen": {snapshot: seen[snapshot] for snapshot in newest}})

    def _versions(self, snapshots: list[str]) -> dict[str, str]:
        versions = {snapshot: self.version_of(snapshot) for snapshot in snapshots}
        return {snapshot: version for snapshot, version in versions.items() if version is not None}

    def note_merged(self, snapshots: list[str]) -> None:
        """As :meth:`note_seen`, of what a pull has brought."""
        self.note_seen(self._versions(snapshots))

    # -- putting a version in place ---------------------------------------------------------------------------------

    def begin(self, version: str, seen: list[str]) -> None:
        """From now on the files may be half of two versions."""
        self._write({**self._note(), "following": version, "following_seen": self._versions(seen)})

    def begun(self) -> str | None:
        """The version that an interrupted command was putting in place."""
        following = self._note().get("following")
        return None if following is None else str(following)

    def end(self) -> None:
        """What was begun is done."""
        self.note_seen({str(s): str(v) for s, v in self._note().get("following_seen", {}).items()})
