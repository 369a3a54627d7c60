"""Which values a run of a sweep gets: those that were planned, or what optuna asks for."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dataworkspaces.commands.sweep_values import Axis, Point, parse_axis
from dataworkspaces.errors import ConfigurationError, DwsError, PluginError
from dataworkspaces.toolbox.flat import flatten

if TYPE_CHECKING:
    from dataworkspaces.commands.sweep_plan import SweepPlan

_POLL_SECONDS = 0.3


class Ended(Protocol):
    """A run that has ended."""

    @property
    def status(self) -> str: ...
    @property
    def metrics(self) -> Mapping[str, Any] | None: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...


class Search(ABC):
    """What is asked for the values of each run, and told what came of it. For one thread, but for :meth:`watching`."""

    @abstractmethod
    def point(self, number: int) -> Point:
        """The values of a run that is going to begin."""

    def ended(self, number: int, status: str, metrics: Mapping[str, Any] | None) -> None:
        """A run has ended, in whatever way."""

    def watching(self, number: int, place: Path) -> AbstractContextManager[None]:
        """Look after a run while it runs in a directory ``workspace`` of ``place``."""
        return nullcontext()


class Planned(Search):
    """All is known beforehand."""

    def __init__(self, plan: SweepPlan) -> None:
        self._points = plan.points

    def point(self, number: int) -> Point:
        return self._points[number - 1]


class Optuna(Search):
    """Ask and tell. What was done before is told first, so that a sweep that goes on knows it."""

    def __init__(self, plan: SweepPlan, done: Mapping[int, Ended]) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna = optuna
        self._metric, self._direction = parse_goal(plan.request.goal)
        self._axes = [parse_axis(text) for text in plan.request.parameters]
        self._distributions = {axis.name: _distribution(optuna, axis) for axis in self._axes}
        self._prune = plan.request.prune
        sampler = optuna.samplers.TPESampler(seed=plan.seed + len(done))
        self._study = optuna.create_study(direction=self._direction, sampler=sampler)
        self._trials: dict[int, Any] = {}
        for _number, run in sorted(done.items()):
            self._add(run)

    def point(self, number: int) -> Point:
        trial = self._trials[number] = self._study.ask(self._distributions)
        return {axis.name: trial.params[axis.name] for axis in self._axes}

    def ended(self, number: int, status: str, metrics: Mapping[str, Any] | None) -> None:
        trial = self._trials.pop(number)
        state = self._optuna.trial.TrialState
        value = self._value(metrics)
        if status == "pruned":
            self._study.tell(trial, state=state.PRUNED)
        elif status != "completed" or value is None:
            self._study.tell(trial, state=state.FAIL)
        else:
            self._study.tell(trial, value)

    def _value(self, metrics: Mapping[str, Any] | None) -> float | None:
        found = flatten(dict(metrics or {})).get(self._metric)
        return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None

    def _add(self, run: Ended) -> None:
        by_name = {name.partition(":")[2] or name: name for name in self._distributions}
        params = {by_name[key]: value for key, value in run.parameters.items() if key in by_name}
        value = self._value(run.metrics)
        if len(params) != len(self._distributions) or value is None or run.status != "completed":
            return
        with suppress(ValueError):  # of a sweep whose ranges were others
            trial = self._optuna.trial.create_trial(params=params, distributions=self._distributions, value=value)
            self._study.add_trial(trial)

    def watching(self, number: int, place: Path) -> AbstractContextManager[None]:
        return self._watching(number, place) if self._prune else nullcontext()

    @contextmanager
    def _watching(self, number: int, place: Path) -> Iterator[None]:
        """Tell optuna each epoch of the run, as its live record has it, and have it ended if that says so."""
        over = threading.Event()
        trial = self._trials[number]
        thread = threading.Thread(target=self._watch, args=(trial, place, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _watch(self, trial: Any, place: Path, over: threading.Event) -> None:
        from dataworkspaces.commands.sweep_worker import PRUNE, WHERE
        from dataworkspaces.lineage.live import live_runs
        from dataworkspaces.workspace import find_and_load_workspace

        told: set[int] = set()
        copy = None
        while not over.wait(_POLL_SECONDS):
            try:
                copy = copy or find_and_load_workspace(True, False, (place / WHERE).read_text(encoding="utf-8"))
                runs = live_runs(copy)
            except (DwsError, OSError):
                continue  # it is not there yet, or not any more
            for epoch in (epoch for run in runs for epoch in run.epochs):
                value = epoch.metrics.get(self._metric)
                if epoch.number not in told and isinstance(value, (int, float)):
                    told.add(epoch.number)
                    trial.report(float(value), epoch.number)
            if told and trial.should_prune():
                with suppress(OSError):
                    (place / PRUNE).touch()
                return


def parse_goal(text: str | None) -> tuple[str, str]:
    """``METRIC:max`` or ``METRIC:min``, as optuna names the directions."""
    metric, _, way = (text or "").rpartition(":")
    directions = {"max": "maximize", "min": "minimize"}
    if not metric or way not in directions:
        raise ConfigurationError(
            "--optuna needs to know what is best", hint="Add --metric NAME:max or --metric NAME:min"
        )
    return metric, directions[way]


def check_optuna() -> None:
    """Raise PluginError if it is not installed."""
    if find_spec("optuna") is None:
        raise PluginError("optuna is not installed", hint="Install it with: pip install 'dws-run[optuna]'")


def _distribution(optuna: Any, axis: Axis) -> Any:
    kinds = optuna.distributions
    found = axis.distribution
    if found is None:
        return kinds.CategoricalDistribution(axis.values)
    if found.kind == "normal":
        raise ConfigurationError(f"--param: optuna knows no normal distribution, as '{axis.name}' has")
    log = found.kind.startswith("log")
    if found.kind.endswith("int"):
        return kinds.IntDistribution(int(found.low), int(found.high), log=log)
    return kinds.FloatDistribution(found.low, found.high, log=log)


def search_of(plan: SweepPlan, done: Mapping[int, Ended]) -> Search:
    if plan.request.optuna is None:
        return Planned(plan)
    check_optuna()
    return Optuna(plan, done)
