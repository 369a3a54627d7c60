"""What autolog sees of Keras: ``fit``, ``evaluate`` and ``predict`` of each model."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dataworkspaces.kit_support.autolog import ModelRecord, Session, describe_data, describe_samples
from dataworkspaces.kit_support.autolog.arguments import described
from dataworkspaces.kit_support.autolog.names import name_of
from dataworkspaces.kit_support.autolog.signature import number_of_samples
from dataworkspaces.kits.tensorflow import settings

_BATCH_SIZE_OF_KERAS = 32


def watch(session: Session) -> None:
    """Begin to watch Keras."""

    def call(handle: Any) -> Any:
        def wrapper(wrapped: Any, model: Any, args: Any, kwargs: Any) -> Any:
            if model is None or not session.is_idle or _is_recorded_otherwise(kwargs):
                return wrapped(*args, **kwargs)
            return handle(session, wrapped, model, args, kwargs)

        return wrapper

    session.wrap(keras, "Model.fit", call(_fit))
    session.wrap(keras, "Model.evaluate", call(_evaluate))
    session.wrap(keras, "Model.predict", call(_predict))


def _is_recorded_otherwise(kwargs: Mapping[str, Any]) -> bool:
    """By the kit, whose callback is among those of the call."""
    callbacks = kwargs.get("callbacks")
    found = callbacks if isinstance(callbacks, (list, tuple)) else getattr(callbacks, "callbacks", [callbacks])
    return any(type(callback).__module__.startswith("dataworkspaces.") for callback in found)


def _fit(session: Session, method: Any, model: Any, args: Any, kwargs: Any) -> Any:
    try:
        given = inspect.signature(method).bind(*args, **kwargs)
    except TypeError:  # the method itself has to say what is wrong
        return method(*args, **kwargs)
    arguments = given.arguments
    names = {"X": name_of(arguments.get("x")), "y": name_of(arguments.get("y"))}
    defaults = {p.name: p.default for p in given.signature.parameters.values()}
    validation: dict[str, Any] | None = None
    with session.spared("The data for validation"):
        validation = _validation_data(arguments)

    def parameters() -> dict[str, Any]:
        return {**settings.of_model(model), **_settings_of_fit(arguments, defaults)}

    with session.training(model, parameters, goes_on=True) as record:
        if not isinstance(arguments.get("x"), keras.utils.PyDataset):
            record.read("fit", *(v for v in (arguments.get("x"), arguments.get("y")) if hasattr(v, "shape")))
        arguments["callbacks"] = _with(arguments.get("callbacks"), _Epochs(record))
        result = method(*given.args, **given.kwargs)
        with session.spared("What was trained"):
            _describe(record, model, arguments, names)
            if validation is not None:
                record.data("validation", validation)
    return result


def _settings_of_fit(arguments: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Also what is as Keras has it by itself, and data by what they look like."""
    all_of_them = {**defaults, **arguments}
    found = settings.of_fit(all_of_them, dict.fromkeys(all_of_them, object()))
    found["fit_settings"] = {**found["fit_settings"], "sample_weight": described(all_of_them.get("sample_weight"))}
    found["fit_batch_size"] = _batch_size(all_of_them)
    return {name: value for name, value in found.items() if value != []}


def _batch_size(arguments: Mapping[str, Any]) -> Any:
    """That of the call; else of what delivers batches, or the one that Keras takes for data that are no batches."""
    given, x = arguments.get("batch_size"), arguments.get("x")
    if given is not None or x is None:
        return given
    if hasattr(x, "shape") or isinstance(x, (list, tuple, Mapping)):
        return _BATCH_SIZE_OF_KERAS
    size = getattr(x, "batch_size", None)  # of a loader of PyTorch, or a PyDataset
    return size if isinstance(size, int) else None


def _validation_data(arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    given, split = arguments.get("validation_data"), arguments.get("validation_split")
    if given is not None:
        parts = given if isinstance(given, (tuple, list)) else (given,)
        x, y = parts[0], parts[1] if len(parts) > 1 else None
        return describe_samples({"X": name_of(x if len(parts) > 1 else given), "y": name_of(y)}, x, y)
    samples = number_of_samples(_first(arguments.get("x")))
    if not split or samples is None:
        return None
    return {"split": split, "samples": samples - math.floor(samples * (1 - split))}


def _first(data: Any) -> Any:
    """Of several inputs one: all have as many samples."""
    if isinstance(data, (list, tuple)) and data and hasattr(data[0], "shape"):
        return data[0]
    return next(iter(data.values()), None) if isinstance(data, Mapping) else data


def _with(callbacks: Any, ours: Any) -> Any:
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(ours)
        return callbacks
    several = callbacks if isinstance(callbacks, (list, tuple)) else [] if callbacks is None else [callbacks]
    return [*several, ours]


class _Epochs(keras.callbacks.Callback):  # type: ignore[misc] # keras has no types
    """Tells of each epoch its metrics, and the learning rate with which it began."""

    def __init__(self, record: ModelRecord) -> None:
        super().__init__()
        self._record = record
        self._rate: float | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._rate = _learning_rate(self.model)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        rate = {} if self._rate is None else {"learning_rate": self._rate}
        self._record.epoch({**(logs or {}), **rate}, epoch + 1)


class _Logs(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the metrics of an evaluation."""

    found: Mapping[str, Any] = {}

    def on_test_end(self, logs: Any = None) -> None:
        self.found = dict(logs or {})


def _learning_rate(model: Any) -> float | None:
    try:
        return float(str(np.float32(keras.ops.convert_to_numpy(model.optimizer.learning_rate))))
    except Exception:  # of an optimizer of somebody else's, or where there is none
        return None


def _describe(record: ModelRecord, model: Any, arguments: Mapping[str, Any], names: Mapping[str, Any]) -> None:
    x, y = arguments.get("x"), arguments.get("y")
    record.note({"model_parameters": settings.number_of_parameters(model)})
    history = getattr(model, "history", None)
    for name, values in getattr(history, "history", {}).items():
        if values:
            record.metric(name, values[-1])
    for callback in arguments["callbacks"] if isinstance(arguments["callbacks"], list) else ():
        if isinstance(callback, keras.callbacks.EarlyStopping):
            _describe_early_stopping(record, callback, list(getattr(history, "epoch", ())))
    record.data("fit", {**describe_samples(names, x, y), "samples": number_of_samples(_first(x))})
    record.example(x)
    outputs = [describe_data(each) for each in getattr(model, "outputs", None) or []]
    inputs = [describe_data(each) for each in getattr(model, "inputs", None) or []]
    record.detail("signature", {"inputs": inputs or describe_data(x), "outputs": outputs or describe_data(y),
                                "data": describe_data(x), "targets": describe_data(y)})  # fmt: skip
    backend = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}.get(keras.backend.backend(), "numpy")
    modules = ["keras", "numpy", backend, *(cls.__module__ for cls in type(model).__mro__)]
    record.model(model, "model.keras", model.save, modules)
    record.file("model_summary.txt", lambda path: _write_summary(model, path))


def _describe_early_stopping(record: ModelRecord, callback: Any, epochs: list[int]) -> None:
    """When it stopped the training, if it did, and which epoch was the best, numbered as in the history.

    :param epochs: those of this training, as Keras numbers them."""
    numbers = dict(zip(epochs, record.epoch_numbers[-len(epochs) :], strict=False))
    best = numbers.get(callback.best_epoch)
    is_restored = callback.restore_best_weights and callback.best_weights is not None
    record.note(
        {
            "stopped_epoch": numbers.get(callback.stopped_epoch) if callback.stopped_epoch > 0 else None,
            "best_epoch": best,
            "restored_epoch": best if is_restored else None,
        }
    )
    for name, value in record.metrics_of_epoch(best).items() if best is not None else ():
        if name != "learning_rate":
            record.metric(f"best_{name}", value)


def _write_summary(model: Any, path: Path) -> None:
    lines: list[str] = []
    model.summary(print_fn=lambda line, line_break=True: lines.append(line), line_length=100)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _evaluate(session: Session, method: Any, model: Any, args: Any, kwargs: Any) -> Any:
    record = session.record_of(model)
    if record is None:
        return method(*args, **kwargs)
    try:
        given = inspect.signature(method).bind(*args, **kwargs)
    except TypeError:
        return method(*args, **kwargs)
    logs = _Logs()
    x, y = given.arguments.get("x"), given.arguments.get("y")
    called = name_of(x, y)
    given.arguments["callbacks"] = _with(given.arguments.get("callbacks"), logs)
    with session.busy():
        result = method(*given.args, **given.kwargs)
    record.evaluated(called, x, y)
    for name, value in logs.found.items():
        key = f"evaluate_{name}" if called is None else f"{name}_{called}"
        record.metric(key, value, function="evaluate", data=called)
    return result


def _predict(session: Session, method: Any, model: Any, args: Any, kwargs: Any) -> Any:
    with session.busy():
        result = method(*args, **kwargs)
    session.predicted(model, args[0] if args else kwargs.get("x"), result)
    return result
