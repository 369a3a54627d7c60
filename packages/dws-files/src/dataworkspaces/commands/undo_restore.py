"""``dws undo-restore``: bring back what a restore replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.storage import resources_with_versions
from dataworkspaces.errors import ConfigurationError, NotSupportedError
from dataworkspaces.workspace import SnapshotResourceMixin
from dataworkspaces.workspace.kept_versions import KeptVersionsMixin

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
    resources = resources_with_versions(workspace) if name is None else [_resource(workspace, name)[0]]
    found = [_replaced(r.name, e) for r in resources for e in r.replaced_versions()]
    return sorted(found, key=lambda replaced: replaced.time, reverse=True)


def undo_restore_command(workspace: Workspace, name: str, version: str | None = None) -> Replaced:
    """Bring back a version that a restore replaced: the latest, or the one whose name starts with ``version``. What is
    there now can be brought back by the same means."""
    kept, resource = _resource(workspace, name)
    entries = list(reversed(kept.replaced_versions()))
    chosen = [e for e in entries if version is None or e.version.startswith(version)]
    if not chosen:
        what = "no restore replaced anything" if version is None else f"no restore replaced the version {version}"
        raise ConfigurationError(f"Resource '{name}': {what}", hint="dws undo-restore --list")
    target = chosen[0].version
    with workspace.transaction("undo-restore") as journal:
        resource.restore_precheck(target)
        journal.record("restore", snapshot=None, targets={name: target}, prior={})
        _, prior = resource.snapshot()
        journal.record("restore", snapshot=None, targets={name: target}, prior={name: prior})
        resource.restore(target)
        workspace.save(f"Undid a restore of {name}")
    return _replaced(name, chosen[0])


def _resource(workspace: Workspace, name: str) -> tuple[KeptVersionsMixin, SnapshotResourceMixin]:
    workspace.validate_resource_name(name)
    resource = workspace.get_resource(name)
    if (
        isinstance(resource, KeptVersionsMixin)
        and isinstance(resource, SnapshotResourceMixin)
        and resource.keeps_versions()
    ):
        return resource, resource
    raise NotSupportedError(
        f"Resource '{name}' ({resource.resource_type}) keeps no versions in the object store",
        hint=resource.hint_instead_of("undo-restore"),
    )


def _replaced(name: str, entry: ReplacedVersion) -> Replaced:
    return Replaced(name, entry.version, entry.time.isoformat(), entry.by)
