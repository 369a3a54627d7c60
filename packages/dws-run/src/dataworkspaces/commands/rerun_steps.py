"""The steps of a rerun, as they run here: whether each still has to, and what came of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

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
from dataworkspaces.commands.run_guard import Apart, Guard
from dataworkspaces.commands.run_process import Caller, call, check_program, gets_input
from dataworkspaces.commands.run_request import PlannedRun
from dataworkspaces.errors import DwsError
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.workspace import Workspace, find_and_load_workspace

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


@dataclass(frozen=True)
class Listener:
    """Is told what happens, one thing at a time.

    :ivar begin: each step before it runs. :ivar taken: each that did not have to.
    :ivar printed: what a step has printed, in a file, once it has ended; of one that runs alone the user sees it as it
        comes."""

    begin: Callable[[PlannedStep], None] = lambda step: None
    taken: Callable[[str, TakenRun], None] = lambda name, taken: None
    printed: Callable[[str, Path], None] = lambda name, log: None


def finds_outputs(step: PlannedStep) -> bool:
    """Whether what a step writes has to be found: nothing else may write meanwhile."""
    record = step.execution.record
    return record is not None and record.outputs is None


class Steps:
    """The steps of a plan, run in this terminal."""

    def __init__(self, workspace: Workspace, plan: RerunPlan, listener: Listener) -> None:
        self._workspace = workspace
        self._plan = plan
        self._steps = plan.to_run
        self._is_over = False
        self._lock = threading.Lock()
        self.listener = listener
        self.outcome = RerunOutcome()

    def run(self, number: int) -> None:
        """Run one if it has to; those before it have ended."""
        step, outcome = self._steps[number], self.outcome
        name = step.execution.name
        if self._is_over:
            return None
        with self._lock:
            waits_for = [before for before in step.behind if before in outcome.left or before in outcome.failed]
            something_ran = bool(outcome.ran or outcome.taken)
        workspace = self._own_workspace()
        if something_ran and not waits_for and not step.is_forced and not self._reasons(workspace, step):
            return self._note(outcome.spared.append, name)
        if step.obstacle is not None:
            return self._note(outcome.left.update, {name: step.obstacle})
        if waits_for:
            return self._note(outcome.left.update, {name: f"it reads what step {waits_for[0]} writes"})
        if not step.reasons and not something_ran and not step.is_forced:
            return self._note(outcome.spared.append, name)
        status = self._run(workspace, number, step)
        if isinstance(status, TakenRun):
            return self._note(outcome.taken.update, {name: status})
        if status != 0:
            self._is_over = self._is_over or status == _INTERRUPTED  # whoever pressed Ctrl-C meant all of it
            return self._note(outcome.failed.update, {name: status})
        return self._note(outcome.ran.append, name)

    def end(self) -> RerunOutcome:
        """What happened, in the order of the graph, whichever step ended first."""
        order = {step.execution.name: n for n, step in enumerate(self._steps)}
        done = self.outcome
        return RerunOutcome(
            sorted(done.ran, key=order.__getitem__),
            sorted(done.spared, key=order.__getitem__),
            {name: done.left[name] for name in sorted(done.left, key=order.__getitem__)},
            {name: done.failed[name] for name in sorted(done.failed, key=order.__getitem__)},
            {name: done.taken[name] for name in sorted(done.taken, key=order.__getitem__)},
        )

    # -- inside --------------------------------------------------------------------------------------------------

    def _run(self, workspace: Workspace, number: int, step: PlannedStep) -> int | TakenRun:
        """Returns the exit status, or from where the outputs come."""
        execution = step.execution
        directory = directory_of(workspace, execution)
        planned = planned_run(workspace, execution, step.given)
        if planned is not None and step.may_take and not gets_input():
            outcome = take(workspace, planned, directory)
            if outcome is not None and outcome.taken is not None:
                with self._lock:
                    self.listener.taken(execution.name, outcome.taken)
                return outcome.taken
        assert execution.command is not None
        with self._lock:
            self.listener.begin(step)
            OwnCommands(workspace.get_machine_directory()).add(execution.command)
        try:
            return self._execute(workspace, number, planned, directory)
        finally:
            self._ended(number)

    def _execute(self, workspace: Workspace, number: int, planned: PlannedRun | None, directory: str) -> int:
        """Returns the exit status. :param planned: None for a command that records itself, as it did then."""
        start = self._caller(number)
        if planned is not None:
            return execute(workspace, planned, directory, start).exit_status
        command = command_here(self._steps[number].execution.command or ())
        check_program(command, directory)
        return start(command, directory, {}, None)

    def _reasons(self, workspace: Workspace, step: PlannedStep) -> tuple[str, ...]:
        present = Present(workspace, self._plan.snapshot)
        present.expect([step.execution])
        return present.reasons(step.execution)

    def _own_workspace(self) -> Workspace:
        return self._workspace

    def _caller(self, number: int) -> Caller:
        return call

    def _ended(self, number: int) -> None:
        pass

    def _note(self, note: Callable[..., None], what: object) -> None:
        with self._lock:
            note(what)


class InThreads(Steps):
    """Several at a time, each in a thread; what one prints is shown as a whole when it has ended.

    :param logs: a directory for what they print. :param root: that of the workspace."""

    def __init__(self, workspace: Workspace, plan: RerunPlan, listener: Listener, logs: Path, root: str) -> None:
        super().__init__(workspace, plan, listener)
        self._logs = logs
        self._root = root
        self._errors: list[DwsError] = []

    def run(self, number: int) -> None:
        """What runs beside a step that we cannot go on with is not interrupted: only nothing more begins."""
        try:
            super().run(number)
        except DwsError as e:
            self._note(self._errors.append, e)
            self._is_over = True

    def end(self) -> RerunOutcome:
        for error in self._errors:
            raise error
        return super().end()

    def _own_workspace(self) -> Workspace:
        own = find_and_load_workspace(True, self._workspace.verbose, self._root)
        own.interaction = self._workspace.interaction
        return own

    def _ended(self, number: int) -> None:
        if self._log(number).exists():
            with self._lock:
                self.listener.printed(self._steps[number].execution.name, self._log(number))

    def _log(self, number: int) -> Path:
        return self._logs / str(number)


class SideBySide(InThreads):
    """On this machine. :param guard: of their processes."""

    def __init__(
        self, workspace: Workspace, plan: RerunPlan, listener: Listener, logs: Path, root: str, guard: Guard
    ) -> None:
        super().__init__(workspace, plan, listener, logs, root)
        self._guard = guard

    def _caller(self, number: int) -> Caller:
        return Apart(self._guard, self._log(number)).call
