"""What is recorded of a model of Keras: it is driven by a wrapped class, or by a callback."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.spared import NOT_RECORDED, spared_record, warn_unrecorded
from dataworkspaces.kit_support.training import Places, TrainingStep, Where
from dataworkspaces.kits.tensorflow import settings
from dataworkspaces.kits.tensorflow.data import Data, UseCounter, Watched, watch
from dataworkspaces.kits.tensorflow.phases import Phases
from dataworkspaces.plain_text import escape

_ENDED_BY = "fit_ended_by"
_UNKNOWN = NOT_RECORDED + "settings"


class Recorder:
    """The step of one model. A training is never lost to it: what cannot be recorded is said.

    :ivar is_busy: whether the model trains or evaluates: what Keras calls in between is a part of that."""

    def __init__(self, where: Where, default_name: str) -> None:
        self.step = TrainingStep(where, default_name)
        self.is_busy = False
        self.phases = Phases()
        self._batches: dict[str, int] = {}

    @contextmanager
    def training(self, model: Any, find_parameters: Callable[[], Mapping[str, Any]]) -> Iterator[Training]:
        """A call of ``fit``, which is to have the callback. If it is interrupted, the step ends there; what is
        evaluated later knows of it."""
        self.is_busy = True
        try:
            yield Training(self.begin_training(model, find_parameters), LogsOfEpochs(self))
        except BaseException as e:
            self.fail(e)
            raise
        finally:
            self.is_busy = False

    def begin_training(self, model: Any, find_parameters: Callable[[], Mapping[str, Any]]) -> Places | None:
        """Where it is recorded; None if it cannot be."""
        self.step.forget(_ENDED_BY, _UNKNOWN)
        found: dict[str, Any] = {}
        with spared_record("What this training is told", lambda reason: found.update({_UNKNOWN: reason})):
            found.update(self._compiled(model))
            found.update(find_parameters())
        phases = self.phases.begin(found)
        return self.step.begin_training({**found, **phases})

    def _compiled(self, model: Any) -> dict[str, Any]:
        """How it is compiled now; None stands for what it had when it was compiled before."""
        gone = [name for name in settings.NOT_ALWAYS if name in self.step.parameters]
        return {**dict.fromkeys(gone), **settings.of_model(model)}

    def begin_epoch(self, number: int) -> None:
        """If it is the first, and ``initial_epoch`` is not known otherwise."""
        if self.phases.skip(number):
            self.step.note({"initial_epoch": number})

    def end_epoch(self, number: int, metrics: Mapping[str, Any]) -> None:
        """:param number: what Keras says, counting from zero."""
        self.step.end_epoch(metrics, number + 1)
        self.phases.end_epoch()

    def end_training(self, model: Any) -> None:
        """Record the history of a training, and what it has written."""
        self.step.note({"model_parameters": settings.number_of_parameters(model), **self.phases.end()})
        self.step.save()

    def fail(self, error: BaseException | None = None) -> None:
        """The training has failed, or was interrupted."""
        how = "an error" if error is None else type(error).__name__
        self.step.note({_ENDED_BY: how, **self.phases.end(how)})
        self.step.drop(error)

    def count_batch(self, method: str) -> None:
        """A batch was trained or tested by itself, of which nothing is recorded but how many there were."""
        if self.is_busy:
            return
        if method not in self._batches:
            warnings.warn(
                f"{method}() records only the number of its calls. What fit() and evaluate() do is recorded",
                stacklevel=3,
            )
        self._batches[method] = self._batches.get(method, 0) + 1

    @contextmanager
    def evaluation(self, model: Any, parameters: Mapping[str, Any]) -> Iterator[Places | None]:
        """A call of ``evaluate``."""
        self.is_busy = True
        try:
            yield self.begin_evaluation(model, parameters)
        except BaseException as e:
            self.step.drop(e)
            raise
        finally:
            self.is_busy = False

    def begin_evaluation(self, model: Any, parameters: Mapping[str, Any]) -> Places | None:
        found: dict[str, Any] = {}
        if not self.step.is_open:
            known = self.step.parameters
            with spared_record("What is evaluated", lambda reason: found.update({_UNKNOWN: reason})):
                found = {
                    name: value
                    for name, value in self._compiled(model).items()
                    if value is not None or name not in known or name in settings.NOT_ALWAYS
                }
        calls = {f"{method}_calls": calls for method, calls in self._batches.items()}
        return self.step.begin_evaluation({**found, **calls, **parameters})

    def end_evaluation(self, metrics: Mapping[str, Any], *, tell: bool) -> None:
        where = self.step.finish({**{name: metrics[name] for name in ("loss",) if name in metrics}, **metrics})
        if tell and where is not None:
            print(f"Wrote results to {escape(where)}")


class Training(NamedTuple):
    """:ivar places: None if it is not recorded."""

    places: Places | None
    epochs: LogsOfEpochs


class Reading:
    """The data of one call of ``fit`` or ``evaluate``.

    Data whose hash nobody needs are left as they are."""

    def __init__(self, step: TrainingStep, places: Places | None) -> None:
        self._step = step
        self._places = places
        self._watched: dict[str, Watched] = {}

    def watch(self, part: str, data: Data, shuffled: bool = False) -> Data:
        """The data to be used in the place of ``data``; ``part`` names them. Raises ApiParamError for what has no
        hash."""
        if self._places is None or not self._places.are_inputs_hashed:
            return data
        try:
            self._watched[part] = watch(data, self._places.scratch, shuffled)
        except ApiParamError:
            raise
        except Exception as e:  # of the disk
            self._step.note({NOT_RECORDED + part: warn_unrecorded(f"What is read to {part}", e)})
            return data
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
                self._step.read(part, watched.hexdigest)
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
            self.end()
            raise
        self.end()


class LogsOfEpochs(keras.callbacks.Callback):  # type: ignore[misc] # keras has no types
    """Takes the metrics of each epoch."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._recorder.end_epoch(epoch, logs or {})


class LogsOfTest(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the metrics of an evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: dict[str, Any] | None = None

    def on_test_end(self, logs: Any = None) -> None:
        self.logs = dict(logs or {})
