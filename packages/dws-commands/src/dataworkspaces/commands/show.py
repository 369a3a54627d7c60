"""``dws show``: all of one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.experiment_table import author_of, make_rows
from dataworkspaces.commands.experiments import ExperimentReader, ReadLineage
from dataworkspaces.commands.named_versions import find_snapshot
from dataworkspaces.commands.present import present_state
from dataworkspaces.commands.summaries import snapshot_json
from dataworkspaces.errors import NotFoundError
from dataworkspaces.lineage.attestations import Attestation, attestations_of
from dataworkspaces.lineage.steps_behind import steps_behind

if TYPE_CHECKING:
    from dataworkspaces.lineage.model import StepLineage
    from dataworkspaces.workspace import SnapshotMetadata, Workspace


@dataclass(frozen=True)
class ShownResource:
    """A resource in the snapshot.

    :ivar change: how it stands to the snapshot before: ``same``, ``different``, ``added``; "" without one.
    :ivar restorable: whether the snapshot holds what brings it back."""

    name: str
    role: str
    resource_type: str
    compare_hash: str | None
    restorable: bool
    change: str

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "role": self.role,
            "type": self.resource_type,
            "hash": self.compare_hash,
            "restorable": self.restorable,
            "change": self.change or None,
        }


@dataclass(frozen=True)
class ShownSnapshot:
    """A snapshot: what people know of it, its resources, the steps behind its results, and what came of them."""

    snapshot: SnapshotMetadata
    resources: tuple[ShownResource, ...]
    steps: tuple[StepLineage, ...]
    metrics: dict[str, Any]
    parameters: dict[str, Any]
    attestations: tuple[Attestation, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            **snapshot_json(self.snapshot),
            "author": author_of(self.snapshot) or None,
            "parents": self.snapshot.parents,
            "relative_destination_path": self.snapshot.relative_destination_path,
            "resources": [resource.to_json() for resource in self.resources],
            "steps": [_step_json(step) for step in self.steps],
            "metrics": self.metrics,
            "parameters": self.parameters,
            "attestations": [each.to_json() for each in self.attestations],
        }


def _step_json(step: StepLineage) -> dict[str, Any]:
    return {
        "name": step.step_name,
        "start_time": step.start_time.isoformat(),
        "execution_time_seconds": step.execution_time_seconds,
        "command": None if step.command_line is None else list(step.command_line),
        "inputs": [str(cert.ref) for cert in step.inputs],
        "outputs": [str(cert.ref) for cert in step.outputs],
    }


def show_command(workspace: Workspace, tag_or_hash: str | None = None) -> ShownSnapshot:
    """All of a snapshot; by default of that which the present state is, or comes from."""
    if tag_or_hash is None:
        snapshot = present_state(workspace).snapshot
        if snapshot is None:
            raise NotFoundError("There is no snapshot yet", hint="Take one with: dws snapshot")
    else:
        snapshot = find_snapshot(workspace, tag_or_hash)
    reader = ExperimentReader(workspace)
    lineage = reader.lineage(snapshot)
    (row,) = make_rows([(snapshot, reader.read(snapshot, lineage))])
    steps = _steps(workspace, lineage)
    attestations = tuple(attestations_of(workspace, snapshot.hashval))
    resources = _resources(workspace, snapshot)
    return ShownSnapshot(snapshot, resources, steps, row.metrics, row.parameters, attestations)


def _resources(workspace: Workspace, snapshot: SnapshotMetadata) -> tuple[ShownResource, ...]:
    snapshots = workspace.as_snapshot_ws()
    before: dict[str, str | None] | None = None
    for parent in snapshot.parents or ():
        try:
            before = {name: v.compare_hash for name, v in snapshots.get_snapshot_versions(parent).items()}
            break
        except NotFoundError:
            continue  # deleted since
    found = []
    for entry in snapshots.get_snapshot_manifest(snapshot.hashval):
        name, compare_hash = entry["name"], entry.get("hash")
        change = ""
        if before is not None:
            change = "added" if name not in before else "same" if before[name] == compare_hash else "different"
        restorable = snapshot.restore_hashes.get(name) is not None
        found.append(ShownResource(name, entry["role"], entry["resource_type"], compare_hash, restorable, change))
    return tuple(found)


def _steps(workspace: Workspace, lineage: ReadLineage) -> tuple[StepLineage, ...]:
    """The first step first; none if some of them cannot be read, for then nobody knows which are behind which."""
    if lineage.problems:
        workspace.interaction.warn(f"The steps of the snapshot cannot be read: {lineage.problems[0]}")
        return ()
    return tuple(reversed(steps_behind(lineage.entries, lambda name: lineage.entries.get(name, []))))
