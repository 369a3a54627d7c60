"""What results were made from: all that a step behind them read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataworkspaces.commands.experiments import ExperimentReader
from dataworkspaces.lineage.steps_behind import steps_behind
from dataworkspaces.workspace import ResourceRoles

if TYPE_CHECKING:
    from dataworkspaces.lineage.model import ResourceCert
    from dataworkspaces.workspace import SnapshotMetadata, Workspace


@dataclass(frozen=True)
class Read:
    """That a step behind the results of a resource read a version of something."""

    results: str
    step: str
    cert: ResourceCert


def reads_behind_results(workspace: Workspace, snapshot: SnapshotMetadata | None) -> list[Read]:
    """In a snapshot, or now (None). Of lineage that cannot be read, nothing."""
    entries = ExperimentReader(workspace, quiet=True).lineage(snapshot).entries
    present = set(workspace.get_resource_names())
    return [
        Read(name, step.step_name, cert)
        for name in entries
        if name in present and workspace.get_resource_role(name) == ResourceRoles.RESULTS
        for step in steps_behind([name], lambda each: entries.get(each, []))
        for cert in step.inputs
    ]
