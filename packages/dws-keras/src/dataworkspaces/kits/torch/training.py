"""A training loop as a step: what it reads, its parameters, its metrics by epoch, and what it writes."""

from __future__ import annotations

import os
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.autolog.hooks import recorded_otherwise
from dataworkspaces.kit_support.places import Place
from dataworkspaces.kit_support.result_files import check_result_file, save_described_file
from dataworkspaces.kit_support.spared import NOT_RECORDED, spared_record
from dataworkspaces.kit_support.streams import PassStream, watch_iterable
from dataworkspaces.kit_support.training import Places, TrainingStep, Where
from dataworkspaces.kits.torch.settings import optimizer_settings, settings_of
from dataworkspaces.lineage import jsonable
from dataworkspaces.plain_text import escape
from dataworkspaces.workspace import ResourceRef


@contextmanager
def training_lineage(
    model: Any = None,
    optimizer: Any = None,
    loss: Any = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    input_resource: Place | Sequence[Place] | None = None,
    results_resource: Place | None = None,
    workspace_dir: str | os.PathLike[str] | None = None,
    verbose: bool = False,
    initial_epoch: int = 0,
) -> Iterator[TrainingLineage]:
    """Within the ``with`` block a model is trained and evaluated, as one step::

        with training_lineage(model, optimizer, loss) as lineage:
            train, test = lineage.watch(train_loader), lineage.watch(test_loader, "score")
            for epoch in range(5):
                for x, y in train:
                    ...
                lineage.end_epoch(loss=...)
            lineage.write_results({"accuracy": ...})

    A block that raises an error before it wrote anything leaves the earlier results as they are. A training is never
    lost to its record: within the block a warning says what could not be recorded.

    :param model, optimizer, loss: what they are is recorded; None for what there is not.
    :param parameters: more of them.
    :param input_resource: where the data come from: the name of a resource, a local path in one, a ResourceRef, or a
        list of these; if None, the only resource with source data. The version of an API resource is the hash of the
        data that pass through :meth:`TrainingLineage.watch`.
    :param results_resource: where results go, given likewise; if None, the only results resource of the workspace.
    :param workspace_dir: the directory of the workspace; if None, the one that holds the current directory.
    :param verbose: log all that Data Workspaces does.
    :param initial_epoch: how many epochs the model was trained before, if it goes on from a checkpoint.
    """
    name = "training" if model is None else type(model).__name__
    step = TrainingStep(Where(input_resource, results_resource, workspace_dir, verbose), name)
    with spared_record("What is trained", lambda reason: step.note({NOT_RECORDED + "settings": reason})):
        step.note(settings_of(model, optimizer, loss))
    since = {"initial_epoch": initial_epoch} if initial_epoch else {}
    lineage = TrainingLineage(step, step.begin_training({**since, **(parameters or {})}), optimizer, initial_epoch)
    try:
        with recorded_otherwise():
            yield lineage
    except BaseException as e:
        step.drop(e)
        raise
    lineage._end()


class TrainingLineage:
    """A step that is under way; see :func:`training_lineage`.

    Nothing of it ends a training: what cannot be recorded costs a warning, and what is returned then is None."""

    def __init__(
        self, step: TrainingStep, places: Places | None, optimizer: Any = None, initial_epoch: int = 0
    ) -> None:
        self._step = step
        self._optimizer = optimizer
        self._first_settings = _now(optimizer)
        self._is_hashed = places is not None and places.are_inputs_hashed
        self._streams: dict[str, PassStream] = {}
        self._changed = True
        self._epoch = initial_epoch

    def watch(self, data: Any, part: str = "fit") -> Any:
        """A data loader, or any other thing to iterate over, to be used in the place of ``data``: it delivers the same
        batches, and their hash is taken in its first pass, if the input is an API resource.

        :param part: what the data are for: ``fit``, ``validation`` or ``score``."""
        batch_size = getattr(data, "batch_size", None)
        if part in ("fit", "score") and batch_size is not None:
            self.add_param({"fit": "fit_batch_size", "score": "evaluate_batch_size"}[part], batch_size)
        if not self._is_hashed:
            return data
        if part in self._streams:
            raise ApiParamError(
                f"watch() was called twice for the part '{part}'", hint="Watch a loader once, before the first epoch"
            )
        stream = self._streams[part] = PassStream(counts_use=False)
        if isinstance(data, types.GeneratorType):
            return stream.pass_through(data)
        return watch_iterable(data, stream)

    def add_param(self, name: str, value: Any) -> None:
        """Add a parameter, or replace its value."""
        self._step.note({name: value})
        self._changed = True

    def end_epoch(self, metrics: Mapping[str, Any] | None = None, **more: Any) -> None:
        """An epoch has ended, with these metrics: numbers, or tensors that hold one."""
        self._epoch += 1
        if self._step.run_id is not None:
            self._open()  # again, after results were written
        self._step.end_epoch(_numbers({**(metrics or {}), **more}), self._epoch)
        self._step.note({"epochs": len(self._step.history.numbers)})
        self._changed = True

    def save_model(self, model: Any, name: str) -> ResourceRef | None:
        """Save what ``torch.save`` can, the ``state_dict()`` of a model as a rule, as a file of the results; beside it
        ``name`` + ``.json`` says with which versions. Returns where it is; None, and a warning, if that fails."""
        import torch

        ref: list[ResourceRef] = []
        kind = f"{type(model).__module__}.{type(model).__qualname__}"

        def write(places: Places) -> None:
            where = save_described_file(
                places.workspace,
                places.results,
                check_result_file(name, "name"),
                lambda path: torch.save(model, path),
                {"model": kind},
                ("torch",),
            )
            ref.append(where)

        self._read()
        self._step.save(write, name)
        return ref[0] if ref else None

    def write_results(self, metrics: Mapping[str, Any]) -> ResourceRef | None:
        """Write ``results.json`` and the history, and record the lineage. Returns where the results are; None, and a
        warning, if that fails.

        What follows is a step of its own."""
        self._read()
        self._step.save()
        where = self._step.finish(_numbers(metrics))
        self._changed = False
        if where is not None:
            print(f"Wrote results to {escape(where)}")
        return where

    def _open(self) -> None:
        self._step.begin_evaluation({}, "What was trained")

    def _read(self) -> None:
        self._open()
        last = _now(self._optimizer)
        if last != self._first_settings:  # a scheduler, say
            self._step.note({"optimizer_settings_at_end": last})
        for part, stream in self._streams.items():
            self._step.read(part, stream.hexdigest)

    def _end(self) -> None:
        if self._changed:
            self._read()
            self._step.save()
        self._step.drop()


def _now(optimizer: Any) -> Any:
    """The settings of an optimizer; what cannot be told has been said at the beginning."""
    try:
        return optimizer_settings(optimizer)
    except Exception:  # of somebody else's class
        return None


def _numbers(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics without the graphs that tensors hold on to."""
    return {str(name): jsonable(value) for name, value in metrics.items()}
