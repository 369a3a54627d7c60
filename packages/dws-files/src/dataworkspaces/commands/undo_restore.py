"""``dws undo-restore``: bring back what a restore replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.storage import resources_with_versions
from dataworkspaces.errors import ConfigurationError, NotSupportedError
from dataworkspaces.operations.restores import past_restores
from dataworkspaces.workspace import SnapshotResourceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace
    from dataworkspaces.workspace.kept_versions import ReplacedVersion


@dataclass(frozen=True)
class Replaced:
    """:ivar version: what lay there. :ivar time: when it was replaced (ISO, local time). :ivar by: by which version."""

    resource: str
    version: str
    time: str
    by: str

    def to_json(self) -> dict[str, Any]:
        return {"resource": self.resource, "version": self.version, "time": self.time, "by": self.by}


def list_replaced(workspace: Workspace, name: str | None = None) -> list[Replaced]:
    """What restores of a resource (or of all) replaced, the latest first."""
    if name is not None:
        workspace.validate_resource_name(name)
    resources = [each for each in resources_with_versions(workspace) if name in (None, each.name)]
    found = [moment for r in resources for moment in _moments(_replaced(r.name, e) for e in r.replaced_versions())]
    known = {(each.resource, each.version) for _, each in found}
    others = [each for each in _of_past_restores(workspace, name) if (each.resource, each.version) not in known]
    found += _moments(reversed(others))
    in_order = sorted(found, key=lambda moment: moment[0])  # of one moment, as they are
    return [each for _, each in reversed(in_order)]


def undo_restore_command(workspace: Workspace, name: str, version: str | None = None) -> Replaced:
    """Bring back a version that a restore replaced: the latest, or the one whose name starts with ``version``. What is
    there now can be brought back by the same means."""
    workspace.validate_resource_name(name)
    resource = workspace.get_resource(name)
    entries = list_replaced(workspace, name)
    chosen = [e for e in entries if version is None or e.version.startswith(version)]
    if not isinstance(resource, SnapshotResourceMixin):
        raise NotSupportedError(f"Resource '{name}' ({resource.resource_type}) keeps no versions")
    if not chosen:
        what = "no restore has replaced anything" if version is None else f"no restore replaced the version {version}"
        instead = None if entries else resource.hint_instead_of("undo-restore")
        raise ConfigurationError(f"Resource '{name}': {what}", hint=instead or "dws undo-restore --list shows all")
    target = chosen[0].version
    with workspace.transaction("undo-restore"):
        workspace.as_snapshot_ws().restore_versions({name: target}, [resource])
        workspace.save(f"Undid a restore of {name}")
    return chosen[0]


def _moments(oldest_first: Iterable[Replaced]) -> Iterator[tuple[str, Replaced]]:
    """When each was replaced, and never before what was replaced earlier: the clock may have been set back."""
    latest = ""
    for each in oldest_first:
        latest = max(latest, each.time)
        yield latest, each


def _of_past_restores(workspace: Workspace, name: str | None) -> list[Replaced]:
    """Of resources that keep their versions elsewhere than in the object store, such as git; the latest first."""
    known = set(workspace.get_resource_names())
    return [
        Replaced(resource, version, past.time.isoformat(), past.targets.get(resource, ""))
        for past in past_restores(workspace)
        for resource, version in past.prior.items()
        if resource in known and name in (None, resource)
    ]


def _replaced(name: str, entry: ReplacedVersion) -> Replaced:
    return Replaced(name, entry.version, entry.time.isoformat(), entry.by)
