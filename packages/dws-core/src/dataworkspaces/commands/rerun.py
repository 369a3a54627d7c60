"""``dws rerun``: run recorded command lines again, where what they wrote is out of date."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from dataworkspaces.commands.rerun_plan import Execution, PlannedStep, RerunPlan, command_here, reasons_to_run
from dataworkspaces.commands.run import call, execute
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.workspace import LocalStateResourceMixin, ResourceRef, Workspace


@dataclass(frozen=True)
class RerunOutcome:
    """:ivar ran: the names of the steps that ran with success.
    :ivar spared: those that turned out to be up to date, since what ran before them wrote what was there.
    :ivar failed: the step that failed, and behind which none ran.
    """

    ran: tuple[str, ...]
    spared: tuple[str, ...]
    failed: str | None = None
    exit_status: int = 0


def check_plan(workspace: Workspace, plan: RerunPlan) -> None:
    """Raise ConfigurationError for a step that has to run, but cannot: before any other has run."""
    for step in plan.to_run:
        if step.execution.command is None:
            raise ConfigurationError(
                f"Step {step.execution.name} would have to run ({', '.join(step.reasons + step.behind)}), but no "
                "command line is recorded for it",
                hint="Run it yourself (it may be a notebook), and what is behind it comes next",
            )
        directory_of(workspace, step.execution)


def rerun_command(workspace: Workspace, plan: RerunPlan, begin: Callable[[PlannedStep], None]) -> RerunOutcome:
    """Run a plan that :func:`check_plan` has passed; the user has agreed to command lines of others. ``begin`` is
    told each step before it runs. Stops at the first that fails."""
    own = OwnCommands(workspace.get_machine_directory())
    ran: list[str] = []
    spared: list[str] = []
    for step in plan.to_run:
        if not step.reasons and not _is_needed(workspace, plan, step.execution):
            spared.append(step.execution.name)
            continue
        begin(step)
        assert step.execution.command is not None
        own.add(step.execution.command)
        status = _run(workspace, step.execution)
        if status != 0:
            return RerunOutcome(tuple(ran), tuple(spared), step.execution.name, status)
        ran.append(step.execution.name)
    return RerunOutcome(tuple(ran), tuple(spared))


def directory_of(workspace: Workspace, execution: Execution) -> str:
    """Where a step ran, on this machine; raises ConfigurationError if that is unknown or not here."""
    if execution.record is not None:
        ref, below = execution.record.run_from_directory, execution.record.working_directory
    else:
        ref, below = execution.entries[0].run_from_directory, execution.entries[0].working_directory
    if ref is None and below is None and execution.record is None:
        below = ""  # release 1.6 noted nothing for the workspace's own directory
    place = _local_place(workspace, ref) if ref is not None else None
    root = workspace.get_workspace_local_path_if_any()
    if place is None and below is not None and root is not None:
        place = str(Path(root) / below)
    if place is None:
        raise ConfigurationError(
            f"Step {execution.name} ran in a directory outside of the workspace and its resources, which is not known",
            hint="Run it yourself",
        )
    if not Path(place).is_dir():
        raise ConfigurationError(f"Step {execution.name} ran in {place}, which is no directory here")
    # What comes from a recorded path must not lead out by a link, either.
    if root is not None and ref is None and not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(root)):
        raise ConfigurationError(f"Step {execution.name} ran in {place}, which leads out of the workspace")
    return place


def _local_place(workspace: Workspace, ref: ResourceRef) -> str | None:
    if ref.name not in set(workspace.get_resource_names()):
        return None
    resource = workspace.get_resource(ref.name)
    local = resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None
    return None if local is None else str(Path(local) / (ref.subpath or ""))


def _is_needed(workspace: Workspace, plan: RerunPlan, execution: Execution) -> bool:
    """Whether a step that was up to date is so no more, after those before it have run."""
    store = workspace.as_lineage_ws().get_lineage_store()
    lineages = {name: store.entries(name, plan.snapshot) for name in workspace.get_resource_names()}
    reasons = reasons_to_run(workspace, lineages, plan.snapshot)
    return any(ref in reasons for ref in execution.places)


def _run(workspace: Workspace, execution: Execution) -> int:
    command = command_here(execution.command or ())
    directory = directory_of(workspace, execution)
    if execution.record is None:
        return call(command, directory, {})  # it records itself, as it did then
    record = replace(execution.record, run_id=uuid.uuid4().hex, command=command)
    return execute(workspace, record, directory).exit_status
