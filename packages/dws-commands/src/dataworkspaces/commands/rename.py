"""``dws rename``: call a resource otherwise. Its files stay where they are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from dataworkspaces.errors import ConfigurationError, DwsError, NotSupportedError
from dataworkspaces.workspace import LocalStateResourceMixin
from dataworkspaces.workspace.resource_names import SHOWN_AS
from dataworkspaces.workspace.workspace import Workspace


@dataclass(frozen=True)
class RenamedResource:
    """A resource that was renamed.

    :ivar old_name: what it was called before.
    :ivar path: where its files are, if that is on this machine."""

    name: str
    old_name: str
    role: str
    resource_type: str
    path: str | None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "old_name": self.old_name,
            "role": self.role,
            "type": self.resource_type,
            "path": self.path,
        }


def rename_command(workspace: Workspace, name: str, new: str) -> RenamedResource:
    """Call a resource ``new`` from now on, in all that is shown of old snapshots, too."""
    if not workspace.renames_resources:
        raise NotSupportedError(f"Workspace '{workspace.name}': its backend cannot rename resources")
    name = workspace.present_name(name)
    _check(workspace, name, new)
    with workspace.transaction("rename"):
        _check(workspace, name, new)
        workspace.write_resource_params({**workspace.get_resource_params(name), SHOWN_AS: new})
        workspace.save(f"Renamed resource {name} to {new}")
    params = workspace.get_resource_params(new)
    return RenamedResource(new, name, params["role"], params["resource_type"], _path(workspace, new))


def _check(workspace: Workspace, name: str, new: str) -> None:
    workspace.get_resource_params(name)  # which says what is wrong with it
    own = workspace.own_files_resource()
    if own is not None and name == own.name:
        raise ConfigurationError(f"'{name}' stands for the workspace's own files, and keeps its name")
    if name == new:
        raise ConfigurationError(f"Resource '{name}' is called so already", hint="Give another name")
    workspace.check_new_resource_name(new, renamed=name)


def _path(workspace: Workspace, name: str) -> str | None:
    with suppress(DwsError):  # of a type that is not installed, say
        resource = workspace.get_resource(name)
        return resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None
    return None
