"""What autolog sees of a training loop of PyTorch, which nobody announces.

A training begins when an optimizer takes its first step. Its epochs are the passes over a loader in which the optimizer
takes steps. The loss of a step is what it lessens: the sum of all that ``backward()`` was called on since gradients
were zero, or since the step before. Each step has the learning rate that the optimizer has then. A pass without a step
is an evaluation: what the user measures there, he measures with functions that autolog sees, too.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dataworkspaces.kit_support.autolog import ModelRecord, Session, describe_data, describe_samples
from dataworkspaces.kit_support.autolog.names import name_of
from dataworkspaces.kit_support.autolog.samples import example_of
from dataworkspaces.kits.torch.settings import optimizer_settings, settings_of


def install(session: Session) -> None:
    """Begin to watch PyTorch, which has been imported."""
    import torch
    from torch.optim.optimizer import register_optimizer_step_post_hook

    watcher = _Watcher(session)
    register_optimizer_step_post_hook(lambda optimizer, args, kwargs: watcher.stepped(optimizer))
    session.wrap(torch, "Tensor.backward", watcher.backward)
    session.wrap("torch.amp", "GradScaler.scale", watcher.scale)
    session.wrap(torch, "optim.Optimizer.zero_grad", watcher.zero)
    session.wrap(torch, "nn.Module.parameters", watcher.parameters)
    session.wrap("torch.utils.data", "DataLoader.__iter__", watcher.iterate)


class _Training:
    """One optimizer, and what it trains."""

    def __init__(self, record: ModelRecord, model: Any, optimizer: Any) -> None:
        self.record = record
        self.model = None if model is None else weakref.ref(model)
        self.first_settings = optimizer_settings(optimizer)
        self.is_finished = False
        self.thread = threading.get_ident()
        self.forget()

    def forget(self) -> None:
        self.loss: Any = None
        self.losses = self.steps = 0
        self.rates: list[float] = []  # the first and the last


class _Loop(threading.local):
    """What a loop is about, each thread its own.

    :ivar loss: the sum of what ``backward()`` was called on since the gradients were zero.
    :ivar is_taken: whether a step has been taken with it.
    :ivar scaled: what a scaler made of a loss, and that loss.
    :ivar reading: the loaders of the passes that are under way, with their names.
    :ivar batch: what the first batch of the last pass looks like, and its first samples."""

    def __init__(self) -> None:
        self.loss: Any = None
        self.is_taken = False
        self.scaled: tuple[Any, Any] = (None, None)
        self.reading: list[tuple[Any, str | None]] = []
        self.batch: tuple[Any, Any] = (None, None)


class _Watcher:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._trainings: weakref.WeakKeyDictionary[Any, _Training] = weakref.WeakKeyDictionary()
        self._records: weakref.WeakSet[ModelRecord] = weakref.WeakSet()
        self._modules: weakref.WeakSet[Any] = weakref.WeakSet()
        self._loop = _Loop()
        self._lock = threading.RLock()  # two threads may train a model each

    @property
    def _is_idle(self) -> bool:
        """Whether a call of now is the user's own; what another thread begins to record is waited for."""
        with self._lock:
            return self._session.is_idle

    # -- what PyTorch calls --------------------------------------------------------------------------------------

    def parameters(self, wrapped: Any, module: Any, args: Any, kwargs: Any) -> Any:
        """Whose parameters are asked for may be trained: an optimizer knows only parameters."""
        if self._is_idle and module is not None:
            with self._session.spared("A module"):  # of which the user may have made what has no hash
                self._modules.add(module)
        return wrapped(*args, **kwargs)

    def zero(self, wrapped: Any, _optimizer: Any, args: Any, kwargs: Any) -> Any:
        self._loop.loss = None
        return wrapped(*args, **kwargs)

    def backward(self, wrapped: Any, loss: Any, args: Any, kwargs: Any) -> Any:
        if self._is_idle and loss is not None and loss.numel() == 1:
            with self._session.spared("A loss"):
                self._add_loss(loss)
        return wrapped(*args, **kwargs)

    def _add_loss(self, loss: Any) -> None:
        loop = self._loop
        scaled, own = loop.scaled
        loop.scaled = (None, None)
        # As a float: a sum of many halves is soon infinite.
        found = (own if loss is scaled else loss).detach().float()
        is_more = loop.loss is not None and not loop.is_taken and loop.loss.device == found.device
        loop.loss = loop.loss + found if is_more else found
        loop.is_taken = False

    def scale(self, wrapped: Any, _scaler: Any, args: Any, kwargs: Any) -> Any:
        """What mixed precision calls ``backward()`` on is many times the loss."""
        scaled = wrapped(*args, **kwargs)
        if self._is_idle and len(args) == 1 and hasattr(args[0], "detach"):
            self._loop.scaled = scaled, args[0].detach()
        return scaled

    def stepped(self, optimizer: Any) -> None:
        if not self._is_idle:
            return
        with self._session.spared("A step of an optimizer"):
            training = self._trainings.get(optimizer)
            if training is None or training.is_finished:
                with self._lock:
                    training = self._trainings[optimizer] = self._begin(optimizer, training)
            training.record.is_under_way = bool(self._loop.reading)
            training.thread = threading.get_ident()
            training.steps += 1
            if (loss := self._loop.loss) is not None:  # added where it is: to ask for its number would wait for the GPU
                training.loss = loss if training.loss is None else training.loss + loss
                training.losses += 1
                self._loop.is_taken = True  # which another optimizer may share
            rate = optimizer.param_groups[0].get("lr")
            if rate is not None:
                training.rates[1:] = [float(rate)]

    def iterate(self, wrapped: Any, loader: Any, args: Any, kwargs: Any) -> Any:
        batches = wrapped(*args, **kwargs)
        return self._passing(loader, batches, name_of(loader)) if self._is_idle else batches

    def _passing(self, loader: Any, batches: Any, name: str | None) -> Iterator[Any]:
        loop = self._loop
        before = {id(training): training.steps for training in self._trainings.values()}
        loop.reading.append((loader, name))
        try:
            for number, batch in enumerate(batches):
                if number == 0:  # of each pass: the next model has other data
                    loop.batch = (None, None)
                    with self._session.spared("What a batch looks like"):
                        self._look_at(batch)
                yield batch
        finally:  # also of a loop that was left before its end
            loop.reading.remove((loader, name))
            with self._lock, self._session.spared("An epoch"):
                self._end_pass(loader, name, before)

    def _look_at(self, batch: Any) -> None:
        parts = tuple(batch) if isinstance(batch, list) else batch
        first = parts[0] if isinstance(parts, tuple) and parts else parts
        examples = example_of(first) if self._session.options.input_examples else None
        self._loop.batch = describe_data(parts), examples

    def _end_pass(self, loader: Any, name: str | None, before: dict[int, int]) -> None:
        is_training = False
        for training in list(self._trainings.values()):
            if training.thread == threading.get_ident() and training.steps > before.get(id(training), 0):
                is_training = True
                self._end_epoch(training)
        last = self._session.last
        if not is_training and last is not None and last in self._records:
            last.evaluated(name, _data_of(loader))

    # -- inside --------------------------------------------------------------------------------------------------

    def _begin(self, optimizer: Any, before: _Training | None) -> _Training:
        if before is not None:  # it goes on, although nothing more was expected
            self._expect_end(before, optimizer)
            return before
        model = self._model_of(optimizer)
        loader, name = self._loop.reading[-1] if self._loop.reading else (None, None)

        def parameters() -> dict[str, Any]:
            found = {k: v for k, v in settings_of(model, optimizer, None).items() if v is not None}
            return {**found, **_of_loader(loader)}

        kind = "training" if model is None else type(model).__name__
        record = self._session.begin(optimizer if model is None else model, parameters, kind)
        self._records.add(record)
        training = _Training(record, model, optimizer)
        self._expect_end(training, optimizer)
        samples = _length(getattr(loader, "dataset", None))
        record.data("fit", {**describe_samples({"X": name}, _data_of(loader)), "samples": samples})
        shape, examples = self._loop.batch
        record.detail("signature", {"batch": shape})
        if examples is not None:
            record.detail("input_example", examples)
        return training

    def _expect_end(self, training: _Training, optimizer: Any) -> None:
        training.is_finished = False
        reference = weakref.ref(optimizer)
        training.record.at_end(lambda: self._finish(training, reference()))

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
        training.record.is_under_way = False
        for name, value in metrics.items():
            if name == "loss":
                training.record.metrics["loss"] = value
        training.forget()

    def _finish(self, training: _Training, optimizer: Any) -> None:
        """Nothing more is expected."""
        training.is_finished = True
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


def _data_of(loader: Any) -> Any:
    """The tensors of a loader whose data are nothing else; else its data set."""
    data: Any = getattr(loader, "dataset", None)
    return data.tensors if type(data).__name__ == "TensorDataset" and hasattr(data, "tensors") else data


def _length(data: Any) -> int | None:
    try:
        return len(data)
    except TypeError:
        return None
