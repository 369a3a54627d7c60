"""The record of one model: its training, and what is evaluated of it."""

from __future__ import annotations

import os
import platform
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.kit_support.autolog.samples import describe_samples, example_of
from dataworkspaces.kit_support.autolog.signature import describe_data
from dataworkspaces.kit_support.places import find_inputs, find_results, open_workspace
from dataworkspaces.kit_support.result_files import save_described_file, save_result_file, save_result_json
from dataworkspaces.kit_support.spared import NOT_STORED, reason_of
from dataworkspaces.kit_support.step import is_hashed
from dataworkspaces.kit_support.training import Places, TrainingStep, Where
from dataworkspaces.lineage import jsonable
from dataworkspaces.lineage.environment import distributions_of
from dataworkspaces.lineage.run_environment import current_run
from dataworkspaces.workspace import ResourceRef, ResourceRoles, Workspace

if TYPE_CHECKING:
    from dataworkspaces.kit_support.autolog.session import Session

DETAILS_FILE = "autolog.json"
"""What is neither a parameter nor a metric of a table: the model's signature, its packages, calls of metrics."""

_MOST_PARTS = 1000
_MOST_LOGGED = 200
_MOST_EVALUATED = 20


class ModelRecord:
    """Made by :meth:`Session.training`. No method raises an error.

    :ivar metrics: of the model, as they stand in ``results.json``.
    :ivar details: what :data:`DETAILS_FILE` holds.
    :ivar is_dirty: whether something is not saved yet.
    :ivar is_in_parts: whether further calls go on with the training.
    :ivar is_under_way: whether more of the training is certain to come, though another one begins."""

    def __init__(self, session: Session, name: str) -> None:
        self.name = name
        self.metrics: dict[str, Any] = {}
        self.details: dict[str, Any] = {}
        self._session = session
        self._step = TrainingStep(_WhereOfScript(**vars(session.options.where)), name)
        self._step.system_metrics = session.options.system_metrics
        self._files: dict[str, Callable[[Places], object]] = {}
        self._at_end: list[Callable[[], object]] = []
        self._evaluated: list[tuple[str, weakref.ref[Any] | None]] = []
        self._process = os.getpid()
        self._fits = 1
        self._parts = 0
        self._last_part = 0.0
        self._is_lost = False
        self.is_dirty = False
        self.is_in_parts = False
        self.is_under_way = False

    @property
    def epochs(self) -> int:
        """How many have ended."""
        return len(self._step.history.numbers)

    @property
    def epoch_numbers(self) -> list[int]:
        """Those of the epochs that have ended."""
        return list(self._step.history.numbers)

    @property
    def last_epoch(self) -> dict[str, Any]:
        """The metrics of the last epoch."""
        metrics = self._step.history.metrics
        return {name: values[-1] for name, values in metrics.items() if values and values[-1] is not None}

    def metrics_of_epoch(self, number: int) -> dict[str, Any]:
        """The metrics of one epoch, the first of which is number 1 unless the training said otherwise."""
        history = self._step.history
        if number not in history.numbers:
            return {}
        at = history.numbers.index(number)
        return {name: values[at] for name, values in history.metrics.items() if values[at] is not None}

    @property
    def is_recorded(self) -> bool:
        """Whether there is a run: not if it could not begin."""
        return self._step.run_id is not None

    # -- while it is trained -------------------------------------------------------------------------------------

    def begin(self, parameters: Mapping[str, Any]) -> Places | None:
        with self._session.spared("This training"):
            return self._step.begin_training(dict(parameters))
        return None

    def go_on(self, parameters: Mapping[str, Any]) -> None:
        """The model is trained once more, from where it was."""
        self._fits += 1
        with self._session.spared("This training"):
            self._step.begin_evaluation({}, "This training")
        self.note({**parameters, "fit_calls": self._fits})

    def note(self, parameters: Mapping[str, Any]) -> None:
        """Add parameters, or replace their values."""
        with self._session.spared("What this training is told"):
            self._step.note(parameters)
            self.is_dirty = True

    def detail(self, name: str, value: Any) -> None:
        """What is no number of a table."""
        with self._session.spared(name):
            self.details[name] = jsonable(value)
            self.is_dirty = True

    def data(self, part: str, described: Any) -> None:
        """What the data of a part (``fit``, ``validation``) are: see
        :func:`~dataworkspaces.kit_support.autolog.samples.describe_samples`."""
        self.detail("data", {**self.details.get("data", {}), part: described})

    def example(self, data: Any) -> None:
        """The first samples that the model was trained with, if the user wants them in the record."""
        if self._session.options.input_examples:
            with self._session.spared("An example of the input"):
                self.detail("input_example", example_of(data))

    def evaluated(self, name: str | None, X: Any, y: Any = None) -> None:
        """The user has evaluated the model on these data: of each of the first ones it is told what they are."""
        if X is None or len(self._evaluated) >= _MOST_EVALUATED:
            return
        with self._session.spared("What the model was evaluated on"):
            called = name or "unnamed"
            for known, reference in self._evaluated:
                if (reference is not None and reference() is X) or (reference is None and known == called):
                    return
            self._evaluated.append((called, reference_to(X)))
            found = self.details.get("data", {}).get("evaluated", {})
            described = jsonable({**describe_samples({}, X, y), "signature": describe_data(X)})
            key, number = called, 1
            while key in found and found[key] != described:
                number += 1
                key = f"{called}-{number}"
            self.data("evaluated", {**found, key: described})

    def epoch(self, metrics: Mapping[str, Any], number: int | None = None) -> None:
        """An epoch has ended; it is in the live record once this returns.

        :param number: which one it is, from 1 on, if the training does not begin with the first."""
        with self._session.spared("An epoch"):
            self._step.end_epoch(metrics, number)
            self.is_dirty = True

    def part(self, metrics: Mapping[str, Any]) -> int:
        """A small part of a training, such as a batch, has ended; how many have is returned. The first ones are told as
        epochs, then one a second: of a million, memory and disk hold few."""
        self._parts += 1
        now = time.monotonic()
        if self._parts <= _MOST_PARTS or now - self._last_part >= 1:
            self._last_part = now
            self.epoch(metrics, self._parts)
        return self._parts

    def epochs_before(self, epochs: Sequence[Mapping[str, Any]]) -> None:
        """What a training that has ended tells of its epochs. The history has all of them, the live record some, at the
        same distances: each costs a write to the disk."""
        step = -(-len(epochs) // _MOST_LOGGED) or 1
        with self._session.spared("An epoch"):
            for number, metrics in enumerate(epochs, 1):
                is_logged = number % step == 0 or number in (1, len(epochs))
                self._step.end_epoch(metrics, self.epochs + 1, is_logged=is_logged)
            self.is_dirty = True

    def read(self, part: str, *data: Any) -> None:
        """What was read as this part (``fit``, ``score``), if the input is a resource whose version that is."""
        with self._session.spared(f"What was read to {part}"):
            places = self._step.find()
            if places.are_inputs_hashed:
                from dataworkspaces.kit_support.data_hash import hash_of_inputs

                self._step.read(part, hash_of_inputs(*data))

    # -- what is left --------------------------------------------------------------------------------------------

    def metric(self, name: str, value: Any, **how: Any) -> None:
        """A metric of the model. One of that name that has another value stays, and this one gets a number.

        :param how: how it was computed, for :data:`DETAILS_FILE`."""
        with self._session.spared(f"The metric {name}"):
            found = jsonable(value)
            key, number = name, 1
            while key in self.metrics and self._calls.get(key) != jsonable(how):
                number += 1
                key = f"{name}-{number}"
            self.metrics[key] = found
            self._calls[key] = jsonable(how)
            self.is_dirty = True

    @property
    def _calls(self) -> dict[str, Any]:
        calls: dict[str, Any] = self.details.setdefault("metrics", {})
        return calls

    def file(self, name: str, write: Callable[[Path], object]) -> None:
        """A file beside the results: ``write`` writes it to the path that it is given, when the record is saved."""
        self._files[name] = lambda places: save_result_file(places.workspace, places.results, name, write)
        self.is_dirty = True

    def model(self, model: Any, name: str, write: Callable[[Path], object], modules: Iterable[str]) -> None:
        """The trained model as a file.

        :param modules: those that its classes come from: the versions of their distributions decide whether it can be
            loaded, and are told."""
        with self._session.spared("The packages of the model"):
            directory = self._step.find().workspace.get_machine_directory()
            tops = {module.partition(".")[0] for module in modules} - {"builtins", "__main__"}
            versions = distributions_of(tops, sys.path, directory)
            self.details["packages"] = {"python": platform.python_version(), **versions}
            if self._session.options.save_models:
                described = {"model": f"{type(model).__module__}.{type(model).__qualname__}"}
                self._files[name] = lambda places: save_described_file(
                    places.workspace, places.results, name, write, described, list(versions)
                )
            self.is_dirty = True

    def at_end(self, finish: Callable[[], object]) -> None:
        """What is to be done once, when nothing more is expected: to draw pictures, say."""
        self._at_end.append(finish)

    def fail(self, error: BaseException) -> None:
        """The training has failed."""
        with self._session.spared("The end of this training"):
            self._step.note({"fit_ended_by": type(error).__name__})
            self._step.drop(error)
            self.is_dirty = False

    def save(self, *, at_end: bool = False) -> None:
        """Write what is known by now, and record its lineage. More may follow."""
        if os.getpid() != self._process or not self.is_recorded or self._is_lost:
            return
        finishing, self._at_end = (self._at_end, []) if at_end else ([], self._at_end)
        with self._session.spared("What this training left"), self._session.busy():
            for finish in finishing:
                with self._session.spared("A picture"):
                    finish()
            if self.is_dirty:
                self.is_dirty = False
                self._step.begin_evaluation({}, "What was trained")
                found = sorted(self.metrics.items(), key=lambda item: item[0].startswith("training_"))
                self._step.keep(dict(found), self._write_files)
                self._is_lost = not self._step.is_open  # which the user has been told

    def _write_files(self, places: Places) -> None:
        files, self._files = self._files, {}
        for name, write in files.items():
            try:
                write(places)
            except Exception as e:  # of any library, or of somebody else's class
                self._session.tell(f"'{name}' is not stored", e)
                self._step.note({NOT_STORED + name: reason_of(e)})
        if self.details:
            save_result_json(places.workspace, places.results, DETAILS_FILE, self.details)


def reference_to(value: Any) -> weakref.ref[Any] | None:
    """None to what nothing can refer to, such as a list."""
    try:
        return weakref.ref(value)
    except TypeError:
        return None


class _WhereOfScript(Where):
    """Where a script reads and writes that says nothing of it."""

    def find(self) -> Places:
        workspace = open_workspace(self.workspace_dir, self.verbose)
        inputs = find_inputs(workspace, self.input_resource) if self.input_resource is not None else _read(workspace)
        results = find_results(workspace, self.results_resource)
        return Places(workspace, inputs, results, any(is_hashed(workspace, ref) for ref in inputs))


def _read(workspace: Workspace) -> list[ResourceRef]:
    """What ``dws run`` was told; else all source data, or where there are none, all other data."""
    run = current_run(workspace)
    if run is not None and run.inputs:
        return list(run.inputs)
    for role in (ResourceRoles.SOURCE_DATA_SET, ResourceRoles.INTERMEDIATE_DATA):
        names = [name for name in workspace.get_resource_names() if workspace.get_resource_role(name) == role]
        if names:
            return [ResourceRef(name) for name in names]
    return []
