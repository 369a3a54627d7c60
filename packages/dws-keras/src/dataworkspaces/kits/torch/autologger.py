"""What autolog sees of a training loop of PyTorch, which nobody announces.

A training begins when an optimizer takes its first step. Its epochs are the passes over a loader in which the optimizer
takes steps. The loss is what ``backward()`` is called on; each step has the learning rate that the optimizer has then.
Validation has no step: what the user measures there, he measures with functions that autolog sees, too.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dataworkspaces.kit_support.autolog import ModelRecord, Session, describe_data
from dataworkspaces.kit_support.autolog.names import name_of
from dataworkspaces.kits.torch.settings import optimizer_settings, settings_of


def install(session: Session) -> None:
    """Begin to watch PyTorch, which has been imported."""
    import torch
    from torch.optim.optimizer import register_optimizer_step_post_hook

    watcher = _Watcher(session)
    register_optimizer_step_post_hook(lambda optimizer, args, kwargs: watcher.stepped(optimizer))
    session.wrap(torch, "Tensor.backward", watcher.backward)
    session.wrap("torch.amp", "GradScaler.scale", watcher.scale)
    session.wrap(torch, "nn.Module.parameters", watcher.parameters)
    session.wrap("torch.utils.data", "DataLoader.__iter__", watcher.iterate)


class _Training:
    """One optimizer, and what it trains."""

    def __init__(self, record: ModelRecord, model: Any, optimizer: Any) -> None:
        self.record = record
        self.model = None if model is None else weakref.ref(model)
        self.first_settings = optimizer_settings(optimizer)
        self.loader: weakref.ref[Any] | None = None
        self.forget()

    def forget(self) -> None:
        self.loss: Any = None
        self.losses = self.steps = 0
        self.rates: list[float] = []  # the first and the last


class _Watcher:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._trainings: weakref.WeakKeyDictionary[Any, _Training] = weakref.WeakKeyDictionary()
        self._modules: weakref.WeakSet[Any] = weakref.WeakSet()
        self._loss: Any = None
        self._scaled: tuple[Any, Any] = (None, None)
        self._reading: list[tuple[Any, str | None]] = []
        self._batch: Any = None

    # -- what PyTorch calls --------------------------------------------------------------------------------------

    def parameters(self, wrapped: Any, module: Any, args: Any, kwargs: Any) -> Any:
        """Whose parameters are asked for may be trained: an optimizer knows only parameters."""
        if self._session.is_idle and module is not None:
            with self._session.spared("A module"):  # of which the user may have made what has no hash
                self._modules.add(module)
        return wrapped(*args, **kwargs)

    def backward(self, wrapped: Any, loss: Any, args: Any, kwargs: Any) -> Any:
        if self._session.is_idle and loss is not None and loss.numel() == 1:
            scaled, own = self._scaled
            self._scaled = (None, None)
            # As a float: a sum of many halves is soon infinite.
            self._loss = (own if loss is scaled else loss).detach().float()
        return wrapped(*args, **kwargs)

    def scale(self, wrapped: Any, _scaler: Any, args: Any, kwargs: Any) -> Any:
        """What mixed precision calls ``backward()`` on is many times the loss."""
        scaled = wrapped(*args, **kwargs)
        if self._session.is_idle and len(args) == 1 and hasattr(args[0], "detach"):
            self._scaled = scaled, args[0].detach()
        return scaled

    def stepped(self, optimizer: Any) -> None:
        if not self._session.is_idle:
            return
        with self._session.spared("A step of an optimizer"):
            training = self._trainings.get(optimizer)
            if training is None:
                training = self._trainings[optimizer] = self._begin(optimizer)
            training.steps += 1
            if self._loss is not None:  # added where it is: to ask for its number would wait for the GPU
                training.loss = self._loss if training.loss is None else training.loss + self._loss
                training.losses += 1
                self._loss = None
            rate = optimizer.param_groups[0].get("lr")
            if rate is not None:
                training.rates[1:] = [float(rate)]

    def iterate(self, wrapped: Any, loader: Any, args: Any, kwargs: Any) -> Any:
        batches = wrapped(*args, **kwargs)
        return self._passing(loader, batches, name_of(loader)) if self._session.is_idle else batches

    def _passing(self, loader: Any, batches: Any, name: str | None) -> Iterator[Any]:
        before = {id(training): training.steps for training in self._trainings.values()}
        self._reading.append((loader, name))
        try:
            for number, batch in enumerate(batches):
                if number == 0:  # of each pass: the next model has other data
                    self._batch = None
                    with self._session.spared("What a batch looks like"):
                        self._batch = describe_data(tuple(batch) if isinstance(batch, list) else batch)
                yield batch
        finally:  # also of a loop that was left before its end
            self._reading.remove((loader, name))
            for training in list(self._trainings.values()):
                if training.steps > before.get(id(training), 0):
                    with self._session.spared("An epoch"):
                        self._end_epoch(training)

    # -- inside --------------------------------------------------------------------------------------------------

    def _begin(self, optimizer: Any) -> _Training:
        model = self._model_of(optimizer)
        loader, name = self._reading[-1] if self._reading else (None, None)

        def parameters() -> dict[str, Any]:
            found = {k: v for k, v in settings_of(model, optimizer, None).items() if v is not None}
            return {**found, **_of_loader(loader)}

        kind = "training" if model is None else type(model).__name__
        record = self._session.begin(optimizer if model is None else model, parameters, kind)
        training = _Training(record, model, optimizer)
        record.at_end(lambda: self._finish(training, optimizer_ref()))
        optimizer_ref = weakref.ref(optimizer)
        record.detail("data", {"fit": {"X": name, "samples": _length(getattr(loader, "dataset", None))}})
        record.detail("signature", {"batch": self._batch})
        return training

    def _model_of(self, optimizer: Any) -> Any:
        """The module whose parameters these are: of several, the largest, of which the others are parts."""
        trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
        found = [m for m in self._modules if trained & {id(p) for p in m.__class__.parameters.__wrapped__(m)}]
        return max(found, key=lambda m: len(list(m.modules())), default=None)

    def _end_epoch(self, training: _Training) -> None:
        metrics: dict[str, Any] = {}
        if training.losses:
            metrics["loss"] = float(training.loss) / training.losses
        if training.rates:
            metrics["learning_rate"] = training.rates[0]
            if training.rates[-1] != training.rates[0]:
                metrics["learning_rate_at_end"] = training.rates[-1]
        training.record.epoch(metrics)
        training.record.note({"epochs": training.record.epochs})
        for name, value in metrics.items():
            if name == "loss":
                training.record.metrics["loss"] = value
        training.forget()

    def _finish(self, training: _Training, optimizer: Any) -> None:
        """Nothing more is expected."""
        if training.steps:  # of a loop without a loader
            self._end_epoch(training)
        if optimizer is not None and (last := optimizer_settings(optimizer)) != training.first_settings:
            training.record.note({"optimizer_settings_at_end": last})
        model = None if training.model is None else training.model()
        if model is None:
            return
        text = repr(model)
        training.record.file("model_summary.txt", lambda path: path.write_text(text + "\n", encoding="utf-8"))

        def save(path: Path) -> None:
            import torch

            torch.save(model.state_dict(), path)

        training.record.model(model, "model.pt", save, ["torch", "numpy", *(c.__module__ for c in type(model).__mro__)])


def _of_loader(loader: Any) -> dict[str, Any]:
    if loader is None:
        return {}
    sampler = type(getattr(loader, "sampler", None)).__name__
    return {"fit_batch_size": getattr(loader, "batch_size", None), "fit_sampler": sampler}


def _length(data: Any) -> int | None:
    try:
        return len(data)
    except TypeError:
        return None
