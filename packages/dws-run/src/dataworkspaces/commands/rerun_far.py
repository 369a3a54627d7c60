"""The steps of a rerun at workers: each begins with what is here, and what it wrote comes here as if it had run here.

What a step reads may be what another one has just written. So each begins with an experiment of the present state,
which those share that can begin at the same time. What comes back is placed here, one step after the other: all that it
wrote, and its lineage, or nothing. A step that fails changes nothing here."""

from __future__ import annotations

import os
import re
import threading
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from dataworkspaces.commands.far import FarWork
from dataworkspaces.commands.far_clone import begin_with, forget, sent, why_it_may_have_failed
from dataworkspaces.commands.kept_experiments import experiments_of, take_experiment_command
from dataworkspaces.commands.reproduce_places import place_in_copy, same_places
from dataworkspaces.commands.rerun_graph import Execution, ExecutionGraph
from dataworkspaces.commands.rerun_output import entries_here, outputs_in
from dataworkspaces.commands.rerun_plan import RerunPlan, command_here, directory_of, unnamed_of
from dataworkspaces.commands.rerun_steps import InThreads, Listener
from dataworkspaces.commands.run import execute
from dataworkspaces.commands.run_beside import checked_out, end_of_log, place_beside, relative_argument
from dataworkspaces.commands.run_cache_take import claiming_results, put_in_place
from dataworkspaces.commands.run_guard import Apart, guarding
from dataworkspaces.commands.run_process import check_program
from dataworkspaces.commands.run_request import PlannedRun
from dataworkspaces.commands.sweep_worker import bring_back, open_workspace, patiently
from dataworkspaces.errors import ConflictError, DwsError, NotFoundError
from dataworkspaces.lineage.from_json import run_from_json
from dataworkspaces.lineage.model import StepLineage
from dataworkspaces.toolbox.build_directory import directory_to_build_in
from dataworkspaces.toolbox.processes import process_exists
from dataworkspaces.workspace import Workspace

BUILDING = "rerun"


@dataclass(frozen=True)
class _Base:
    """:ivar entries: the executions of steps that are recorded in it, by name and start."""

    name: str
    hashval: str
    entries: frozenset[tuple[str, str]]


class FarSteps(InThreads):
    """See :class:`dataworkspaces.commands.rerun_steps.Steps`."""

    def __init__(
        self, workspace: Workspace, plan: RerunPlan, listener: Listener, logs: Path, root: str, far: FarWork
    ) -> None:
        super().__init__(workspace, plan, listener, logs, root)
        self._far = far
        self._name = f"{_own_prefix()}{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._placing = threading.Lock()
        self._base: _Base | None = None
        self._taken = _left_behind(far.own())
        for name in self._taken:
            far.leave_nothing_of(name)

    def _execute(self, workspace: Workspace, number: int, planned: PlannedRun | None, directory: str) -> int:
        execution, name = self._steps[number].execution, f"{self._name}/{number + 1}"
        began = datetime.now()
        with self._placing:
            base = self._present_state()
            self._taken.append(name)
        asked = {
            "step": execution.name, "places": [list(ref) for ref in execution.places], "snapshot": self._plan.snapshot,
            "run": None if planned is None else planned.record.to_json(),
            "unnamed": [] if planned is None else list(planned.unnamed),
            "command": [relative_argument(argument, self._root, directory) for argument in execution.command or ()],
            "base": base.name, "base_hash": base.hashval, "experiment": name,
        }  # fmt: skip
        answer = self._far.ask("rerun", asked)
        self._log(number).write_text(str(answer["log"]), encoding="utf-8")
        if answer["status"] != 0:
            return int(answer["status"])
        self._far.bring(name)
        with self._placing:
            self._base = None
            self._place(name, execution, planned, base, began)
        return 0

    def tidy(self) -> None:
        """Forget the experiments, here."""
        for name in self._taken:
            with suppress(DwsError):
                forget(self._root, name)

    def _present_state(self) -> _Base:
        """What is here now, at the origin."""
        if self._base is None:
            name = f"{self._name}/base-{uuid.uuid4().hex[:8]}"
            self._taken.append(name)
            taken = patiently(
                lambda: take_experiment_command(self._far.own(), name, "What steps of a rerun start from")
            )
            known = frozenset((e.step_name, e.start_time.isoformat()) for e in _steps_of(self._far.own()))
            self._far.send(name)
            self._base = _Base(name, taken.snapshot.hashval, known)
        return self._base

    def _place(self, name: str, execution: Execution, planned: PlannedRun | None, base: _Base, began: datetime) -> None:
        workspace = self._far.own()
        with (
            directory_to_build_in(place_beside(workspace), BUILDING) as scratch,
            checked_out(workspace, name, scratch / "workspace") as there,
        ):
            found = [e for e in _steps_of(there.copy) if (e.step_name, e.start_time.isoformat()) not in base.entries]
            if not found:
                raise NotFoundError(f"Step {execution.name} has run at a worker, but recorded nothing")
            entries = entries_here(workspace, execution, planned, found, began)
            outputs = outputs_in(there.copy, workspace, found)
            if planned is None:
                put_in_place(workspace, execution.name, outputs, entries)
                return
            with claiming_results(workspace, planned.record):
                put_in_place(workspace, execution.name, outputs, entries)


def _own_prefix() -> str:
    """Of the names of experiments that reruns of this machine take for a while."""
    return f"rerun-{re.sub('[^A-Za-z0-9]', '', os.uname().nodename)[:40]}-"


def _left_behind(workspace: Workspace) -> list[str]:
    """The experiments that reruns have left which were killed."""
    prefix = _own_prefix()
    found = []
    for each in experiments_of(workspace).list_experiments():
        pid, _, rest = each.name.removeprefix(prefix).partition("-")
        if each.name.startswith(prefix) and "/" in rest and pid.isdigit() and not process_exists(int(pid)):
            found.append(each.name)
    return found


def _steps_of(workspace: Workspace) -> Iterable[StepLineage]:
    """The current entries of steps, each once."""
    store = workspace.as_lineage_ws().get_lineage_store()
    found: dict[tuple[str, str], StepLineage] = {}
    for name in workspace.get_resource_names():
        for entry in store.entries(name):
            if isinstance(entry, StepLineage):
                found.setdefault((entry.step_name, entry.start_time.isoformat()), entry)
    return found.values()


# -- at the worker -----------------------------------------------------------------------------------------------------


def do_work(request: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Run a step in a checkout of what is asked for, and send what came of it, if it succeeded."""
    name, log = request["experiment"], scratch / "log"
    root, base = begin_with(request["origin"], request["base"], request["base_hash"])
    clone = open_workspace(root)
    with checked_out(clone, request["base"], scratch / "workspace", clone.get_instance()) as there:
        left = {each.name: each.reason for each in there.plan.left}
        status = _run(request, clone, there.directory, left, scratch, log)
        if status == 0:
            take_experiment_command(open_workspace(str(there.directory)), name, f"Step {request['step']}")
            bring_back(root, there.directory, name, "rerun")
    if status == 0:
        with suppress(ConflictError):  # one before us was killed when it had sent it
            sent(root, name)
        forget(root, name)
    why = "" if status == 0 else why_it_may_have_failed(root, base)
    return {"status": status, "log": end_of_log(log) + why}


def _run(
    request: dict[str, Any], clone: Workspace, checkout: Path, left: dict[str, str], scratch: Path, log: Path
) -> int:
    copy = open_workspace(str(checkout))
    execution = _find(copy, request)
    for name in dict.fromkeys(ref.name for ref in (*_read(execution), *execution.places)):
        if name in left:
            raise NotFoundError(
                f"Resource '{name}', which step {execution.name} uses, is not at the worker: {left[name]}"
            )
    record = run_from_json(request["run"], f"The run of step {execution.name}")
    execution = replace(execution, record=record)
    directory, places = directory_of(copy, execution), same_places(clone, copy)
    asked = command_here(request["command"])
    command = (asked[0], *(place_in_copy(argument, places, checkout) for argument in asked[1:]))
    os.chdir(directory)
    with guarding(scratch / "guarded") as guard:
        start = Apart(guard, log).call
        if record is None:  # it records itself, as it did then
            check_program(command, directory)
            return start(command, directory, {}, None)
        names = set(copy.get_resource_names())
        unnamed = tuple(n for n in request["unnamed"] if n in names) or unnamed_of(copy, execution)
        return execute(copy, PlannedRun(record._replace(command=command), unnamed), directory, start).exit_status


def _find(copy: Workspace, request: dict[str, Any]) -> Execution:
    """The step, as the lineage has it that came along."""
    store = copy.as_lineage_ws().get_lineage_store()
    graph = ExecutionGraph({name: store.entries(name, request["snapshot"]) for name in copy.get_resource_names()})
    for execution in graph.executions:
        if execution.name == request["step"] and [list(ref) for ref in execution.places] == request["places"]:
            return execution
    raise NotFoundError(f"The worker does not find step {request['step']} in the lineage of {request['base']}")


def _read(execution: Execution) -> list[Any]:
    return [cert.ref for entry in execution.entries for cert in (*entry.inputs, *entry.code)]
