"""The environments behind the steps of a snapshot, or of the present lineage, and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.lineage.environment_kind import Package
from dataworkspaces.lineage.environment_records import environment_kinds, read_record, record_environment
from dataworkspaces.lineage.model import Environment, StepLineage, UnknownLineage

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace

__all__ = [
    "PackageChange",
    "StepEnvironment",
    "choose_environment",
    "package_changes",
    "packages_of",
    "present_records",
    "step_environments",
]


class StepEnvironment(NamedTuple):
    """What some steps ran in. :ivar steps: their names, the latest first."""

    environment: Environment
    steps: tuple[str, ...]

    @property
    def records(self) -> Mapping[str, str]:
        return self.environment.records


class PackageChange(NamedTuple):
    """:ivar before, after: None where the package is missing."""

    name: str
    before: Package | None
    after: Package | None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "before": None if self.before is None else self.before.to_json(),
            "after": None if self.after is None else self.after.to_json(),
        }

    def __str__(self) -> str:
        if self.before is None or self.after is None:
            known = self.before or self.after
            version = "" if known is None or known.version is None else f" {known.version}"
            return f"{self.name}{version} {'is new' if self.before is None else 'is missing'}"
        if self.before.version != self.after.version:
            return f"{self.name} {self.before.version} → {self.after.version}"
        if self.before.source != self.after.source:
            return f"{self.name} {self.before.version} comes from {self.after.source or 'an index'}"
        return f"{self.name} {self.before.version} holds other files"


def step_environments(workspace: Workspace, snapshot: SnapshotMetadata | None) -> list[StepEnvironment]:
    """All, those of the latest steps first; ``None`` is the present lineage. Those of steps that another workspace
    exported are not among them: their documents stayed there."""
    snapshots = workspace.as_lineage_ws()
    store = snapshots.get_lineage_store()
    hashval = None if snapshot is None else snapshot.hashval
    names = (
        list(workspace.get_resource_names())
        if hashval is None
        else [entry["name"] for entry in snapshots.get_snapshot_manifest(hashval)]
    )
    found: dict[tuple[str, str], StepLineage] = {}
    for name in names:
        for entry in store.entries(name, hashval):
            step = entry.step if isinstance(entry, UnknownLineage) else entry
            if isinstance(step, StepLineage) and step.environment is not None:
                found[step.step_name, step.start_time.isoformat()] = step
    grouped: dict[str, tuple[Environment, list[str]]] = {}
    for step in sorted(found.values(), key=lambda step: step.start_time.isoformat(), reverse=True):
        environment = step.environment
        assert environment is not None
        key = repr(sorted(environment.records.items())) if environment.records else repr(environment)
        steps = grouped.setdefault(key, (environment, []))[1]
        if step.step_name not in steps:
            steps.append(step.step_name)
    return [StepEnvironment(environment, tuple(steps)) for environment, steps in grouped.values()]


def choose_environment(found: Sequence[StepEnvironment], step: str | None, kind: str, what: str) -> StepEnvironment:
    """The environment of a step, or the only one that there is.

    :param what: the subject of errors: ``Snapshot V1``.

    Raises NotFoundError if there is none, ConfigurationError if there are several and nobody said which."""
    if step is not None:
        known = [each for each in found if step in each.steps]
        if not known:
            names = sorted({name for each in found for name in each.steps})
            raise NotFoundError(f"{what} has no step '{step}'", hint=f"It has: {', '.join(names) or 'none'}")
        found = known[:1]
    with_record = [each for each in found if kind in each.records]
    if not with_record:
        raise NotFoundError(
            f"{what}: no environment of the kind '{kind}' is recorded",
            hint="Steps record it from this release on, if dws-run is installed where they run",
        )
    if len({each.records[kind] for each in with_record}) > 1:
        several = "; ".join(", ".join(each.steps[:3]) for each in with_record)
        raise ConfigurationError(
            f"{what} has steps that ran in {len(with_record)} environments: {several}", hint="Name one with --step"
        )
    return with_record[0]


def packages_of(workspace: Workspace, records: Mapping[str, str]) -> list[Package]:
    """Those of all kinds that are installed here. Raises NotFoundError for a document that is nowhere."""
    found: list[Package] = []
    for name, kind in environment_kinds().items():
        if name in records:
            found += kind.packages(read_record(workspace, records[name]))
    return found


def present_records(workspace: Workspace) -> dict[str, str]:
    """The documents of the environment in which a step would run now; written, if they are new."""
    from dataworkspaces.lineage.environment import present_process  # not before there is something to compare with

    own = workspace.get_workspace_local_path_if_any()
    return record_environment(present_process(None if own is None else Path(own)), workspace.get_machine_directory())


def package_changes(before: Iterable[Package], after: Iterable[Package]) -> list[PackageChange]:
    """What is not the same, sorted by name; Python itself first."""
    then, now = ({package.name.lower().replace("_", "-"): package for package in each} for each in (before, after))
    changes = []
    for key in sorted({*then, *now}, key=lambda name: (name != "python", name)):
        old, new = then.get(key), now.get(key)
        if old is None or new is None or not _is_same(old, new):
            known = new or old
            changes.append(PackageChange("" if known is None else known.name, old, new))
    return changes


def _is_same(old: Package, new: Package) -> bool:
    """What was installed from a directory has the files of that directory, and those may be edited at any time."""
    if (old.version, old.editable, old.source) != (new.version, new.editable, new.source):
        return False
    return None in (old.contents, new.contents) or old.editable or old.contents == new.contents
