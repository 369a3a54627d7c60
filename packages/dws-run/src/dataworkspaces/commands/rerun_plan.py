"""What ``dws rerun`` would run, in which order, and why."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dataworkspaces.commands.rerun_graph import Execution, ExecutionGraph, Lineages, identity
from dataworkspaces.commands.rerun_parameters import changed_in_files, with_files, with_parameters
from dataworkspaces.commands.run_around import Around
from dataworkspaces.commands.run_cache import CachedRun, find_cached
from dataworkspaces.commands.run_last import changes_around, expect_changes_around, is_gone
from dataworkspaces.commands.run_process import gets_input
from dataworkspaces.commands.run_request import PlannedRun
from dataworkspaces.commands.run_surroundings import Surroundings
from dataworkspaces.errors import ConfigurationError, suppress_negative
from dataworkspaces.lineage.model import HashCertificate, LineageEntry, ResourceCert, StepLineage
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.lineage.places import Place, contradict, places
from dataworkspaces.lineage.states import State, States
from dataworkspaces.lineage.workspace_graph import contents_now
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import LocalStateResourceMixin, ResourceRef, Workspace


@dataclass(frozen=True)
class PlannedStep:
    """:ivar reasons: why it has to run; empty if it is up to date.
    :ivar behind: the names of steps that run before it, and may change what it reads.
    :ivar is_own: its command line has been run on this machine before.
    :ivar obstacle: why it cannot be run by us, if that is so.
    :ivar is_forced: the user wants it to run, even if it is up to date.
    :ivar given: the parameters that the user has set for it.
    :ivar cached: the earlier run from which its outputs would come, so that it need not run.
    :ivar may_take: whether they may.
    """

    execution: Execution
    reasons: tuple[str, ...]
    behind: tuple[str, ...]
    is_own: bool
    obstacle: str | None = None
    is_forced: bool = False
    given: tuple[str, ...] = ()
    cached: CachedRun | None = None
    may_take: bool = True

    @property
    def runs(self) -> bool:
        return bool(self.reasons or self.behind or self.is_forced)

    @property
    def why(self) -> tuple[str, ...]:
        asked = ["you asked for it"] if self.is_forced and not self.reasons else []
        return (*self.reasons, *asked, *(f"step {name} runs before it" for name in self.behind))

    def to_json(self) -> dict[str, Any]:
        return {
            "step": self.execution.name,
            "command": None if self.execution.command is None else list(self.execution.command),
            "directory": self.execution.directory,
            "outputs": [str(ref) for ref in self.execution.places],
            "runs": self.runs,
            "reasons": list(self.why),
            "own": self.is_own,
            "obstacle": self.obstacle,
            "parameters": dict(self.execution.parameters),
            "taken_from": None if self.execution.taken_from is None else dict(self.execution.taken_from),
            "from_cache": None if self.cached is None else self.cached.to_json(),
            **({} if self.execution.inputs_told else {"inputs_told": False}),
        }


@dataclass(frozen=True)
class RerunPlan:
    """All steps behind what was asked for, in the order of the graph.

    :ivar snapshot: hash of the snapshot whose steps these are; None for the current lineage."""

    steps: tuple[PlannedStep, ...]
    snapshot: str | None = None

    @property
    def to_run(self) -> list[PlannedStep]:
        return [step for step in self.steps if step.runs]

    def to_json(self) -> dict[str, Any]:
        return {"snapshot": self.snapshot, "steps": [step.to_json() for step in self.steps]}


def plan_rerun(
    workspace: Workspace,
    target: str | None = None,
    snapshot: str | None = None,
    *,
    force: bool = False,
    parameters: Mapping[str, Any] | None = None,
    no_cache: bool = False,
) -> RerunPlan:
    """The steps behind ``target`` (the name of a step or a resource, or ``RESOURCE:PATH``; default: all).

    :param snapshot: tag or hash; replay its steps, where what they read and wrote is not here as it was then.
    :param force: the steps that ``target`` itself names (default: all) run, even if they are up to date.
    :param parameters: other values of parameters of the step ``target``, which runs then.
    :param no_cache: no step takes its outputs from an earlier run. One that is forced, or that ``snapshot`` has and
        that is to be replayed, never does.

    Raises ConfigurationError for an unknown target, snapshot or parameter."""
    snapshots = workspace.as_lineage_ws()
    hashval = None if snapshot is None else snapshots.get_snapshot_by_tag_or_hash(snapshot).hashval
    present = Present(workspace, hashval)
    graph = ExecutionGraph(present.lineages)
    target = present_target(workspace, graph, target)
    if parameters and (target is None or not graph.is_step(target)):
        raise ConfigurationError("--param is for one step", hint="Name it, as in: dws rerun STEP --param NAME=VALUE")
    own = OwnCommands(workspace.get_machine_directory())
    steps: list[PlannedStep] = []
    running: dict[int, str] = {}
    named = graph.find(target)
    ordered = list(graph.ordered(named))
    present.expect(graph.executions[number] for number in ordered)
    for number in ordered:
        execution = graph.executions[number]
        is_forced = force and number in named
        is_own = execution.command is None or own.has(execution.command)  # what the user changes of it is theirs
        if parameters and number in named:
            execution = with_parameters(execution, parameters)
            is_forced = True
        behind = tuple(dict.fromkeys(running[n] for n in graph.before(number) if n in running))
        step = PlannedStep(
            execution,
            present.reasons(execution),
            behind,
            is_own,
            _obstacle(workspace, execution),
            is_forced,
            tuple(parameters or ()) if number in named else (),
            may_take=not no_cache and hashval is None and not (force and number in named),
        )
        if step.runs and not behind and step.obstacle is None and step.may_take:
            step = replace(step, cached=find_for(workspace, step))
        steps.append(step)
        if step.runs:
            running[number] = execution.name
    return RerunPlan(tuple(steps), hashval)


def present_target(workspace: Workspace, graph: ExecutionGraph, target: str | None) -> str | None:
    """A target that names a resource as it was once called, by what it is called now."""
    if target is None or graph.is_step(target):
        return target
    name, colon, subpath = target.partition(":")
    return f"{workspace.present_name(name)}{colon}{subpath}"


class Present:
    """What is there now, and why executions would have to be repeated.

    :param snapshot: hash of the snapshot to whose lineage it is compared; None for the current one."""

    def __init__(self, workspace: Workspace, snapshot: str | None) -> None:
        self._workspace = workspace
        self._root = workspace.get_workspace_local_path_if_any()
        store = workspace.as_lineage_ws().get_lineage_store()
        names = list(workspace.get_resource_names())
        self.lineages: Lineages = {name: store.entries(name, snapshot) for name in names}
        self._around = Around(workspace)
        self._places = {ref: p for name, found in self.lineages.items() for ref, p in places(name, found).items()}
        current = {} if snapshot is None else {name: places(name, store.entries(name)) for name in names}
        self._current = None if snapshot is None else {ref: p for found in current.values() for ref, p in found.items()}

    @cached_property
    def _contents(self) -> dict[ResourceRef, str | None]:
        return contents_now(self._workspace, self.lineages, self._around.contents)

    @cached_property
    def _states(self) -> dict[ResourceRef, State]:
        return States(self.lineages, self._contents, code_changes=self._around.code.changes).all()

    def expect(self, executions: Iterable[Execution]) -> None:
        """Before the first :meth:`reasons`: of which executions these are going to be asked, so that one look at the
        workspace is enough for all."""
        for execution in executions:
            if _has_written(execution):
                expect_changes_around(self._around, execution.entries, self._directory(execution))

    def reasons(self, execution: Execution) -> tuple[str, ...]:
        """In a few words each; none if what the execution wrote is up to date."""
        found = [reason for ref in execution.places for reason in self._of_place(self._places[ref])]
        if _has_written(execution):  # else it failed, which is reason enough
            directory = self._directory(execution)
            found += changes_around(
                self._workspace,
                execution.entries,
                directory,
                self._around.code,
                files=directory is not None,
                around=self._around,
            )
            found += [] if directory is None else changed_in_files(execution, directory, self._root)
        return tuple(dict.fromkeys(found))

    def _directory(self, execution: Execution) -> str | None:
        """In which it ran; None if nobody knows that here."""
        with suppress_negative():
            return directory_of(self._workspace, execution)
        return None

    def _of_place(self, place: Place) -> list[str]:
        found = list(self._states[place.cert.ref].reasons)
        if isinstance(place.entry, StepLineage):
            certs = (*place.entry.inputs, place.cert)
            found += [f"{cert.ref} is gone" for cert in certs if is_gone(self._workspace, cert)]
            found += [f"{cert.ref} may have changed" for cert in place.entry.inputs if self._is_unknown(cert)]
        is_results = self._workspace.get_resource(place.cert.ref.name).has_results_role()
        if self._current is not None and is_results:
            now = self._current.get(place.cert.ref)
            if now is None or not _is_repeated(place.entry, now.entry):
                found.append(f"{place.cert.ref} now contains what another run wrote")
        return found

    def _is_unknown(self, cert: ResourceCert) -> bool:
        """Whether the type of a resource can tell neither what a step read nor what is there now."""
        is_told = self._contents.get(cert.ref) is not None or cert.certificate.content is not None
        return not is_told and not isinstance(cert.certificate, HashCertificate)


def _has_written(execution: Execution) -> bool:
    return any(entry.outputs for entry in execution.entries)


def _is_repeated(then: LineageEntry, now: LineageEntry) -> bool:
    """Whether two executions are the same, or did the same with the same."""
    if not isinstance(then, StepLineage) or not isinstance(now, StepLineage):
        return False
    if identity(then) == identity(now):
        return True
    if (then.step_name, then.command_line, then.parameters) != (now.step_name, now.command_line, now.parameters):
        return False
    read = {cert.ref: cert.certificate for cert in (*then.inputs, *then.code)}
    read_now = {cert.ref: cert.certificate for cert in (*now.inputs, *now.code)}
    return read.keys() == read_now.keys() and not any(contradict(read[ref], read_now[ref]) for ref in read)


def planned_run(workspace: Workspace, execution: Execution, given: Collection[str]) -> PlannedRun | None:
    """An execution as it would be called now, with the values that its files of parameters have; None if ``dws run``
    did not call it."""
    directory = directory_of(workspace, execution)
    execution = with_files(execution, directory, workspace.get_workspace_local_path_if_any(), given)
    if execution.record is None or execution.command is None:
        return None
    record = execution.record._replace(run_id=uuid.uuid4().hex, command=command_here(execution.command))
    return PlannedRun(record, unnamed_of(workspace, execution))


def unnamed_of(workspace: Workspace, execution: Execution) -> tuple[str, ...]:
    """The resources of which nobody said whether an execution reads them, see :class:`PlannedRun`."""
    known = Surroundings.of_run(execution.entries)
    names = set(workspace.get_resource_names())
    return () if known is None else tuple(name for name in known.resources if name in names)


def find_for(workspace: Workspace, step: PlannedStep) -> CachedRun | None:
    """The earlier run from which a step can take its outputs, as things are now."""
    if not step.may_take or gets_input():
        return None
    planned, directory = None, ""
    with suppress_negative():
        directory = directory_of(workspace, step.execution)
        planned = planned_run(workspace, step.execution, step.given)
    return None if planned is None else find_cached(workspace, planned, directory)


def command_here(command: Sequence[str]) -> tuple[str, ...]:
    """A command line on this machine: with our Python, if that of the recorded one is not here."""
    program = Path(command[0])
    if program.is_absolute() and program.name.startswith("python") and not is_present(program):
        return (sys.executable, *command[1:])
    return tuple(command)


def directory_of(workspace: Workspace, execution: Execution) -> str:
    """Where a step ran, on this machine; raises ConfigurationError if that is unknown, not here, or leads out."""
    ref, below = execution.ran_in
    root = workspace.get_workspace_local_path_if_any()
    outermost = None if ref is None else _local_root(workspace, ref)
    inside = "" if ref is None else ref.subpath or ""
    if outermost is None and below is not None:
        outermost, inside = root, below
    if outermost is None:
        raise ConfigurationError(
            f"Step {execution.name} ran in an unknown directory outside the workspace and its resources",
            hint="Run it yourself",
        )
    place = Path(outermost, inside)
    if not place.is_dir():
        raise ConfigurationError(f"Step {execution.name} ran in {place}, which is not a directory here")
    # The path comes from somebody's file, and a link that leads out may have come with it.
    if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(outermost)):
        raise ConfigurationError(f"Step {execution.name} ran in {place}, which leads out of the workspace")
    return str(place)


def _local_root(workspace: Workspace, ref: ResourceRef) -> str | None:
    if ref.name not in set(workspace.get_resource_names()):
        return None
    resource = workspace.get_resource(ref.name)
    return resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None


def _obstacle(workspace: Workspace, execution: Execution) -> str | None:
    if execution.command is None:
        return f"no command line of step {execution.name} is recorded (it may be a notebook)"
    try:
        directory_of(workspace, execution)
    except ConfigurationError as e:
        return e.message
    return None
