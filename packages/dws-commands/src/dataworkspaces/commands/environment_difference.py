"""How the environments in which the steps of two states ran differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import DwsError
from dataworkspaces.lineage.recorded_environments import package_changes, packages_of, step_environments

if TYPE_CHECKING:
    from dataworkspaces.lineage.model import Environment
    from dataworkspaces.workspace import SnapshotMetadata, Workspace


@dataclass(frozen=True)
class EnvironmentChange:
    """What is not the same; None where it is not there, or not known.

    :ivar kind: ``python``, ``platform``, ``setting`` or ``package``."""

    kind: str
    name: str
    before: str | None
    after: str | None

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "before": self.before, "after": self.after}


def environment_difference(
    workspace: Workspace, one: SnapshotMetadata | None, other: SnapshotMetadata | None
) -> list[EnvironmentChange]:
    """Of the latest step of each state; ``None`` is the present one. Empty if one of them has no step of which the
    environment is known."""
    found = [step_environments(workspace, state) for state in (one, other)]
    if not all(found):
        return []
    before, after = (environments[0].environment for environments in found)
    changes = [
        EnvironmentChange(kind, name, old, new)
        for kind, name in dict.fromkeys([*_facts(before), *_facts(after)])
        if (old := _facts(before).get((kind, name))) != (new := _facts(after).get((kind, name)))
    ]
    return changes + _packages(workspace, before, after)


def _facts(environment: Environment) -> dict[tuple[str, str], str | None]:
    python = f"{environment.implementation or ''} {environment.python or ''}".strip() or None
    settings = {("setting", name): str(value) for name, value in environment.settings.items()}
    return {("python", "Python"): python, ("platform", "Platform"): environment.platform, **settings}


def _packages(workspace: Workspace, before: Environment, after: Environment) -> list[EnvironmentChange]:
    kinds = before.records.keys() & after.records.keys()
    if kinds:
        try:
            then, now = (
                packages_of(workspace, {kind: each.records[kind] for kind in kinds}) for each in (before, after)
            )
        except DwsError as e:
            workspace.interaction.warn(f"The packages of the environments cannot be compared: {e.message}")
            return []
        return [
            EnvironmentChange(
                "package",
                change.name,
                None if change.before is None else change.before.version,
                None if change.after is None else change.after.version,
            )
            for change in package_changes(then, now)
            if change.name.lower() != "python"
        ]
    if before.distributions is None or after.distributions is None:
        return []  # one of the two is not known
    return _differing(before.distributions, after.distributions)


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[EnvironmentChange]:
    names = sorted({*before, *after}, key=str.lower)
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return [EnvironmentChange("package", name, old, new) for name, old, new in pairs if old != new]
