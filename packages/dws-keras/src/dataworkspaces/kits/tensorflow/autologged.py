"""What autolog sees of Keras: ``fit``, ``evaluate`` and ``predict`` of each model."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dataworkspaces.kit_support.autolog import ModelRecord, Session, describe_data
from dataworkspaces.kit_support.autolog.names import name_of
from dataworkspaces.kit_support.autolog.signature import number_of_samples
from dataworkspaces.kits.tensorflow import settings


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

    def parameters() -> dict[str, Any]:
        of_fit = settings.of_fit(arguments, defaults)
        return {**settings.of_model(model), **{name: value for name, value in of_fit.items() if value != {}}}

    with session.training(model, parameters, goes_on=True) as record:
        if not isinstance(arguments.get("x"), keras.utils.PyDataset):
            record.read("fit", *(v for v in (arguments.get("x"), arguments.get("y")) if hasattr(v, "shape")))
        arguments["callbacks"] = _with(arguments.get("callbacks"), _Epochs(record))
        result = method(*given.args, **given.kwargs)
        with session.spared("What was trained"):
            _describe(record, model, arguments, names)
    return result


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
            record.note({"stopped_epoch": callback.stopped_epoch or None, "best_epoch": callback.best_epoch + 1})
    record.detail("data", {"fit": {**names, "samples": number_of_samples(x)}})
    outputs = [describe_data(each) for each in getattr(model, "outputs", None) or []]
    inputs = [describe_data(each) for each in getattr(model, "inputs", None) or []]
    record.detail("signature", {"inputs": inputs or describe_data(x), "outputs": outputs or describe_data(y),
                                "data": describe_data(x), "targets": describe_data(y)})  # fmt: skip
    backend = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}.get(keras.backend.backend(), "numpy")
    modules = ["keras", "numpy", backend, *(cls.__module__ for cls in type(model).__mro__)]
    record.model(model, "model.keras", model.save, modules)
    record.file("model_summary.txt", lambda path: _write_summary(model, path))


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
    for name, value in logs.found.items():
        key = f"evaluate_{name}" if called is None else f"{name}_{called}"
        record.metric(key, value, function="evaluate", data=called)
    return result


def _predict(session: Session, method: Any, model: Any, args: Any, kwargs: Any) -> Any:
    with session.busy():
        result = method(*args, **kwargs)
    session.predicted(model, args[0] if args else kwargs.get("x"), result)
    return result
