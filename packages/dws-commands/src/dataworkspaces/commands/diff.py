"""``dws diff``: what lies between two snapshots, or between one and the present state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dataworkspaces.commands.diff_files import ParameterFile, parameter_files, results_changes
from dataworkspaces.commands.experiment_table import make_rows
from dataworkspaces.commands.experiments import ExperimentReader, results_of
from dataworkspaces.commands.named_versions import find_version, versions_in
from dataworkspaces.commands.results import results_resources
from dataworkspaces.commands.summaries import changes_json, snapshot_json
from dataworkspaces.errors import DwsError
from dataworkspaces.toolbox.flat import flatten, same
from dataworkspaces.toolbox.metrics import as_number, larger_is_better
from dataworkspaces.workspace import FileChange, FileResourceMixin, SnapshotResourceMixin
from dataworkspaces.workspace.results import results_exclude

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, SnapshotVersion, Workspace


@dataclass(frozen=True)
class ResourceDiff:
    """A resource in the two states.

    :ivar files: of a ``different`` resource the files that differ; None if its type cannot tell. Of results, those of
        these two snapshots, by their path in the directory of each.
    :ivar details: what else is known, for people.
    """

    name: str
    state: Literal["same", "different", "added", "removed", "missing", "unknown"]
    files: tuple[FileChange, ...] | None = None
    details: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "state": self.state, "files": changes_json(self.files)}


@dataclass(frozen=True)
class ValueDiff:
    """A parameter or metric that differs. Metrics that are dictionaries are taken apart: ``report.macro avg.recall``.

    A value that is not there is None; ``state`` tells it from one that is None."""

    name: str
    state: Literal["changed", "added", "removed"]
    first: Any
    second: Any

    @property
    def change(self) -> float | None:
        """The second less the first, if both are numbers."""
        one, other = as_number(self.first), as_number(self.second)
        return None if one is None or other is None else other - one

    @property
    def standing(self) -> Literal["better", "worse"] | None:
        """Of a metric whose direction is known: how the second value stands to the first."""
        larger = larger_is_better(self.name)
        change = self.change
        if larger is None or not change:
            return None
        return "better" if (change > 0) == larger else "worse"

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "state": self.state,
            "first": self.first,
            "second": self.second,
            "change": self.change,
        }


@dataclass(frozen=True)
class ResultsDiff:
    """How the results that one resource keeps for the two snapshots differ: only what is not equal."""

    resource: str
    parameters: tuple[ValueDiff, ...]
    metrics: tuple[ValueDiff, ...]

    @property
    def identical(self) -> bool:
        return not self.parameters and not self.metrics

    def to_json(self) -> dict[str, Any]:
        return {
            "resource": self.resource,
            "parameters": [p.to_json() for p in self.parameters],
            "metrics": [{**m.to_json(), "standing": m.standing} for m in self.metrics],
        }


@dataclass(frozen=True)
class SnapshotDiff:
    """What lies between two states. ``results`` has an entry for each resource that holds results of both.

    :ivar second: None for the present state.
    :ivar steps: parameters of steps behind the results.
    :ivar texts: what differs in small files of parameters."""

    first: SnapshotMetadata
    second: SnapshotMetadata | None
    resources: tuple[ResourceDiff, ...]
    results: tuple[ResultsDiff, ...]
    steps: tuple[ValueDiff, ...] = ()
    texts: tuple[ParameterFile, ...] = ()

    @property
    def identical(self) -> bool:
        same_values = all(results.identical for results in self.results) and not self.steps
        return same_values and all(resource.state == "same" for resource in self.resources)

    def to_json(self) -> dict[str, Any]:
        return {
            "first": snapshot_json(self.first),
            "second": None if self.second is None else snapshot_json(self.second),
            "identical": self.identical,
            "resources": [r.to_json() for r in self.resources],
            "results": [r.to_json() for r in self.results],
            "steps": [s.to_json() for s in self.steps],
            "parameter_files": [t.to_json() for t in self.texts],
        }


def diff_command(workspace: Workspace, first: str, second: str | None = None, *, rtol: float = 0.0) -> SnapshotDiff:
    """Compare two snapshots, each named by tag, hash or branch, or one with the present state.

    :param rtol: numbers in results that are closer than this, as a part of the larger one, count as equal."""
    snapshots = workspace.as_snapshot_ws()
    one = find_version(workspace, first)
    other = None if second is None else find_version(workspace, second)
    if other is None:
        resources = _compare_with_now(workspace, one)
    else:
        old, new = (versions_in(snapshots, snapshot) for snapshot in (one, other))
        names = [*old, *(name for name in new if name not in old)]
        resources = tuple(_compare(workspace, name, old.get(name), new.get(name)) for name in names)
    results: list[ResultsDiff] = []
    for name in results_resources(workspace):
        with _spoils_only_itself(workspace, f"The results in resource '{name}' cannot be compared"):
            found = _compare_results(workspace, name, one, other, rtol)
            if found is not None:
                results.append(found)
            of_these = _results_resource(workspace, name, one, other, found)
            resources = tuple(of_these(resource) if resource.name == name else resource for resource in resources)
    texts = parameter_files(workspace, one, other, {r.name: r.files for r in resources if r.files})
    return SnapshotDiff(one, other, resources, tuple(results), _compare_steps(workspace, one, other), texts)


def _compare(workspace: Workspace, name: str, old: SnapshotVersion | None, new: SnapshotVersion | None) -> ResourceDiff:
    if old is None:
        return ResourceDiff(name, "added")
    if new is None:
        return ResourceDiff(name, "removed")
    if old.compare_hash == new.compare_hash:
        return ResourceDiff(name, "same")
    files: list[FileChange] | None = None
    if name in workspace.get_resource_names():
        with _spoils_only_itself(workspace, f"The files of resource '{name}' cannot be compared"):
            resource = workspace.get_resource(name)
            if isinstance(resource, SnapshotResourceMixin):
                files = resource.diff_versions(old, new)
    return ResourceDiff(name, "different", None if files is None else tuple(files))


def _compare_with_now(workspace: Workspace, one: SnapshotMetadata) -> tuple[ResourceDiff, ...]:
    snapshots = workspace.as_snapshot_ws()
    old = versions_in(snapshots, one)
    changes = snapshots.changes_since(old)
    found = []
    for name in [*old, *(name for name in changes if name not in old)]:
        change = changes.get(name)
        if change is None:
            found.append(ResourceDiff(name, "removed"))
        elif change.state == "new":
            found.append(ResourceDiff(name, "added"))
        elif change.state == "changed":
            found.append(ResourceDiff(name, "different", _files_now(workspace, name, old[name]), change.details))
        elif change.state == "unchanged":
            found.append(ResourceDiff(name, "same"))
        else:
            found.append(ResourceDiff(name, change.state, None, change.details))
    return tuple(found)


_REVERSED = {"added": "deleted", "deleted": "added"}


def _files_now(workspace: Workspace, name: str, version: SnapshotVersion) -> tuple[FileChange, ...] | None:
    """What a restore of the version would undo."""
    if version.restore_hash is None:
        return None
    with _spoils_only_itself(workspace, f"The files of resource '{name}' cannot be compared"):
        resource = workspace.get_resource(name)
        planned = resource.plan_restore(version.restore_hash) if isinstance(resource, SnapshotResourceMixin) else None
        return None if planned is None else tuple(map(_reverse, planned))
    return None


def _reverse(change: FileChange) -> FileChange:
    if change.status == "renamed" and change.old_path is not None:
        return FileChange("renamed", change.old_path, change.path)
    return change._replace(status=_REVERSED.get(change.status, change.status))  # type: ignore[arg-type]


def _results_resource(
    workspace: Workspace,
    name: str,
    one: SnapshotMetadata,
    other: SnapshotMetadata | None,
    values: ResultsDiff | None,
) -> Any:
    """What is said of a results resource: of these two snapshots, whatever others have left in it since."""
    resource = workspace.get_resource(name)
    is_elsewhere = any(s is not None and not workspace.as_snapshot_ws().has_snapshot(s.hashval) for s in (one, other))
    if is_elsewhere or not isinstance(resource, FileResourceMixin):
        return lambda found: found
    if other is None and not any(True for _ in results_of(workspace, name, None)):
        return lambda found: ResourceDiff(name, "same") if found.state == "different" else found
    exclude = results_exclude(workspace)
    files = results_changes(resource, one, other, exclude, are_equal=values is not None and values.identical)

    def of_these(found: ResourceDiff) -> ResourceDiff:
        if found.state not in ("same", "different") or files is None:
            return found
        return ResourceDiff(name, "different" if files else "same", tuple(files) if files else None)

    return of_these


def _compare_results(
    workspace: Workspace, name: str, one: SnapshotMetadata, other: SnapshotMetadata | None, rtol: float
) -> ResultsDiff | None:
    """None if the resource does not hold results of both. Of a snapshot on another branch, whose results are not here,
    there are the metrics in its metadata."""
    old, new = (_values(workspace, name, snapshot) for snapshot in (one, other))
    if old is None and new is None and results_resources(workspace, quiet=True)[:1] != [name]:
        return None
    old, new = old or _kept_metrics(workspace, one, new), new or _kept_metrics(workspace, other, old)
    if old is None or new is None:
        return None
    parameters, metrics = (_compare_values(old[kind], new[kind], rtol) for kind in ("parameters", "metrics"))
    return ResultsDiff(name, parameters, metrics)


def _values(workspace: Workspace, name: str, snapshot: SnapshotMetadata | None) -> dict[str, dict[str, Any]] | None:
    """The flat values of all results files, those in subdirectories with their place before the name."""
    found: dict[str, dict[str, Any]] | None = None
    for place, data in results_of(workspace, name, snapshot):
        found = found or {"parameters": {}, "metrics": {}}
        for kind, values in found.items():
            values.update(flatten(data.get(kind), f"{place}." if place else ""))
    return found


def _kept_metrics(
    workspace: Workspace, snapshot: SnapshotMetadata | None, beside: dict[str, dict[str, Any]] | None
) -> dict[str, dict[str, Any]] | None:
    """The parameters, which are not known, count as those of the results with which they are compared."""
    if snapshot is None or not snapshot.metrics or workspace.as_snapshot_ws().has_snapshot(snapshot.hashval):
        return None
    parameters = {} if beside is None else beside["parameters"]
    return {"parameters": parameters, "metrics": flatten(snapshot.metrics, "")}


def _compare_steps(
    workspace: Workspace, one: SnapshotMetadata, other: SnapshotMetadata | None
) -> tuple[ValueDiff, ...]:
    reader = ExperimentReader(workspace, quiet=True)
    read = [(snapshot, reader.read(snapshot)) for snapshot in (one, other)]
    behind = [[part for part in experiment.parts if part.place is None] for _, experiment in read]
    if not all(any(part.place is not None for part in experiment.parts) for _, experiment in read):
        # The results of one of the two are not (yet, or no longer) there, so that nothing is known to compare with.
        behind = [[part for part in parts if not part.wrote_results] for parts in behind]
    rows = make_rows([(s, e._replace(parts=tuple(parts))) for (s, e), parts in zip(read, behind, strict=True)])
    return _compare_values(rows[0].parameters, rows[1].parameters, 0.0)


@contextmanager
def _spoils_only_itself(workspace: Workspace, what: str) -> Iterator[None]:
    """A resource that cannot be looked at (its data is not on this machine, its plug-in is not installed) is no
    reason not to compare the others."""
    try:
        yield
    except DwsError as e:
        workspace.interaction.warn(f"{what}: {e.message}")


def _compare_values(first: dict[str, Any], second: dict[str, Any], rtol: float) -> tuple[ValueDiff, ...]:
    found: list[ValueDiff] = []
    for name in [*first, *(name for name in second if name not in first)]:
        if name not in second:
            found.append(ValueDiff(name, "removed", first[name], None))
        elif name not in first:
            found.append(ValueDiff(name, "added", None, second[name]))
        elif not same(first[name], second[name], rtol):
            found.append(ValueDiff(name, "changed", first[name], second[name]))
    return tuple(found)
