"""The protocol ``dws://`` of fsspec: all file resources of a workspace, now and at any snapshot."""

from __future__ import annotations

from typing import Any

from dataworkspaces.errors import ConfigurationError, NotSupportedError
from dataworkspaces.filesystems.resource_files import FileSystem
from dataworkspaces.workspace.factory import find_and_load_workspace
from dataworkspaces.workspace.files import FileResourceMixin
from dataworkspaces.workspace.missing_type import resources_to_show
from dataworkspaces.workspace.resource_ref import ResourceRef
from dataworkspaces.workspace.workspace import Workspace


class DwsFileSystem(FileSystem):
    """Paths are ``RESOURCE[@SNAPSHOT]/path``; a snapshot is a tag or a hash, and is read-only. The root lists the
    resources that have files.

    :param workspace: its directory or URI, or itself; default: that which holds the current directory."""

    protocol = "dws"

    def __init__(self, workspace: str | Workspace | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._workspace = workspace if isinstance(workspace, Workspace) else _opened(workspace)
        self._found: dict[str, FileResourceMixin] = {}

    def _locate(self, path: str) -> tuple[FileResourceMixin | None, str]:
        place, _, rel_path = path.partition("/")
        if not place:
            return None, ""
        if place not in self._found:
            self._found[place] = self._files(place)
        return self._found[place], rel_path

    def _files(self, place: str) -> FileResourceMixin:
        name, snapshot = self._split(place)
        if snapshot is not None:
            from dataworkspaces.filesystems.snapshot_files import files_at_snapshot

            return files_at_snapshot(self._workspace, name, snapshot)
        resource = self._workspace.get_resource(name)
        if not isinstance(resource, FileResourceMixin):
            raise NotSupportedError(f"Resource '{name}' ({resource.resource_type}) has no files")
        return resource

    def _split(self, place: str) -> tuple[str, str | None]:
        """Resource and snapshot; of a resource that was renamed since a script was written, the present name."""
        names = self._workspace.resource_names
        name, snapshot = split_place(place, {*self._workspace.get_resource_names(), *names.reserved})
        return names.renamed_to(name) or name, snapshot

    def _list_root(self) -> list[str]:
        return [r.name for r in resources_to_show(self._workspace) if isinstance(r, FileResourceMixin)]

    def _reference(self, path: str) -> tuple[Workspace, ResourceRef] | None:
        place, _, rel_path = path.partition("/")
        name, snapshot = self._split(place)
        return None if snapshot is not None else (self._workspace, ResourceRef(name, rel_path or None))


def split_place(place: str, names: set[str]) -> tuple[str, str | None]:
    """Resource and snapshot of ``RESOURCE[@SNAPSHOT]``. A resource's name may hold an ``@`` too."""
    name, at, snapshot = place.rpartition("@")
    if place in names or not at:
        return place, None
    if not name or not snapshot:
        raise ConfigurationError(f"'{place}' does not name a resource", hint="As in RESOURCE or RESOURCE@SNAPSHOT")
    return name, snapshot


def _opened(uri_or_path: str | None) -> Workspace:
    workspace = find_and_load_workspace(True, False, uri_or_path)
    workspace.recover_if_interrupted()
    return workspace
