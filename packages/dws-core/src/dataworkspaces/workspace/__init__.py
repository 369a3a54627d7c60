"""The contracts of workspaces and resources, and how to find a workspace.

A backend subclasses :class:`Workspace` (with :class:`SyncedWorkspaceMixin` or :class:`CentralWorkspaceMixin`, and
:class:`SnapshotWorkspaceMixin`) and :class:`WorkspaceFactory`. A resource type subclasses :class:`Resource` (with the
mixins for what it can do) and :class:`ResourceFactory`. Entry points announce the factories.

What only some plug-ins need stands in modules of its own, and these are public too, if they
have an ``__all__``.
"""

from dataworkspaces.workspace.factory import (
    ResourceFactory,
    WorkspaceFactory,
    find_and_load_workspace,
    init_workspace,
    load_workspace,
)
from dataworkspaces.workspace.files import FileResourceMixin, LocalStateResourceMixin
from dataworkspaces.workspace.interaction import Advance, BatchInteraction, Interaction
from dataworkspaces.workspace.journal import Journal, set_note_aside
from dataworkspaces.workspace.local_directory import LocalDirectoryMixin
from dataworkspaces.workspace.own_files import OWN_FILES, OwnFilesMixin, is_own_files
from dataworkspaces.workspace.resource import (
    EXPORT_PARAM,
    IMPORTED_PARAM,
    REMOVED,
    RESOURCE_ROLE_CHOICES,
    Resource,
    ResourceRoles,
)
from dataworkspaces.workspace.resource_ref import ResourceRef
from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin
from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin
from dataworkspaces.workspace.storage import Storage
from dataworkspaces.workspace.sync import CentralWorkspaceMixin, OriginState, SyncedWorkspaceMixin
from dataworkspaces.workspace.versions import (
    FileChange,
    FileInfo,
    PresentContents,
    ResourceChange,
    SnapshotVersion,
    VersionElsewhere,
    VersionFiles,
)
from dataworkspaces.workspace.workspace import Workspace

__all__ = [
    "EXPORT_PARAM",
    "IMPORTED_PARAM",
    "OWN_FILES",
    "REMOVED",
    "RESOURCE_ROLE_CHOICES",
    "Advance",
    "BatchInteraction",
    "CentralWorkspaceMixin",
    "FileChange",
    "FileInfo",
    "FileResourceMixin",
    "Interaction",
    "Journal",
    "LocalDirectoryMixin",
    "LocalStateResourceMixin",
    "OriginState",
    "OwnFilesMixin",
    "PresentContents",
    "Resource",
    "ResourceChange",
    "ResourceFactory",
    "ResourceRef",
    "ResourceRoles",
    "SnapshotMetadata",
    "SnapshotResourceMixin",
    "SnapshotVersion",
    "SnapshotWorkspaceMixin",
    "Storage",
    "SyncedWorkspaceMixin",
    "VersionElsewhere",
    "VersionFiles",
    "Workspace",
    "WorkspaceFactory",
    "find_and_load_workspace",
    "init_workspace",
    "is_own_files",
    "load_workspace",
    "set_note_aside",
]
