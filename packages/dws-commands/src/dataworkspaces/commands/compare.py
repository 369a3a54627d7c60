"""``dws diff`` of more than two snapshots: what differs between them, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.experiment_table import make_rows
from dataworkspaces.commands.experiments import ExperimentReader
from dataworkspaces.commands.named_versions import find_version, versions_in
from dataworkspaces.commands.summaries import snapshot_json
from dataworkspaces.toolbox.flat import same

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace


@dataclass(frozen=True)
class Line:
    """A value in each of the snapshots; None where one has none."""

    name: str
    values: tuple[Any, ...]

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "values": list(self.values)}


@dataclass(frozen=True)
class Comparison:
    """What differs. ``resources`` has the hashes of contents."""

    snapshots: tuple[SnapshotMetadata, ...]
    resources: tuple[Line, ...]
    parameters: tuple[Line, ...]
    metrics: tuple[Line, ...]

    @property
    def identical(self) -> bool:
        return not (self.resources or self.parameters or self.metrics)

    def to_json(self) -> dict[str, Any]:
        return {
            "snapshots": [snapshot_json(s) for s in self.snapshots],
            "identical": self.identical,
            "resources": [line.to_json() for line in self.resources],
            "parameters": [line.to_json() for line in self.parameters],
            "metrics": [line.to_json() for line in self.metrics],
        }


def compare_command(workspace: Workspace, names: Sequence[str], *, rtol: float = 0.0) -> Comparison:
    """Compare several snapshots, each named by tag or hash."""
    snapshots = workspace.as_snapshot_ws()
    found = tuple(find_version(workspace, name) for name in names)
    reader = ExperimentReader(workspace)
    rows = make_rows((snapshot, reader.read(snapshot)) for snapshot in found)
    versions = [{name: version.compare_hash for name, version in versions_in(snapshots, s).items()} for s in found]
    return Comparison(
        found,
        _lines(versions, 0.0),
        _lines([row.parameters for row in rows], rtol),
        _lines([row.metrics for row in rows], rtol),
    )


def _lines(values: Sequence[dict[str, Any]], rtol: float) -> tuple[Line, ...]:
    names = dict.fromkeys(name for each in values for name in each)
    lines = [Line(name, tuple(each.get(name) for each in values)) for name in names]
    return tuple(line for line in lines if any(not same(line.values[0], value, rtol) for value in line.values[1:]))
