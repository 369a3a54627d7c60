"""``dws diff``: what lies between two snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dataworkspaces.commands.summaries import changes_json, snapshot_json

if TYPE_CHECKING:
    from dataworkspaces.workspace import FileChange, SnapshotMetadata, Workspace


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
    raise NotImplementedError
