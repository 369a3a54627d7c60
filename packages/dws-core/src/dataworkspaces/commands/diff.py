"""``dws diff``: what lies between two snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dataworkspaces.commands.results import read_results, results_resources
from dataworkspaces.commands.summaries import changes_json, snapshot_json
from dataworkspaces.errors import DwsError
from dataworkspaces.workspace import SnapshotResourceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace import FileChange, SnapshotMetadata, SnapshotVersion, Workspace


@dataclass(frozen=True)
class ResourceDiff:
    """A resource in the two snapshots.

    :ivar files: of a ``different`` resource the files that differ; None if its type cannot tell.
    """

    name: str
    state: Literal["same", "different", "added", "removed"]
    files: tuple[FileChange, ...] | None = None

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

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "state": self.state, "first": self.first, "second": self.second}


@dataclass(frozen=True)
class ResultsDiff:
    """How the results that one resource keeps for the two snapshots differ: only what is not equal."""

    resource: str
    parameters: tuple[ValueDiff, ...]
    metrics: tuple[ValueDiff, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "resource": self.resource,
            "parameters": [p.to_json() for p in self.parameters],
            "metrics": [m.to_json() for m in self.metrics],
        }


@dataclass(frozen=True)
class SnapshotDiff:
    """What lies between two snapshots. ``results`` has an entry for each resource that holds results of both."""

    first: SnapshotMetadata
    second: SnapshotMetadata
    resources: tuple[ResourceDiff, ...]
    results: tuple[ResultsDiff, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "first": snapshot_json(self.first),
            "second": snapshot_json(self.second),
            "resources": [r.to_json() for r in self.resources],
            "results": [r.to_json() for r in self.results],
        }


def diff_command(workspace: Workspace, first: str, second: str) -> SnapshotDiff:
    """Compare two snapshots, each named by tag or hash."""
    snapshots = workspace.as_snapshot_ws()
    one, other = (snapshots.get_snapshot_by_tag_or_hash(name) for name in (first, second))
    old, new = (snapshots.get_snapshot_versions(snapshot.hashval) for snapshot in (one, other))
    names = [*old, *(name for name in new if name not in old)]
    resources = tuple(_compare(workspace, name, old.get(name), new.get(name)) for name in names)
    compared = (_compare_results(workspace, name, one, other) for name in results_resources(workspace))
    return SnapshotDiff(one, other, resources, tuple(diff for diff in compared if diff is not None))


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


def _compare_results(
    workspace: Workspace, name: str, one: SnapshotMetadata, other: SnapshotMetadata
) -> ResultsDiff | None:
    """None if the resource does not hold results of both snapshots."""
    with _spoils_only_itself(workspace, f"The results in resource '{name}' cannot be compared"):
        resource = workspace.get_resource(name)
        old, new = read_results(resource, one), read_results(resource, other)
        if old is not None and new is not None:
            parameters, metrics = (_compare_values(old.data.get(k), new.data.get(k)) for k in ("parameters", "metrics"))
            return ResultsDiff(name, parameters, metrics)
    return None


@contextmanager
def _spoils_only_itself(workspace: Workspace, what: str) -> Iterator[None]:
    """A resource that cannot be looked at (its data is not on this machine, its plug-in is not installed) is no
    reason not to compare the others."""
    try:
        yield
    except DwsError as e:
        workspace.interaction.warn(f"{what}: {e.message}")


def _compare_values(old: Any, new: Any) -> tuple[ValueDiff, ...]:
    first, second = _flatten(old), _flatten(new)
    found: list[ValueDiff] = []
    for name in [*first, *(name for name in second if name not in first)]:
        if name not in second:
            found.append(ValueDiff(name, "removed", first[name], None))
        elif name not in first:
            found.append(ValueDiff(name, "added", None, second[name]))
        elif not _are_equal(first[name], second[name]):
            found.append(ValueDiff(name, "changed", first[name], second[name]))
    return tuple(found)


def _are_equal(one: Any, other: Any) -> bool:
    return bool(one == other or (one != one and other != other))  # NaN is a value like others here


def _flatten(values: Any, prefix: str = "") -> dict[str, Any]:
    """The values of a dictionary and of those in it. Results files are anybody's: what is no dictionary has none."""
    flat: dict[str, Any] = {}
    for key, value in values.items() if isinstance(values, dict) else ():
        if isinstance(value, dict) and value:
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
