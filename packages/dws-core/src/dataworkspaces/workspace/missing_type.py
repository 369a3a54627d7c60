"""Resources whose type is not installed here: commands that only look show everything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import PluginError
from dataworkspaces.workspace.resource import Resource
from dataworkspaces.workspace.versions import ResourceChange

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace

__all__ = ["ResourceOfMissingType", "resources_to_show"]


class ResourceOfMissingType(Resource):
    """Stands for a resource that cannot be made: it can do nothing, and says why.

    :ivar problem: the error that says what to install."""

    def __init__(self, params: Mapping[str, Any], workspace: Workspace, problem: PluginError) -> None:
        super().__init__(str(params["resource_type"]), str(params["name"]), str(params["role"]), workspace)
        self.params = dict(params)
        self.problem = problem

    @property
    def change(self) -> ResourceChange:
        return ResourceChange("unknown", "its type is not installed")

    def get_params(self) -> dict[str, Any]:
        return self.params

    def validate_subpath_exists(self, subpath: str) -> None:
        raise self.problem


def resources_to_show(workspace: Workspace) -> Iterator[Resource]:
    """As :meth:`Workspace.get_resources`, for a command that changes nothing and leaves out what it knows nothing of. A
    command that changes something, or collects what no resource needs, asks for the resources themselves."""
    for name in workspace.get_resource_names():
        try:
            yield workspace.get_resource(name)
        except PluginError as e:
            yield ResourceOfMissingType(workspace.get_resource_params(name), workspace, e)
