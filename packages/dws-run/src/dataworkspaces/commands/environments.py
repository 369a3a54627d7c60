"""``dws env``: what the steps of a snapshot ran in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError, DwsError
from dataworkspaces.lineage.environment_kind import Created, Package, Source
from dataworkspaces.lineage.environment_records import (
    environment_kind,
    environment_kinds,
    is_own_record,
    read_record,
)
from dataworkspaces.lineage.model import Environment
from dataworkspaces.lineage.recorded_environments import (
    PackageChange,
    StepEnvironment,
    choose_environment,
    package_changes,
    packages_of,
    present_records,
    step_environments,
)

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace

PYTHON = "python"


@dataclass(frozen=True)
class ShownEnvironment:
    """:ivar summaries: by kind what it is, in a few words.
    :ivar problem: why its packages cannot be told; None if they can, or if none were recorded.
    """

    environment: Environment
    steps: tuple[str, ...]
    summaries: dict[str, str]
    packages: tuple[Package, ...]
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "steps": list(self.steps),
            **self.environment.to_json(),
            "records": dict(self.environment.records),
            "settings": dict(self.environment.settings),
            "packages": [package.to_json() for package in self.packages],
        }


@dataclass(frozen=True)
class EnvironmentDiff:
    """:ivar before, after: what is compared, as a user calls it."""

    before: str
    after: str
    changes: tuple[PackageChange, ...]
    settings: tuple[tuple[str, Any, Any], ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "before": self.before,
            "after": self.after,
            "packages": [change.to_json() for change in self.changes],
            "settings": [{"name": n, "before": then, "after": now} for n, then, now in self.settings],
        }


@dataclass(frozen=True)
class PlannedEnvironment:
    """:ivar sources: what would be fetched, and from where.
    :ivar is_own: a step that ran here wrote the document, and nobody else."""

    kind: str
    document: str
    content: bytes
    sources: tuple[Source, ...]
    is_own: bool


def show_environments(workspace: Workspace, snapshot: str | None, step: str | None) -> list[ShownEnvironment]:
    """Those of all steps, or of one; the latest first."""
    found, what = _environments(workspace, snapshot)
    if step is not None:
        found = [_of_step(found, step, what)]
    return [_shown(workspace, each) for each in found]


def diff_environments(workspace: Workspace, before: str, after: str | None, step: str | None) -> EnvironmentDiff:
    """Of two snapshots, or of a snapshot and what a step would run in now."""
    old, then = _one(workspace, before, step)
    if after is None:
        now = {kind: document for kind, document in present_records(workspace).items() if kind in old.records}
        changes = package_changes(packages_of(workspace, old.records), packages_of(workspace, now))
        return EnvironmentDiff(then, "now", tuple(changes), ())
    new, now_called = _one(workspace, after, step)
    changes = package_changes(packages_of(workspace, old.records), packages_of(workspace, new.records))
    return EnvironmentDiff(then, now_called, tuple(changes), tuple(_changed(old.environment, new.environment)))


def export_environment(
    workspace: Workspace, snapshot: str | None, step: str | None, kind: str, format: str | None
) -> str:
    """As a file of another program; by default in the format in which it is kept."""
    planned = environment_kind(kind)
    document = _document(workspace, snapshot, step, kind)
    chosen = planned.formats[0] if format is None else format
    if chosen not in planned.formats:
        known = ", ".join(planned.formats)
        raise ConfigurationError(
            f"There is no format '{chosen}' of environments of the kind '{kind}'", hint=f"Available: {known}"
        )
    text = planned.export(read_record(workspace, document), chosen, _root(workspace))
    return text if text.endswith("\n") else f"{text}\n"


def plan_environment(workspace: Workspace, snapshot: str | None, step: str | None, kind: str) -> PlannedEnvironment:
    """What :func:`create_environment` would fetch. Changes nothing."""
    return plan_document(workspace, _document(workspace, snapshot, step, kind), kind)


def plan_document(workspace: Workspace, document: str, kind: str = PYTHON) -> PlannedEnvironment:
    """The same, for a document that lineage names."""
    content = read_record(workspace, document)
    sources = environment_kind(kind).sources(content, _root(workspace))
    return PlannedEnvironment(kind, document, content, tuple(sources), is_own_record(workspace, document))


def create_environment(
    workspace: Workspace, planned: PlannedEnvironment, directory: Path, without: Collection[str] = ()
) -> Created:
    """Make it. The user has agreed to what it fetches."""
    return environment_kind(planned.kind).create(planned.content, directory.absolute(), _root(workspace), without)


# -- inside ------------------------------------------------------------------------------------------------------------


def _environments(workspace: Workspace, snapshot: str | None) -> tuple[list[StepEnvironment], str]:
    if snapshot is None:
        return step_environments(workspace, None), "The present lineage"
    metadata = workspace.as_snapshot_ws().get_snapshot_by_tag_or_hash(snapshot)
    return step_environments(workspace, metadata), f"Snapshot {snapshot}"


def _one(workspace: Workspace, snapshot: str, step: str | None) -> tuple[StepEnvironment, str]:
    found, what = _environments(workspace, snapshot)
    kinds = [kind for kind in (PYTHON, "conda", "container") if any(kind in each.records for each in found)]
    return choose_environment(found, step, kinds[0] if kinds else PYTHON, what), snapshot


def _document(workspace: Workspace, snapshot: str | None, step: str | None, kind: str) -> str:
    found, what = _environments(workspace, snapshot)
    return choose_environment(found, step, kind, what).records[kind]


def _of_step(found: Sequence[StepEnvironment], step: str, what: str) -> StepEnvironment:
    named = [each for each in found if step in each.steps]
    return named[0] if named else choose_environment(found, step, PYTHON, what)


def _shown(workspace: Workspace, each: StepEnvironment) -> ShownEnvironment:
    summaries: dict[str, str] = {}
    try:
        for name, kind in environment_kinds().items():
            if name in each.records:
                summaries[name] = kind.summary(read_record(workspace, each.records[name]))
        packages = tuple(packages_of(workspace, each.records))
        return ShownEnvironment(each.environment, each.steps, summaries, packages)
    except DwsError as e:
        return ShownEnvironment(each.environment, each.steps, summaries, (), str(e))


def _changed(old: Environment, new: Environment) -> list[tuple[str, Any, Any]]:
    then, now = ({"platform": each.platform, **_flat(each.settings)} for each in (old, new))
    return [(k, then.get(k), now.get(k)) for k in sorted({*then, *now}) if then.get(k) != now.get(k)]


def _flat(settings: Any) -> dict[str, Any]:
    variables = settings.get("variables")
    others = {key: value for key, value in settings.items() if key != "variables"}
    return {**others, **(variables if isinstance(variables, dict) else {})}


def _root(workspace: Workspace) -> Path | None:
    own = workspace.get_workspace_local_path_if_any()
    return None if own is None else Path(own)
