"""The files of a workspace that lie in none of its resources, as one more resource."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Set
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeGuard

from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace.resource_ref import ResourceRef
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

if TYPE_CHECKING:
    from dataworkspaces.workspace.resource import Resource
    from dataworkspaces.workspace.workspace import Workspace

OWN_FILES = "_workspace"
"""The name of that resource, which no other may have."""


class OwnFilesMixin(ABC):
    """What :meth:`Workspace.own_files_resource` returns has it, beside the capabilities of any other resource: its role
    is ``code``, its root the workspace's directory. It has no stored parameters, and is no content of its own where
    something is excluded: the workspace's metadata, the places of resources, and what the backend ignores."""

    name: str
    workspace: Workspace
    ignored_by: ClassVar[str] = "the workspace's backend"
    """Who ignores what is excluded, in words for the user."""

    @abstractmethod
    def list_excluded(self) -> Set[str]:
        """Directories and files, relative to the root, that are no part; what lies in one of them is none either.

        Raises UnavailableError if that cannot be told now."""

    @abstractmethod
    def content_without(self, places: Collection[str]) -> str | None:
        """What lies there now, as :meth:`SnapshotResourceMixin.present_contents` tells it of the whole (which is
        without what steps wrote), without these places too.

        Raises UnavailableError if it cannot be read now."""

    @cached_property
    def excluded(self) -> Set[str]:
        """The same, as it was when this object was first asked."""
        return self.list_excluded()

    def is_excluded(self, rel_path: str) -> bool:
        """Whether a path is not part of it."""
        return rel_path in self.excluded or any(above in self.excluded for above in _above(rel_path))

    def ref_of(self, place: str) -> ResourceRef | None:
        """The reference of a real path that lies in no other resource. None if it is not the workspace's, and for the
        workspace's directory itself while there are no files of its own."""
        root = self.workspace.get_workspace_local_path_if_any()
        if root is None:
            return None
        try:
            relative = Path(place).relative_to(os.path.realpath(root))
        except ValueError:
            return None
        if not relative.parts:
            return ResourceRef(self.name) if self.workspace.has_own_files() else None
        if relative.parts[0] in (METADATA_DIR, ".git"):
            return None
        return ResourceRef(self.name, relative.as_posix())

    def written_by_steps(self) -> set[str]:
        """Places to which current lineage says that steps wrote: data, then, and no code."""
        snapshots = self.workspace.as_lineage_ws()
        return snapshots.get_lineage_store().written_places(self.name) if snapshots.supports_lineage() else set()


def is_own_files(resource: Resource) -> TypeGuard[OwnFilesMixin]:
    return isinstance(resource, OwnFilesMixin)


def warn_of_ignored(workspace: Workspace, refs: Iterable[ResourceRef], what: str) -> None:
    """Name the files among references that no snapshot will keep, since the workspace's repository ignores them."""
    resource = workspace.own_files_resource()
    if resource is None or not is_own_files(resource):
        return
    paths = sorted({ref.subpath for ref in refs if ref.name == resource.name and ref.subpath is not None})
    ignored = [path for path in paths if resource.is_excluded(path)] if paths else []
    if ignored:
        workspace.interaction.warn(
            f"{what} uses {some(ignored)}, which {resource.ignored_by} ignores and which is in no resource: no "
            "snapshot keeps it. 'dws add' turns its directory into a resource"
        )


def _above(path: str) -> Iterable[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
