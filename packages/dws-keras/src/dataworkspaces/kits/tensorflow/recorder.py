"""What is recorded of a model of Keras: it is driven by a wrapped class, or by a callback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import keras

from dataworkspaces.errors import DwsError
from dataworkspaces.kit_support.training import Places, TrainingStep, Where
from dataworkspaces.kits.tensorflow import settings
from dataworkspaces.kits.tensorflow.data import Data, UseCounter, Watched, watch
from dataworkspaces.plain_text import escape
from dataworkspaces.workspace import ResourceRef

_ENDED_BY = "fit_ended_by"


class Recorder:
    """The step of one model.

    :ivar is_busy: whether the model trains or evaluates: what Keras calls in between is a part of that."""

    def __init__(self, where: Where, default_name: str) -> None:
        self.step = TrainingStep(where, default_name)
        self.is_busy = False

    @contextmanager
    def training(self, model: Any, parameters: Mapping[str, Any]) -> Iterator[tuple[Places, LogsOfEpochs]]:
        """A call of ``fit``, which is to have the callback. If it is interrupted, the step ends there; what is
        evaluated later knows of it."""
        self.is_busy = True
        self.step.forget(_ENDED_BY)
        self.step.begin_training()
        epochs = LogsOfEpochs(self.step)
        try:
            yield self.step.begin({**settings.of_model(model), **parameters}), epochs
        except BaseException as e:
            self.step.drop()
            self.step.note({_ENDED_BY: type(e).__name__})
            self._add_epochs(epochs.logs)
            raise
        finally:
            self.is_busy = False

    def end_training(self, model: Any, epochs: Sequence[Mapping[str, Any]]) -> None:
        """Record the history of a training, and what it has written."""
        self.step.begin({"model_parameters": settings.number_of_parameters(model)})  # many are built in training
        self._add_epochs(epochs)
        self.step.save()

    def _add_epochs(self, epochs: Sequence[Mapping[str, Any]]) -> None:
        for logs in epochs:
            self.step.end_epoch(logs)

    @contextmanager
    def evaluation(self, model: Any, parameters: Mapping[str, Any]) -> Iterator[Places]:
        """A call of ``evaluate``."""
        self.is_busy = True
        try:
            if not self.step.is_open:
                known = self.step.parameters
                compiled = settings.of_model(model).items()
                self.step.begin({name: value for name, value in compiled if value is not None or name not in known})
            yield self.step.begin(parameters)
        except BaseException:
            self.step.drop()
            raise
        finally:
            self.is_busy = False

    def end_evaluation(self, metrics: Mapping[str, Any], *, tell: bool) -> ResourceRef:
        where = self.step.finish({**{name: metrics[name] for name in ("loss",) if name in metrics}, **metrics})
        if tell:
            print(f"Wrote results to {escape(where)}")
        return where


class Reading:
    """The data of one call of ``fit`` or ``evaluate``.

    Data whose hash nobody needs are left as they are."""

    def __init__(self, step: TrainingStep, places: Places) -> None:
        self._step = step
        self._places = places
        self._watched: dict[str, Watched] = {}

    def watch(self, part: str, data: Data, shuffled: bool = False) -> Data:
        """The data to be used in the place of ``data``; ``part`` names them."""
        if not self._places.are_inputs_hashed:
            return data
        self._watched[part] = watch(data, self._places.scratch, shuffled)
        return self._watched[part].data

    def take(self, watched: Mapping[str, Watched]) -> None:
        """Data that are being watched already."""
        self._watched.update(watched)

    def counter(self) -> UseCounter | None:
        """The callback that these data need, if any."""
        streams = {part: watched.stream for part, watched in self._watched.items()}
        training = streams.get("fit")
        evaluation = streams.get("score") or streams.get("validation")
        return UseCounter(training, evaluation) if training or evaluation else None

    def end(self) -> None:
        """The call has ended: record the hashes of what was used."""
        try:
            for part, watched in self._watched.items():
                self._step.read(part, watched.hexdigest())
        finally:
            self.close()

    def close(self) -> None:
        for watched in self._watched.values():
            watched.close()

    @contextmanager
    def until_end(self) -> Iterator[None]:
        """The call itself. What was read before an error is recorded, if that can be done."""
        try:
            yield
        except BaseException:
            with suppress(DwsError):
                self.end()
            raise
        self.end()


class LogsOfEpochs(keras.callbacks.Callback):  # type: ignore[misc] # keras has no types
    """Keeps the metrics of each epoch, on disk too."""

    def __init__(self, step: TrainingStep) -> None:
        super().__init__()
        self._step = step
        self.logs: list[dict[str, Any]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.logs.append(dict(logs or {}))
        self._step.log_epoch(self.logs[-1])


class LogsOfTest(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the metrics of an evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: dict[str, Any] | None = None

    def on_test_end(self, logs: Any = None) -> None:
        self.logs = dict(logs or {})
