"""The lineage that comes with the files of a resource that others exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataworkspaces.errors import NotSupportedError
from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace.resource import Resource
    from dataworkspaces.workspace.workspace import Workspace


def import_of(workspace: Workspace, resource: Resource) -> None:
    """The lineage that came with the files of a resource that is added."""
    if isinstance(workspace, SnapshotWorkspaceMixin) and workspace.supports_lineage():
        if not isinstance(resource, SnapshotResourceMixin):
            raise NotSupportedError(f"A resource of type {resource.resource_type} cannot be imported")
        resource.copy_imported_lineage(workspace.get_lineage_store())
