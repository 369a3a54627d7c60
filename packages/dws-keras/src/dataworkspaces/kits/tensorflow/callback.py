"""The same record as that of a wrapped class, for who wraps none."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.places import Place
from dataworkspaces.kit_support.training import Places, Where
from dataworkspaces.kits.tensorflow import settings
from dataworkspaces.kits.tensorflow.data import UseCounter, Watched, watch, without_missing
from dataworkspaces.kits.tensorflow.recorder import Recorder


class DwsLineageCallback(keras.callbacks.Callback):  # type: ignore[misc] # keras has no types
    """Records the lineage of a model when it is given to ``fit`` and to ``evaluate``.

    A callback does not see the data. If they come from an API resource, let them pass through :meth:`watch`:

        lineage = DwsLineageCallback()
        model.fit(*lineage.watch(x_train, y_train), callbacks=[lineage])
        model.evaluate(*lineage.watch(x_test, y_test), callbacks=[lineage])

    The parameters are those of ``add_lineage_to_keras_model_class()``. A callback serves one model.

    :param batch_size: what ``fit`` was given, to be recorded, since a callback does not see that either.
    :param callbacks: the others that ``fit`` is given, whose settings are to be recorded.
    """

    def __init__(
        self,
        input_resource: Place | Sequence[Place] | None = None,
        results_resource: Place | None = None,
        workspace_dir: str | os.PathLike[str] | None = None,
        verbose: bool = False,
        *,
        batch_size: int | None = None,
        callbacks: Sequence[Any] = (),
    ) -> None:
        super().__init__()
        self._where = Where(input_resource, results_resource, workspace_dir, verbose)
        self._where.find()  # for its errors: better now than after an hour of preparing data
        self._batch_size = batch_size
        self._callbacks_told = callbacks
        self._recorder: Recorder | None = None
        self._next: Watched | None = None
        self._next_validation: Watched | None = None
        self._reading: dict[str, Watched] = {}
        self._counter: UseCounter | None = None
        self._is_training = False

    def watch(self, x: Any, y: Any = None, sample_weight: Any = None, *, shuffle: bool = True) -> tuple[Any, ...]:
        """The data for the next ``fit`` or ``evaluate``, as its first arguments. ``shuffle`` is that of ``fit``."""
        places = self._where.find()
        if not places.are_inputs_hashed:
            return without_missing((x, y, sample_weight))
        self._next = watch((x, y, sample_weight), places.scratch, shuffle)
        return without_missing(self._next.data)

    def watch_validation(self, x: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """The ``validation_data`` for the next ``fit``."""
        places, data = self._where.find(), without_missing((x, y, sample_weight))
        if places.are_inputs_hashed:
            self._next_validation = watch((x, y, sample_weight), places.scratch, False)
            data = without_missing(self._next_validation.data)
        return data[0] if len(data) == 1 else data

    # -- what Keras calls ----------------------------------------------------------------------------------------

    def set_params(self, params: Any) -> None:
        """Keras begins something. (While it trains, it validates without this.)"""
        super().set_params(params)
        self._end_failed()

    def on_train_begin(self, logs: Any = None) -> None:
        self._end_failed()
        self._is_training = True
        self._begin_reading("fit", self._the_recorder.begin_training(self.model, self._find_parameters))

    def _end_failed(self) -> None:
        """If the last training failed, of which no callback is told, it ends now."""
        if self._is_training:
            self._is_training = False
            self._end_reading()
            self._the_recorder.fail()

    def _find_parameters(self) -> dict[str, Any]:
        return {
            "epochs": self.params.get("epochs"),
            "initial_epoch": 0,  # until the first epoch says which one it is
            "fit_batch_size": self._batch_size,
            "steps": self.params.get("steps"),
            **({"callbacks": settings.of_callbacks(self._callbacks_told)} if self._callbacks_told else {}),
        }

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._the_recorder.begin_epoch(epoch)
        if self._counter is not None:
            self._counter.on_epoch_begin(epoch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._counter is not None:
            self._counter.on_train_batch_end(batch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._the_recorder.end_epoch(epoch, logs or {})

    def on_train_end(self, logs: Any = None) -> None:
        self._is_training = False
        self._end_reading()
        self._the_recorder.end_training(self.model)

    def on_test_begin(self, logs: Any = None) -> None:
        if not self._is_training:
            self._begin_reading("score", self._the_recorder.begin_evaluation(self.model, {}))
        if self._counter is not None:
            self._counter.on_test_begin()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._counter is not None:
            self._counter.on_test_batch_end(batch)

    def on_test_end(self, logs: Any = None) -> None:
        if not self._is_training:
            self._end_reading()
            self._the_recorder.end_evaluation(logs or {}, tell=bool(self.params.get("verbose", 1)))

    # -- inside --------------------------------------------------------------------------------------------------

    @property
    def _the_recorder(self) -> Recorder:
        if self._recorder is None:
            self._recorder = Recorder(self._where, type(self.model).__name__)
            self._recorder.step.was_found = True
        return self._recorder

    @property
    def _step(self) -> Any:
        return self._the_recorder.step

    def _begin_reading(self, part: str, places: Places | None) -> None:
        self._reading = {}
        if places is not None and places.are_inputs_hashed:
            if self._next is None:
                self._step.drop()
                names = ", ".join(str(ref) for ref in places.inputs)
                raise ApiParamError(
                    f"The input comes from an API resource ({names}), and the callback has not seen the data",
                    hint="Pass them through watch(): model.fit(*callback.watch(x, y), callbacks=[callback])",
                )
            self._reading[part] = self._next
            if part == "fit" and self._next_validation is not None:
                self._reading["validation"] = self._next_validation
        self._next = self._next_validation = None
        streams = {name: watched.stream for name, watched in self._reading.items()}
        training, test = streams.get("fit"), streams.get("score") or streams.get("validation")
        self._counter = UseCounter(training, test) if training or test else None

    def _end_reading(self) -> None:
        for part, watched in self._reading.items():
            self._step.read(part, watched.hexdigest)
            watched.close()
        self._reading = {}
