"""The executions behind lineage, and which comes before which."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.lineage.model import LineageEntry, RunRecord, StepLineage, UnknownLineage
from dataworkspaces.lineage.places import Place, covering, places
from dataworkspaces.workspace import ResourceRef

TAKEN_FROM = "taken_from"
"""The key by which an entry says that its outputs come from an earlier run that a snapshot keeps."""
TAKEN_FROM_KEYS = ("snapshot", "run_id", "start_time")

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

    @property
    def notebook(self) -> ResourceRef | None:
        """Where the notebook lies that it is, if it is one and lies in a resource."""
        return next((e.notebook.ref for e in self.entries if e.notebook is not None and e.notebook.ref), None)

    @property
    def line(self) -> tuple[str, ...] | None:
        """What the user agrees to run: a command line, or what stands for a notebook."""
        lines = [entry.notebook.line for entry in self.entries if entry.notebook is not None]
        return self.command if self.command is not None else next(filter(None, lines), None)

    @property
    def ran_in(self) -> tuple[ResourceRef | None, str | None]:
        """The place in a resource and the directory below that of the workspace, where they are known."""
        if self.record is not None:
            return self.record.run_from_directory, self.record.working_directory
        ref, below = self.entries[0].run_from_directory, self.entries[0].working_directory
        return ref, "" if ref is None and below is None else below  # release 1.6 notes nothing for the workspace's own

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Those of ``dws run``, and those that its steps recorded themselves."""
        own = self.record.parameters if self.record is not None else {}
        return {**own, **{key: value for entry in self.entries for key, value in entry.parameters.items()}}

    @property
    def inputs_told(self) -> bool:
        """False if nobody said what it reads, and nothing showed it."""
        return all(entry.inputs_told for entry in self.entries)

    @property
    def has_failed(self) -> bool:
        """Whether all that is known of it is that it failed."""
        return not any(entry.outputs for entry in self.entries)

    @property
    def taken_from(self) -> Mapping[str, Any] | None:
        """The earlier run from which its outputs were taken, instead of running: with ``snapshot``, ``run_id`` and
        ``start_time``."""
        found = next((entry.other[TAKEN_FROM] for entry in self.entries if TAKEN_FROM in entry.other), None)
        is_told = isinstance(found, dict) and all(isinstance(found.get(key), str) for key in TAKEN_FROM_KEYS)
        return {key: found[key] for key in TAKEN_FROM_KEYS} if isinstance(found, dict) and is_told else None

    @property
    def directory(self) -> str | None:
        """The directory, for people."""
        ref, below = self.ran_in
        return below if ref is None else str(ref)


class ExecutionGraph:
    """:ivar executions: in no order; the methods know them by their numbers."""

    def __init__(self, lineages: Lineages) -> None:
        self._known = {name: places(name, entries) for name, entries in lineages.items()}
        self.executions = _executions(self._known.values())
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

    def is_step(self, target: str) -> bool:
        return any(target in (e.name, *(entry.step_name for entry in e.entries)) for e in self.executions)

    def find(self, target: str | None) -> list[int]:
        """Those of a step, or that wrote to a resource or ``RESOURCE:PATH``. Raises ConfigurationError for others."""
        if target is None:
            return list(range(len(self.executions)))
        names = {n: {e.name, *(entry.step_name for entry in e.entries)} for n, e in enumerate(self.executions)}
        found = [n for n, known in names.items() if target in known]
        if found:
            return found
        name, _, subpath = target.partition(":")
        if name not in self._known:
            known_names = sorted({*self._known, *(name for step in names.values() for name in step)})
            near = difflib.get_close_matches(target, known_names, n=3)
            hint = f"Did you mean {' or '.join(near)}?" if near else "'dws report lineage' lists both"
            raise NotFoundError(f"There is no step or resource '{target}'", hint=hint)
        place = covering(self._known[name], ResourceRef(name, subpath)) if subpath else None
        refs = list(self._known[name]) if not subpath else [] if place is None else [place.cert.ref]
        found = sorted({self._maker[ref] for ref in refs if ref in self._maker})
        if not found:
            raise ConfigurationError(
                f"No recorded step wrote '{target}', so there is nothing to run again",
                hint="'dws report lineage' shows what each step wrote",
            )
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


def identity(step: StepLineage) -> tuple[str, str]:
    return step.step_name, step.start_time.isoformat()


def _executions(known: Iterable[Mapping[ResourceRef, Place]]) -> list[Execution]:
    """Without those that failed, if the same has succeeded since: it does not write what they left."""
    entries: dict[object, dict[object, StepLineage]] = {}
    written: dict[object, list[ResourceRef]] = {}
    succeeded: dict[object, str] = {}
    failed: dict[object, bool] = {}
    for ref, place in ((ref, place) for of_resource in known for ref, place in of_resource.items()):
        is_unknown = isinstance(place.entry, UnknownLineage)
        step = place.entry.step if isinstance(place.entry, UnknownLineage) else place.entry
        if isinstance(step, StepLineage):
            key = step.run.run_id if step.run is not None else identity(step)
            entries.setdefault(key, {})[identity(step)] = step
            written.setdefault(key, []).append(ref)
            failed[key] = failed.get(key, True) and is_unknown
            if not is_unknown:
                start = step.start_time.isoformat()
                succeeded[_call(step)] = max(start, succeeded.get(_call(step), start))

    def is_made_good(step: StepLineage) -> bool:
        return step.start_time.isoformat() < succeeded.get(_call(step), "")

    return [
        _execution(list(steps.values()), written[key])
        for key, steps in entries.items()
        if not (failed[key] and all(is_made_good(step) for step in steps.values()))
    ]


def _call(step: StepLineage) -> object:
    """The same for two executions of one command."""
    if step.run is None:
        return step.step_name, step.command_line, step.working_directory
    return step.run.name, step.run.command, step.run.working_directory, json.dumps(dict(step.run.parameters))


def _execution(entries: Sequence[StepLineage], written: Sequence[ResourceRef]) -> Execution:
    first = min(entries, key=lambda entry: entry.start_time.isoformat())
    if first.run is not None:
        return Execution(first.run.name, first.run.command, first.run, tuple(entries), tuple(written))
    return Execution(first.step_name, first.command_line, None, tuple(entries), tuple(written))
