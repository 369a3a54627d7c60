"""The steps of a reproduction, as they run in its checkout."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from dataworkspaces.commands.reproduce_environments import CURRENT, StepEnvironment
from dataworkspaces.commands.reproduce_notebook import notebook_command
from dataworkspaces.commands.reproduce_places import place_in_copy, root_of
from dataworkspaces.commands.reproduce_verdict import StepVerdict
from dataworkspaces.commands.rerun_graph import Execution
from dataworkspaces.commands.rerun_plan import command_here, directory_of, unnamed_of
from dataworkspaces.commands.run import execute
from dataworkspaces.commands.run_beside import end_of_log
from dataworkspaces.commands.run_guard import Apart, Guard
from dataworkspaces.commands.run_order import reads_from, run_in_order
from dataworkspaces.commands.run_process import NotStartedError, check_program
from dataworkspaces.commands.run_request import PlannedRun
from dataworkspaces.errors import DwsError, suppress_negative
from dataworkspaces.lineage.run_environment import variables_of_reproduction
from dataworkspaces.workspace import BatchInteraction, ResourceRef, Workspace, find_and_load_workspace

Begin = Callable[[Execution, "tuple[str, ...]"], None]


@dataclass
class Steps:
    """:ivar copy: the workspace in the checkout.
    :ivar snapshot: the hash of that which is checked out.
    :ivar places: by a directory of the workspace that of the checkout.
    :ivar environments: by number what the steps run in, where that is not the current environment.
    :ivar begin: is told each step before it runs. :ivar logs: a directory for what they print."""

    copy: Workspace
    snapshot: str
    executions: Sequence[Execution]
    places: Mapping[str, str]
    environments: Mapping[int, StepEnvironment]
    guard: Guard
    begin: Begin
    logs: Path
    jobs: int = 1
    verdicts: dict[int, StepVerdict] = field(default_factory=dict)
    _telling: threading.Lock = field(default_factory=threading.Lock)

    @property
    def _root(self) -> Path:
        return Path(self.copy.get_workspace_local_path_if_any() or self.logs)

    def run(self) -> list[StepVerdict]:
        """Run all; after a step that fails, what reads its outputs is not run."""
        self.verdicts.clear()
        alone = [n for n, e in enumerate(self.executions) if self._finds_outputs(e)]
        return run_in_order(self.executions, self._run_one, jobs=self.jobs, alone=alone, stop=self.guard.close)

    def _run_one(self, number: int) -> StepVerdict:
        self.verdicts[number] = verdict = self._verdict(number, self.executions[number])
        return verdict

    def _verdict(self, number: int, execution: Execution) -> StepVerdict:
        environment = self.environments.get(number, CURRENT)
        notebook = None if execution.command is not None else execution.notebook
        if execution.command is None and notebook is None:
            return StepVerdict(execution.name, (), why=_why_not(execution))
        shown = execution.line if execution.command is None else self._command(execution, environment)
        assert shown is not None
        waits = [
            self.executions[n].name
            for n, before in sorted(self.verdicts.items())
            if n < number and before.exit_status != 0 and reads_from(execution, self.executions[n])
        ]
        if waits:
            return StepVerdict(execution.name, shown, why=f"it reads what step {waits[0]} writes")
        if notebook is not None and find_spec("nbclient") is None:
            missing = "nbclient, which runs notebooks, is not installed (pip install 'dws-run[notebooks]')"
            return StepVerdict(execution.name, shown, why=missing)
        with self._telling:
            self.begin(execution, shown)
        log = self.logs / f"log-{number}"
        log.unlink(missing_ok=True)
        variables = {**environment.variables, **variables_of_reproduction(self.copy, self.snapshot)}
        apart = Apart(self.guard, log, variables)
        began = time.monotonic()
        try:
            if notebook is not None:
                status = self._run_notebook(execution, notebook, environment, apart)
            else:
                status = self._run_command(execution, shown, apart)
            why = "" if status == 0 else f"it ended with exit status {status}"
        except DwsError as e:
            # One that succeeded, and of which something is not as it was recorded, has outputs to compare.
            status, why = (0 if apart.ended == [0] else 1), e.message
        seconds = round(time.monotonic() - began, 3)
        return StepVerdict(execution.name, shown, status, seconds, why, "" if status == 0 else end_of_log(log))

    def _run_command(self, execution: Execution, command: tuple[str, ...], apart: Apart) -> int:
        copy = self._own_copy()
        directory = directory_of(copy, execution)
        if execution.record is None:  # it records itself, as it did then
            check_program(command, directory)
            return apart.call(command, directory, {})
        record = execution.record._replace(run_id=uuid.uuid4().hex, command=command)
        if self.jobs > 1 and not self._finds_outputs(execution):
            results = () if record.results is None else (record.results,)
            record = record._replace(outputs=tuple(ref for ref in execution.places if ref not in results))
        planned = PlannedRun(record, unnamed_of(copy, execution))
        return execute(copy, planned, directory, apart.call).exit_status

    def _finds_outputs(self, execution: Execution) -> bool:
        """Whether what it writes has to be found, since it runs steps that record outputs of their own: nothing else
        may write meanwhile."""
        record = execution.record
        return record is not None and record.outputs is None and len(execution.entries) > 1

    def _run_notebook(
        self, execution: Execution, notebook: ResourceRef, environment: StepEnvironment, apart: Apart
    ) -> int:
        root = root_of(self.copy, notebook)
        place = None if root is None or notebook.subpath is None else root / notebook.subpath
        if place is None or not place.is_file() or not Path(os.path.realpath(place)).is_relative_to(root or ""):
            raise NotStartedError(f"The notebook {notebook} is not in the snapshot")
        directory = str(place.parent)
        with suppress_negative():
            directory = directory_of(self.copy, execution)
        command = notebook_command(place, directory, environment.python)
        return apart.call(command, "/", {"JPY_SESSION_NAME": str(place)})

    def _own_copy(self) -> Workspace:
        """A workspace for this thread. What it has to say about a step that is thrown away is no news."""
        copy = find_and_load_workspace(True, self.copy.verbose, str(self._root))
        copy.interaction = _Silent()
        return copy

    def _command(self, execution: Execution, environment: StepEnvironment) -> tuple[str, ...]:
        """In the checkout: what names the workspace, or a resource of it, by an absolute path names it there."""
        program, *arguments = command_here(execution.command or ())
        moved = place_in_copy(program, self.places, self._root)
        own = environment.program(program)
        if own is not None:
            program = own
        elif os.path.exists(moved):  # noqa: PTH110 - a program without a directory is no path
            program = moved
        return (program, *(self._moved(argument) for argument in arguments))

    def _moved(self, argument: str) -> str:
        option, equals, value = argument.partition("=")
        head, text = (f"{option}=", value) if equals and option.startswith("-") else ("", argument)
        return head + place_in_copy(text, self.places, self._root)


class _Silent(BatchInteraction):
    def warn(self, message: str) -> None:
        pass


def _why_not(execution: Execution) -> str:
    if any(entry.notebook for entry in execution.entries):
        return "its notebook is in no resource of the workspace"
    return "no command line is known"
