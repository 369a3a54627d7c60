"""``dws adopt``: an experiment becomes a snapshot of the working line, and files become as they are in it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.kept_experiments import experiments_of, find_experiment
from dataworkspaces.commands.present import present_state
from dataworkspaces.commands.restore import RestorePlan, plan_restore, restore_command
from dataworkspaces.commands.summaries import snapshot_json
from dataworkspaces.errors import ConflictError, DwsError, MetadataError
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace import SnapshotResourceMixin
from dataworkspaces.workspace.checking_out import CheckOutWorkspaceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace
    from dataworkspaces.workspace.kept_experiments import KeptExperiment


@dataclass(frozen=True)
class AdoptionPlan:
    """:ivar restore: what becomes of the files."""

    experiment: KeptExperiment
    restore: RestorePlan

    @property
    def count(self) -> int:
        """How many files would change, as far as that is known."""
        return sum(len(resource.changes or ()) for resource in self.restore.restored)

    @property
    def changes_files(self) -> bool:
        return any(resource.changes is None or resource.changes for resource in self.restore.restored)

    def to_json(self) -> dict[str, Any]:
        return {"experiment": self.experiment.name, **self.restore.to_json()}


@dataclass(frozen=True)
class Adopted:
    """:ivar snapshot: as it is among those of the workspace now.
    :ivar plan: what was done to the files."""

    snapshot: SnapshotMetadata
    plan: AdoptionPlan

    def to_json(self) -> dict[str, Any]:
        return {**self.plan.to_json(), "snapshot": snapshot_json(self.snapshot)}


def plan_adoption(workspace: Workspace, name: str) -> AdoptionPlan:
    """What :func:`adopt_command` would do; changes nothing. Raises NotFoundError without such an experiment,
    MetadataError for one that does not hold what it names, ConflictError if a file would be overwritten that differs
    from all that is kept."""
    experiment = find_experiment(workspace, name)
    experiments = experiments_of(workspace)
    experiments.include_experiments([experiment])
    _check_is_whole(workspace, experiment)
    plan = plan_restore(workspace, experiment.snapshot.hashval, list_files=True)
    unsaved = _unsaved(workspace, plan)
    if unsaved:
        raise ConflictError(
            f"Experiment '{name}' would overwrite unsaved work: {some(unsaved)}",
            hint="Keep it first: dws snapshot, or dws snapshot --experiment NAME",
        )
    return AdoptionPlan(experiment, plan)


def adopt_command(workspace: Workspace, plan: AdoptionPlan) -> Adopted:
    """Do what was planned. The snapshot comes first, then the files: killed between the two, the same command goes
    on.

    :raises ConflictError: as :func:`plan_adoption`: somebody may have worked while the plan was looked at."""
    plan_adoption(workspace, plan.experiment.name)
    with workspace.transaction("adopt"):
        present = experiments_of(workspace).adopt_experiment(plan.experiment)
    present.interaction = workspace.interaction
    restored = [planned.name for planned in plan.restore.restored]
    if restored:
        restore_command(present, plan_restore(present, plan.experiment.snapshot.hashval, restored))
    snapshot = present.as_snapshot_ws().get_snapshot_metadata(plan.experiment.snapshot.hashval)
    return Adopted(snapshot, plan)


def _check_is_whole(workspace: Workspace, experiment: KeptExperiment) -> None:
    """Somebody may have sent one whose manifest names more than can be brought back."""
    versions = experiment.snapshot.restore_hashes
    there = set(workspace.get_resource_names())
    for entry in workspace.as_snapshot_ws().get_snapshot_manifest(experiment.snapshot.hashval):
        name = entry["name"]
        is_part = name in there and _is_part_of_workspace(workspace, name)
        if name not in versions or (is_part and versions[name] is None):
            raise MetadataError(
                f"Experiment '{experiment.name}' cannot be adopted: it names resource '{name}', and holds no version "
                "of it",
                hint=f"Ask whoever took it to take it again, or remove it: dws remove-experiment {experiment.name}",
            )


def _is_part_of_workspace(workspace: Workspace, name: str) -> bool:
    """Of which each snapshot holds what can be brought back."""
    return isinstance(workspace, CheckOutWorkspaceMixin) and workspace.comes_along(workspace.get_resource(name))


def _unsaved(workspace: Workspace, plan: RestorePlan) -> list[str]:
    """The files that would change, and that neither the snapshot from which the present state comes nor any experiment
    holds as they are now."""
    found: list[str] = []
    kept: list[SnapshotMetadata] | None = None
    for planned in plan.restored:
        would = {path for change in planned.changes or () for path in (change.path, change.old_path) if path}
        if planned.changes is not None and not would:
            continue
        resource = workspace.get_resource(planned.name)
        if not isinstance(resource, SnapshotResourceMixin):
            continue
        if kept is None:
            state = present_state(workspace).snapshot
            kept = [
                *([] if state is None else [state]),
                *(e.snapshot for e in experiments_of(workspace).list_experiments()),
            ]
        lost = _lost(resource, planned.name, would, kept)
        found += [f"{planned.name}:{path}" for path in lost] if lost is not None else [planned.name]
    return found


def _lost(
    resource: SnapshotResourceMixin, name: str, would: set[str], kept: list[SnapshotMetadata]
) -> list[str] | None:
    """Of the files that would change, those that no version holds; None if that is not known."""
    least: list[str] | None = sorted(would) if would else None
    for snapshot in kept:
        version = snapshot.restore_hashes.get(name)
        with suppress(DwsError):
            changes = None if version is None else resource.plan_restore(version)
            if changes is None:
                continue
            changed = {path for change in changes for path in (change.path, change.old_path) if path}
            lost = sorted(would & changed) if would else sorted(changed)
            if least is None or len(lost) < len(least):
                least = lost
            if not lost:
                return []
    return least
