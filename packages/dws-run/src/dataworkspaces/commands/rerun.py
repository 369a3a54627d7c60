"""``dws rerun``: run recorded command lines again, where what they wrote is out of date."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from dataworkspaces.commands.rerun_plan import (
    PlannedStep,
    Present,
    RerunPlan,
    command_here,
    directory_of,
    planned_run,
)
from dataworkspaces.commands.run import execute, take
from dataworkspaces.commands.run_cache_take import TakenRun
from dataworkspaces.commands.run_process import call, gets_input
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.workspace import Workspace

_INTERRUPTED = 128 + signal.SIGINT


@dataclass
class RerunOutcome:
    """:ivar ran: the names of the steps that ran with success.
    :ivar spared: those that turned out to be up to date, since what ran before them wrote what was there.
    :ivar left: those that would have to run, and that we cannot run or that read what these write; with the reason.
    :ivar failed: the steps that failed, each with its exit status. What reads nothing of them ran all the same.
    :ivar taken: those that took their outputs from an earlier run instead.
    """

    ran: list[str] = field(default_factory=list)
    spared: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    taken: dict[str, TakenRun] = field(default_factory=dict)


def rerun_command(
    workspace: Workspace,
    plan: RerunPlan,
    begin: Callable[[PlannedStep], None],
    tell_taken: Callable[[str, TakenRun], None] = lambda name, taken: None,
) -> RerunOutcome:
    """Run a plan; the user has agreed to command lines of others. ``begin`` is told each step before it runs, and
    ``tell_taken`` each that did not have to. After one that fails, those that read what it writes are left."""
    outcome = RerunOutcome()
    for step in plan.to_run:
        execution = step.execution
        waits_for = [name for name in step.behind if name in outcome.left or name in outcome.failed]
        if (
            (outcome.ran or outcome.taken)
            and not waits_for
            and not step.is_forced
            and not Present(workspace, plan.snapshot).reasons(execution)
        ):
            outcome.spared.append(execution.name)
        elif step.obstacle is not None:
            outcome.left[execution.name] = step.obstacle
        elif waits_for:
            outcome.left[execution.name] = f"it reads what step {waits_for[0]} writes"
        elif not step.reasons and not outcome.ran and not outcome.taken and not step.is_forced:
            outcome.spared.append(execution.name)
        else:
            status = _run(workspace, step, begin)
            if isinstance(status, TakenRun):
                outcome.taken[execution.name] = status
                tell_taken(execution.name, status)
            elif status != 0:
                outcome.failed[execution.name] = status
                if status == _INTERRUPTED:
                    break  # whoever pressed Ctrl-C meant all of it
            else:
                outcome.ran.append(execution.name)
    return outcome


def _run(workspace: Workspace, step: PlannedStep, begin: Callable[[PlannedStep], None]) -> int | TakenRun:
    """Returns the exit status, or from where the outputs come."""
    execution = step.execution
    directory = directory_of(workspace, execution)
    planned = planned_run(workspace, execution, step.given)
    if planned is not None and step.may_take and not gets_input():
        outcome = take(workspace, planned, directory)
        if outcome is not None and outcome.taken is not None:
            return outcome.taken
    begin(step)
    assert execution.command is not None
    OwnCommands(workspace.get_machine_directory()).add(execution.command)
    if planned is None:
        return call(command_here(execution.command), directory, {})  # it records itself, as it did then
    return execute(workspace, planned, directory).exit_status
