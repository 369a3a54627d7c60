"""``dws report runs``: whose results are here, and what has become of those of before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.results import results_resources
from dataworkspaces.lineage.runs.check import PresentRun, runs_of
from dataworkspaces.lineage.runs.earlier import EarlierRun, EarlierRuns

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace


@dataclass(frozen=True)
class RunsReport:
    """:ivar present: the runs whose files are in results resources, but for those in snapshots.
    :ivar earlier: what was moved aside, the latest first."""

    present: tuple[PresentRun, ...]
    earlier: tuple[EarlierRun, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "runs": [run.to_json() for run in self.present],
            "earlier": [earlier.to_json() for earlier in self.earlier],
        }


def runs_report(workspace: Workspace) -> RunsReport:
    """The runs of this copy of the workspace."""
    return RunsReport(tuple(runs_of(workspace, results_resources(workspace))), tuple(EarlierRuns(workspace).all()))
