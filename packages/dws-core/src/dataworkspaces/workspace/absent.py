"""Resources that are not on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.workspace.files import LocalStateResourceMixin
from dataworkspaces.workspace.own_files import is_own_files

if TYPE_CHECKING:
    from dataworkspaces.workspace.resource import Resource
    from dataworkspaces.workspace.workspace import Workspace

__all__ = ["is_absent", "is_missing", "is_nowhere", "way_to_bring"]


def is_nowhere(resource: Resource | LocalStateResourceMixin) -> bool:
    """Whether nobody has said where the files of a resource are on this machine, or should be."""
    return (
        isinstance(resource, LocalStateResourceMixin)
        and resource.needs_place
        and resource.get_local_path_if_any() is None
    )


def is_absent(workspace: Workspace, resource: Resource) -> bool:
    """Whether a resource has never been on this machine, or has no place here. One whose place is lost is not absent:
    something lay there."""
    if not isinstance(resource, LocalStateResourceMixin) or is_own_files(resource):
        return False
    if is_nowhere(resource):
        return True
    if not workspace.get_resource_factory(resource.resource_type).has_local_state():
        return False
    place = resource.get_local_path_if_any()
    is_unknown = workspace.read_resource_local_params(resource.name) is None
    return is_unknown and (place is None or not Path(place).exists())


def is_missing(resource: Resource) -> bool:
    """Whether the place of a resource on this machine is known, and nothing is there."""
    place = resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None
    return place is not None and not Path(place).exists()


def way_to_bring(workspace: Workspace, resource: Resource) -> str:
    """The command that brings an absent resource to this machine."""
    if workspace.read_resource_local_params(resource.name) is None:
        return f"dws pull --only {resource.name}"
    return f"dws config --resource {resource.name} my_local_path DIRECTORY"
