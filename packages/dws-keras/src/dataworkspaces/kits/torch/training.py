"""A training loop as a step: what it reads, its parameters, its metrics by epoch, and what it writes."""

from __future__ import annotations

import os
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.places import Place
from dataworkspaces.kit_support.result_files import check_result_file, save_described_file
from dataworkspaces.kit_support.streams import PassStream, watch_iterable
from dataworkspaces.kit_support.training import Places, TrainingStep, Where
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
) -> Iterator[TrainingLineage]:
    """Within the ``with`` block a model is trained and evaluated, as one step::

        with training_lineage(model, optimizer, loss) as lineage:
            train, test = lineage.watch(train_loader), lineage.watch(test_loader, "score")
            for epoch in range(5):
                for x, y in train:
                    ...
                lineage.end_epoch(loss=...)
            lineage.write_results({"accuracy": ...})

    A block that raises an error before it wrote anything leaves the earlier results as they are.

    :param model, optimizer, loss: what they are is recorded; None for what there is not.
    :param parameters: more of them.
    :param input_resource: where the data come from: the name of a resource, a local path in one, a ResourceRef, or a
        list of these; if None, the only resource with source data. The version of an API resource is the hash of the
        data that pass through :meth:`TrainingLineage.watch`.
    :param results_resource: where results go, given likewise; if None, the only results resource of the workspace.
    :param workspace_dir: the directory of the workspace; if None, the one that holds the current directory.
    :param verbose: log all that Data Workspaces does.
    """
    name = "training" if model is None else type(model).__name__
    step = TrainingStep(Where(input_resource, results_resource, workspace_dir, verbose), name)
    places = step.begin({**_settings(model, optimizer, loss), **(parameters or {})})
    lineage = TrainingLineage(step, places, optimizer)
    try:
        yield lineage
    except BaseException:
        step.drop()
        raise
    lineage._end()


class TrainingLineage:
    """A step that is under way; see :func:`training_lineage`."""

    def __init__(self, step: TrainingStep, places: Places, optimizer: Any = None) -> None:
        self._step = step
        self._optimizer = optimizer
        self._first_settings = _optimizer_settings(optimizer)
        self._places = places
        self._streams: dict[str, PassStream] = {}
        self._changed = True

    def watch(self, data: Any, part: str = "fit") -> Any:
        """A data loader, or any other thing to iterate over, to be used in the place of ``data``: it delivers the same
        batches, and their hash is taken in its first pass, if the input is an API resource.

        :param part: what the data are for: ``fit``, ``validation`` or ``score``."""
        batch_size = getattr(data, "batch_size", None)
        if part in ("fit", "score") and batch_size is not None:
            self.add_param({"fit": "fit_batch_size", "score": "evaluate_batch_size"}[part], batch_size)
        if not self._places.are_inputs_hashed:
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
        self._step.begin({name: value})
        self._changed = True

    def end_epoch(self, metrics: Mapping[str, Any] | None = None, **more: Any) -> None:
        """An epoch has ended, with these metrics: numbers, or tensors that hold one."""
        found = _detached({**(metrics or {}), **more})
        self._step.end_epoch(found)
        self._step.log_epoch(found)
        self._step.begin({"epochs": self._step.epochs})
        self._changed = True

    def save_model(self, model: Any, name: str) -> ResourceRef:
        """Save what ``torch.save`` can, the ``state_dict()`` of a model as a rule, as a file of the results; beside it
        ``name`` + ``.json`` says with which versions. Returns where it is."""
        import torch

        check_result_file(name, "name")
        self._read()
        ref: list[ResourceRef] = []
        kind = f"{type(model).__module__}.{type(model).__qualname__}"

        def write(places: Places) -> None:
            where = save_described_file(
                places.workspace,
                places.results,
                name,
                lambda path: torch.save(model, path),
                {"model": kind},
                ("torch",),
            )
            ref.append(where)

        self._step.save(write)
        return ref[0]

    def write_results(self, metrics: Mapping[str, Any]) -> ResourceRef:
        """Write ``results.json`` and the history, and record the lineage. Returns where the results are.

        What follows is a step of its own."""
        self._read()
        self._step.save()
        where = self._step.finish(_detached(metrics))
        self._changed = False
        print(f"Wrote results to {escape(where)}")
        return where

    def _read(self) -> None:
        self._step.begin({})
        last = _optimizer_settings(self._optimizer)
        if last != self._first_settings:  # a scheduler, say
            self._step.begin({"optimizer_settings_at_end": last})
        for part, stream in self._streams.items():
            self._step.read(part, stream.hexdigest())

    def _end(self) -> None:
        if self._changed:
            self._read()
            self._step.save()
        self._step.drop()


def _settings(model: Any, optimizer: Any, loss: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "optimizer": None if optimizer is None else type(optimizer).__name__,
        "loss_function": None if loss is None else getattr(loss, "__name__", None) or type(loss).__name__,
        "epochs": None,
        "fit_batch_size": None,
        "evaluate_batch_size": None,
    }
    if optimizer is not None:
        settings["optimizer_settings"] = _optimizer_settings(optimizer)
    if loss is not None and not isinstance(loss, types.FunctionType):
        settings["loss_settings"] = {
            name: value
            for name, value in vars(loss).items()
            if not name.startswith("_") and name != "training" and isinstance(value, (bool, int, float, str))
        }
    if model is not None:
        settings["model"] = type(model).__name__
        settings["model_parameters"] = sum(p.numel() for p in model.parameters())
    return settings


def _optimizer_settings(optimizer: Any) -> Any:
    """What an optimizer works with now: of several groups of parameters that differ, a list.

    Its ``defaults`` are what it was made with, which its groups, a state that was loaded and schedulers override."""
    groups = [
        {name: jsonable(value) for name, value in group.items() if name not in ("params", "param_names")}
        for group in getattr(optimizer, "param_groups", ())
    ]
    return groups[0] if groups and all(group == groups[0] for group in groups) else groups


def _detached(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics without the graphs that tensors hold on to."""
    return {name: value.detach().cpu() if hasattr(value, "detach") else value for name, value in metrics.items()}
