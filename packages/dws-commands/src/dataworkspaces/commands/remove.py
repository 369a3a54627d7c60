"""``dws remove``: take a resource out of the workspace. Its files stay, and so does what snapshots hold of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from dataworkspaces.errors import ConfigurationError, DwsError, NotFoundError, NotSupportedError, UserAbort
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace import LocalStateResourceMixin, Resource
from dataworkspaces.workspace.own_files import OWN_FILES
from dataworkspaces.workspace.resource import REMOVED
from dataworkspaces.workspace.workspace import Workspace


@dataclass(frozen=True)
class RemovedResource:
    """A resource that was removed, or is back.

    :ivar path: where its files are, if that is on this machine."""

    name: str
    role: str
    resource_type: str
    path: str | None
    removed: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "role": self.role,
            "type": self.resource_type,
            "path": self.path,
            "removed": self.removed,
        }


def list_removed(workspace: Workspace) -> list[RemovedResource]:
    """What can be brought back."""
    return [_removed(workspace, params, removed=True) for params in _all_params(workspace) if params.get(REMOVED)]


def remove_command(workspace: Workspace, name: str) -> RemovedResource:
    """Take a resource out of the workspace: no later snapshot holds it. Asks first; raises UserAbort for a no."""
    params = workspace.get_resource_params(name)
    if name == OWN_FILES:
        raise ConfigurationError(
            f"'{name}' stands for the workspace's own files", hint="Name in .gitignore what snapshots should leave out"
        )
    found = _removed(workspace, params, removed=True)
    readers = _steps_that_read(workspace, name)
    if readers:
        workspace.interaction.warn(f"Resource '{name}' was read by step {some(readers)}, which is now out of date")
    files = f" Its files stay in {found.path}." if found.path is not None else ""
    if not workspace.interaction.confirm(
        f"Remove resource '{name}' from the workspace ('dws remove --undo {name}' brings it back)?{files}", default=True
    ):
        raise UserAbort(f"Resource '{name}' stays")
    with workspace.transaction("remove"):
        _write(workspace, {**workspace.get_resource_params(name), REMOVED: True})
        if name in set(workspace.get_resource_names()):
            raise NotSupportedError(f"Workspace '{workspace.name}': its backend cannot remove resources")
        workspace.save(f"Removed resource {name}")
    return found


def undo_remove_command(workspace: Workspace, name: str) -> RemovedResource:
    """Bring a resource back that was removed."""
    with workspace.transaction("remove"):
        params = next((p for p in _all_params(workspace) if p["name"] == name and p.get(REMOVED)), None)
        if params is None:
            names = ", ".join(p["name"] for p in _all_params(workspace) if p.get(REMOVED)) or "none"
            raise NotFoundError(f"No resource '{name}' was removed", hint=f"Removed resources: {names}")
        found = _removed(workspace, params, removed=False)
        if found.path is not None:
            workspace.validate_local_path_for_resource(name, found.path)
        _write(workspace, {key: value for key, value in params.items() if key != REMOVED})
        workspace.save(f"Brought resource {name} back")
    return found


def _all_params(workspace: Workspace) -> list[dict[str, Any]]:
    if type(workspace).read_resource_params is not Workspace.read_resource_params:
        raise NotSupportedError(f"Workspace '{workspace.name}': its backend cannot remove resources")
    return workspace.read_all_resource_params()


def _write(workspace: Workspace, params: dict[str, Any]) -> None:
    _all_params(workspace)
    workspace.write_resource_params(params)


def _removed(workspace: Workspace, params: dict[str, Any], *, removed: bool) -> RemovedResource:
    path = None
    with suppress(DwsError):  # of a type that is not installed, say
        resource = _resource(workspace, params)
        path = resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None
    return RemovedResource(params["name"], params["role"], params["resource_type"], path, removed)


def _resource(workspace: Workspace, params: dict[str, Any]) -> Resource | None:
    name = params["name"]
    if not params.get(REMOVED):
        return workspace.get_resource(name)
    return next((each for each in workspace.get_removed_resources() if each.name == name), None)


def _steps_that_read(workspace: Workspace, name: str) -> list[str]:
    from dataworkspaces.lineage.model import StepLineage
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin

    if not isinstance(workspace, SnapshotWorkspaceMixin) or not workspace.supports_lineage():
        return []
    store = workspace.get_lineage_store()
    found = {
        entry.step_name: None
        for other in workspace.get_resource_names()
        if other != name
        for entry in store.entries(other)
        if isinstance(entry, StepLineage) and any(cert.ref.name == name for cert in entry.inputs)
    }
    return list(found)
