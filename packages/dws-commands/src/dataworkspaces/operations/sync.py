"""What all workspaces do when resources are pulled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace.files import LocalStateResourceMixin
    from dataworkspaces.workspace.workspace import Workspace


def pull_resources(workspace: Workspace, resources: Sequence[LocalStateResourceMixin]) -> list[str]:
    """Pull all, then take over the lineage that imported resources brought. Returns the names of those whose content is
    another now."""
    changed = [str(getattr(resource, "name", "")) for resource in resources if resource.pull()]

    if not isinstance(workspace, SnapshotWorkspaceMixin) or not workspace.supports_lineage():
        return changed
    for resource in resources:
        if isinstance(resource, SnapshotResourceMixin) and getattr(resource, "is_imported", lambda: False)():
            resource.copy_imported_lineage(workspace.get_lineage_store())
    return changed
