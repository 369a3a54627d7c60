"""The two classes that a workspace with snapshots is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from dataworkspaces.workspace.checking_out import CheckOutWorkspaceMixin
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin
    from dataworkspaces.workspace.sync import CentralWorkspaceMixin, SyncedWorkspaceMixin
    from dataworkspaces.workspace.workspace import Workspace


def workspace_of(
    mixin: SnapshotWorkspaceMixin | SyncedWorkspaceMixin | CentralWorkspaceMixin | CheckOutWorkspaceMixin,
) -> Workspace:
    """The workspace that a mixin is mixed into: a class that has the one has the other."""
    return cast("Workspace", mixin)
