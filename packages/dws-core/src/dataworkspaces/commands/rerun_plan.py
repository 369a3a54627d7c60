"""What ``dws rerun`` would run, in which order, and why."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataworkspaces.commands.lineage import contents_now
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.lineage.model import LineageEntry, RunRecord, StepLineage, UnknownLineage
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.lineage.places import covering, places
from dataworkspaces.lineage.states import States
from dataworkspaces.workspace import ResourceRef, ResourceRoles, Workspace

Lineages = Mapping[str, "list[LineageEntry]"]


@dataclass(frozen=True)
class Execution:
    """One execution of a step, or of a command of ``dws run`` with all the steps within it.

    :ivar command: None if no command line is recorded.
    :ivar record: how ``dws run`` was called, if it was.
    :ivar places: what it wrote, of which it is still the maker (or failed to be).
    """

    name: str
    command: tuple[str, ...] | None
    record: RunRecord | None
    entries: tuple[StepLineage, ...]
    places: tuple[ResourceRef, ...]


@dataclass(frozen=True)
class PlannedStep:
    """:ivar reasons: why it has to run; empty if it is up to date.
    :ivar behind: the names of steps that run before it, and may change what it reads.
    :ivar is_own: its command line has been run on this machine before.
    """

    execution: Execution
    reasons: tuple[str, ...]
    behind: tuple[str, ...]
    is_own: bool

    @property
    def runs(self) -> bool:
        return bool(self.reasons or self.behind)

    def to_json(self) -> dict[str, Any]:
        return {
            "step": self.execution.name,
            "command": None if self.execution.command is None else list(self.execution.command),
            "outputs": [str(ref) for ref in self.execution.places],
            "runs": self.runs,
            "reasons": [*self.reasons, *(f"step {name} runs before it" for name in self.behind)],
            "own": self.is_own,
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


def plan_rerun(workspace: Workspace, target: str | None = None, snapshot: str | None = None) -> RerunPlan:
    """The steps behind ``target`` (the name of a step or a resource, or ``RESOURCE:PATH``; default: all).

    :param snapshot: tag or hash; replay its steps, where what they read and wrote is not here as it was then.

    Raises ConfigurationError for an unknown target or snapshot."""
    snapshots = workspace.as_lineage_ws()
    hashval = None if snapshot is None else snapshots.get_snapshot_by_tag_or_hash(snapshot).hashval
    store = snapshots.get_lineage_store()
    names = list(workspace.get_resource_names())
    lineages = {name: store.entries(name, hashval) for name in names}
    graph = _Graph(lineages)
    chosen = graph.ordered(graph.find(target))
    reasons = reasons_to_run(workspace, lineages, hashval)
    own = OwnCommands(workspace.get_machine_directory())
    steps: list[PlannedStep] = []
    running: dict[int, str] = {}
    for number in chosen:
        execution = graph.executions[number]
        why = tuple(dict.fromkeys(r for ref in execution.places for r in reasons.get(ref, ())))
        behind = tuple(dict.fromkeys(running[n] for n in graph.before(number) if n in running))
        is_own = execution.command is None or own.has(execution.command)
        steps.append(PlannedStep(execution, why, behind, is_own))
        if steps[-1].runs:
            running[number] = execution.name
    return RerunPlan(tuple(steps), hashval)


def reasons_to_run(workspace: Workspace, lineages: Lineages, snapshot_hash: str | None) -> dict[ResourceRef, list[str]]:
    """Why each place would have to be written again."""
    states = States(lineages, contents_now(workspace, lineages)).all()
    found = {ref: list(state.reasons) for ref, state in states.items() if state.kind != "current"}
    if snapshot_hash is None:
        return found
    store = workspace.as_lineage_ws().get_lineage_store()
    for name, entries in lineages.items():
        if workspace.get_resource_role(name) != ResourceRoles.RESULTS:
            continue
        now = places(name, store.entries(name))
        for ref, place in places(name, entries).items():
            present = now.get(ref)
            same = present is not None and _identity(present.entry) == _identity(place.entry)
            if not same:
                found.setdefault(ref, []).append(f"the present {ref} is of another run")
    return found


def command_here(command: Sequence[str]) -> tuple[str, ...]:
    """A command line on this machine: with our Python, if that of the recorded one is not here."""
    program = Path(command[0])
    if program.is_absolute() and not program.exists() and program.name.startswith("python"):
        return (sys.executable, *command[1:])
    return tuple(command)


@dataclass
class _Graph:
    """The executions behind lineages, and which is before which."""

    lineages: Lineages
    executions: list[Execution] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._known = {name: places(name, entries) for name, entries in self.lineages.items()}
        entries: dict[Any, dict[Any, StepLineage]] = {}
        written: dict[Any, list[ResourceRef]] = {}
        for known in self._known.values():
            for ref, place in known.items():
                step = place.entry.step if isinstance(place.entry, UnknownLineage) else place.entry
                if isinstance(step, StepLineage):
                    key = step.run.run_id if step.run is not None else _identity(step)
                    entries.setdefault(key, {})[_identity(step)] = step
                    written.setdefault(key, []).append(ref)
        for key, steps in entries.items():
            self.executions.append(_execution(list(steps.values()), written[key]))
        self._maker = {ref: n for n, execution in enumerate(self.executions) for ref in execution.places}

    def before(self, number: int) -> set[int]:
        """The executions whose outputs one reads."""
        found = set()
        for entry in self.executions[number].entries:
            for cert in entry.inputs:
                place = covering(self._known.get(cert.ref.name, {}), cert.ref)
                if place is not None and place.cert.ref in self._maker:
                    found.add(self._maker[place.cert.ref])
        return found - {number}

    def find(self, target: str | None) -> list[int]:
        if target is None:
            return list(range(len(self.executions)))
        names = {n: {e.name, *(entry.step_name for entry in e.entries)} for n, e in enumerate(self.executions)}
        found = [n for n, known in names.items() if target in known]
        name, _, subpath = target.partition(":")
        if not found and name in self.lineages:
            place = covering(self._known[name], ResourceRef(name, subpath or None))
            refs = list(self._known[name]) if not subpath else [] if place is None else [place.cert.ref]
            found = [self._maker[ref] for ref in refs if ref in self._maker]
            if not found:
                raise ConfigurationError(f"No step is known that wrote '{target}', so nothing can be run again")
        if not found:
            known_names = sorted({*self.lineages, *(name for step in names.values() for name in step)})
            near = difflib.get_close_matches(target, known_names, n=3)
            hint = f"Did you mean {' or '.join(near)}?" if near else "'dws report lineage' shows both"
            raise ConfigurationError(f"There is no step and no resource '{target}'", hint=hint)
        return found

    def ordered(self, wanted: Iterable[int]) -> list[int]:
        """The executions with all those before them, each behind what it reads. (A circle, which only somebody
        else's lineage can hold, is cut.)"""
        done: dict[int, None] = {}
        begun: set[int] = set()
        pending = sorted(set(wanted), key=self._start, reverse=True)
        while pending:
            number = pending[-1]
            missing = [n for n in self.before(number) if n not in done and n not in begun]
            begun.add(number)
            if missing:
                pending.extend(sorted(missing, key=self._start, reverse=True))
            else:
                done[number] = None
                pending.pop()
        return list(done)

    def _start(self, number: int) -> str:
        return min(entry.start_time.isoformat() for entry in self.executions[number].entries)


def _execution(entries: Sequence[StepLineage], written: Sequence[ResourceRef]) -> Execution:
    first = min(entries, key=lambda entry: entry.start_time.isoformat())
    if first.run is not None:
        return Execution(first.run.name, first.run.command, first.run, tuple(entries), tuple(written))
    return Execution(first.step_name, first.command_line, None, tuple(entries), tuple(written))


def _identity(entry: LineageEntry) -> tuple[str, str] | None:
    if isinstance(entry, UnknownLineage):
        return None
    return (entry.step_name, entry.start_time.isoformat()) if isinstance(entry, StepLineage) else None
