"""``dws rerun``: run recorded command lines again, where what they wrote is out of date."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from dataworkspaces.commands.rerun_graph import Execution
from dataworkspaces.commands.rerun_parameters import with_files
from dataworkspaces.commands.rerun_plan import PlannedStep, Present, RerunPlan, command_here, directory_of
from dataworkspaces.commands.run import execute
from dataworkspaces.commands.run_process import call
from dataworkspaces.commands.run_request import PlannedRun
from dataworkspaces.commands.run_surroundings import Surroundings
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.workspace import Workspace

_INTERRUPTED = 128 + signal.SIGINT


@dataclass
class RerunOutcome:
    """:ivar ran: the names of the steps that ran with success.
    :ivar spared: those that turned out to be up to date, since what ran before them wrote what was there.
    :ivar left: those that would have to run, and that we cannot run or that read what these write; with the reason.
    :ivar failed: the steps that failed, each with its exit status. What reads nothing of them ran all the same.
    """

    ran: list[str] = field(default_factory=list)
    spared: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)


def rerun_command(workspace: Workspace, plan: RerunPlan, begin: Callable[[PlannedStep], None]) -> RerunOutcome:
    """Run a plan; the user has agreed to command lines of others. ``begin`` is told each step before it runs. After one
    that fails, those that read what it writes are left."""
    own = OwnCommands(workspace.get_machine_directory())
    outcome = RerunOutcome()
    for step in plan.to_run:
        execution = step.execution
        waits_for = [name for name in step.behind if name in outcome.left or name in outcome.failed]
        if (
            outcome.ran
            and not waits_for
            and not step.is_forced
            and not Present(workspace, plan.snapshot).reasons(execution)
        ):
            outcome.spared.append(execution.name)
        elif step.obstacle is not None:
            outcome.left[execution.name] = step.obstacle
        elif waits_for:
            outcome.left[execution.name] = f"it reads what step {waits_for[0]} writes"
        elif not step.reasons and not outcome.ran and not step.is_forced:
            outcome.spared.append(execution.name)
        else:
            begin(step)
            assert execution.command is not None
            own.add(execution.command)
            status = _run(workspace, execution, step.given)
            if status != 0:
                outcome.failed[execution.name] = status
                if status == _INTERRUPTED:
                    break  # whoever pressed Ctrl-C meant all of it
            else:
                outcome.ran.append(execution.name)
    return outcome


def _run(workspace: Workspace, execution: Execution, given: Collection[str]) -> int:
    command = command_here(execution.command or ())
    directory = directory_of(workspace, execution)
    execution = with_files(execution, directory, workspace.get_workspace_local_path_if_any(), given)
    if execution.record is None:
        return call(command, directory, {})  # it records itself, as it did then
    record = replace(execution.record, run_id=uuid.uuid4().hex, command=command)
    known = next((around for entry in execution.entries if (around := Surroundings.of(entry)) is not None), None)
    unnamed = () if known is None else tuple(name for name in known.resources if name in _names(workspace))
    return execute(workspace, PlannedRun(record, unnamed), directory).exit_status


def _names(workspace: Workspace) -> set[str]:
    return set(workspace.get_resource_names())
