"""What a model was compiled and trained with, as the parameters of a step."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

from dataworkspaces.kits.tensorflow.config import CheckpointConfig
from dataworkspaces.lineage import jsonable

_NOT_SETTINGS = {
    "self", "x", "y", "sample_weight", "validation_data",
    "batch_size", "epochs", "initial_epoch", "verbose", "callbacks",
}  # fmt: skip

NOT_ALWAYS = ("loss_settings", "loss_weights", "weighted_metrics", "steps_per_execution", "jit_compile")
"""Parameters that tell of something only where there is something to tell."""


def of_model(model: Any) -> dict[str, Any]:
    """How a model was compiled: first what every release recorded, then the details."""
    import keras

    compiled = _compile_config(model)
    optimizer = _inner(getattr(model, "optimizer", None))
    loss = _details(compiled.get("loss"))
    return {
        "optimizer": _name_of_optimizer(optimizer),
        "loss_function": _name_of(compiled.get("loss")),
        "epochs": None,
        "fit_batch_size": None,
        "evaluate_batch_size": None,
        "optimizer_settings": _settings_of(optimizer),
        **({} if loss == _name_of(compiled.get("loss")) else {"loss_settings": loss}),
        "metrics": _details(compiled.get("metrics")),
        **{
            name: _details(compiled[name])
            for name in NOT_ALWAYS[1:]
            if not _same(compiled.get(name), None) and not _same(compiled.get(name), 1)
        },
        "model": type(model).__name__,
        "model_parameters": number_of_parameters(model),
        "backend": keras.backend.backend(),
        "dtype_policy": _dtype_policy(model),
    }


def of_fit(arguments: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What ``fit`` was called with, apart from data; in ``fit_settings`` what is not as Keras has it by itself."""
    given = {
        name: jsonable(value)
        for name, value in arguments.items()
        if name not in _NOT_SETTINGS and not _same(value, defaults.get(name))
    }
    return {
        "epochs": jsonable(arguments.get("epochs", 1)),
        "initial_epoch": jsonable(arguments.get("initial_epoch", 0)),
        "fit_batch_size": jsonable(arguments.get("batch_size")),
        "fit_settings": given,
        "callbacks": of_callbacks(arguments.get("callbacks")),
    }


def of_callbacks(callbacks: Any) -> list[dict[str, Any]]:
    """What callbacks were made with: of those of Keras all but paths; of others numbers, and what those of Keras that
    they are made from have, too. Text may be anything, a password for instance."""
    given = getattr(callbacks, "callbacks", callbacks)  # a CallbackList
    several = given if isinstance(given, (list, tuple)) else [] if given is None else [given]
    return [_of_callback(callback) for callback in several]


def of_checkpoints(config: CheckpointConfig) -> dict[str, Any]:
    """Those that ``fit`` writes by itself, as a callback."""
    return {"class": "DwsModelCheckpoint", **config._asdict(), "save_weights_only": config.save_weights_only}


def _of_callback(callback: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"class": type(callback).__name__}
    for cls in type(callback).__mro__:
        is_of_keras = cls.__module__.partition(".")[0] in ("keras", "dataworkspaces")
        for name in inspect.signature(cls.__dict__["__init__"]).parameters if "__init__" in cls.__dict__ else ():
            value = getattr(callback, name, found)
            if value is found or name in found or name in _NOT_OF_CALLBACKS or name.startswith("on_"):
                continue
            if isinstance(value, (bool, int, float)) or (is_of_keras and (isinstance(value, str) or callable(value))):
                found[name] = _settings_of(value) if hasattr(value, "get_config") else jsonable(value)
    return found


_NOT_OF_CALLBACKS = {"self", "args", "kwargs", "verbose", "filepath", "filename", "root", "path", "headers"} | {
    "backup_dir", "log_dir", "workspace_dir", "model", "params", "field"
}  # fmt: skip


def describe_data(data: Any) -> Any:
    """What data are, for people: shapes and types, or the class of what delivers them."""
    if data is None:
        return None
    if isinstance(data, Mapping):
        return {str(name): describe_data(item) for name, item in data.items()}
    if isinstance(data, (list, tuple)) and all(hasattr(i, "__len__") or i is None for i in data) and len(data) <= 20:
        return [describe_data(item) for item in data]
    shape, dtype = getattr(data, "shape", None), getattr(data, "dtype", None)
    if shape is not None:
        return {"shape": [None if n is None else int(n) for n in shape], "dtype": None if dtype is None else str(dtype)}
    kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__qualname__}"
    try:
        return {"type": kind, "batches": len(data)}
    except TypeError:
        return {"type": kind}


def _compile_config(model: Any) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a lambda cannot be loaded again: here it is only told
        try:
            return dict(model.get_compile_config() or {})
        except Exception:  # of somebody else's class; what can be recovered otherwise is recorded
            return {"loss": getattr(model, "loss", None)}


def _inner(optimizer: Any) -> Any:
    """The optimizer that trains: mixed precision wraps the one that was asked for, to scale the loss."""
    while getattr(optimizer, "inner_optimizer", None) is not None:
        optimizer = optimizer.inner_optimizer
    return optimizer


def _name_of_optimizer(optimizer: Any) -> str | None:
    """As ``compile`` takes it: Keras keeps no text that it was given."""
    if optimizer is None or isinstance(optimizer, str):
        return optimizer
    name = type(optimizer).__name__
    return name.lower() if type(optimizer).__module__.startswith("keras.") else name


def _name_of(item: Any) -> Any:
    """The name of a loss, as it was given or by its class; of several, a list or dictionary."""
    if isinstance(item, Mapping):
        if "class_name" in item:
            return _class_name(item)
        return {str(name): _name_of(value) for name, value in item.items()}
    if isinstance(item, (list, tuple)):
        return [_name_of(value) for value in item]
    if item is None or isinstance(item, str):
        return item
    return getattr(item, "__name__", None) or type(item).__name__


def _details(item: Any) -> Any:
    """What Keras serialized, in fewer words: names, and settings with ``name`` before them."""
    if isinstance(item, Mapping):
        if "class_name" not in item:
            return {str(name): _details(value) for name, value in item.items()}
        config = item.get("config")
        if item["class_name"] in ("function", "__lambda__") or not isinstance(config, Mapping):
            return _class_name(item)
        return {"class": item["class_name"], **{str(name): _details(value) for name, value in config.items()}}
    if isinstance(item, (list, tuple)):
        return [_details(value) for value in item]
    return _shortest(item) if isinstance(item, float) else jsonable(item)


def _shortest(number: float) -> Any:
    """A number that Keras keeps with 32 bits, as it was written: 0.01, not 0.009999999776482582."""
    import numpy as np

    single = np.float32(number)
    return float(str(single)) if float(single) == number else jsonable(number)


def _class_name(item: Mapping[str, Any]) -> str:
    name, config = str(item["class_name"]), item.get("config")
    if name == "__lambda__":
        return "<lambda>"
    if name == "function":
        return str(config)
    return name


def _settings_of(item: Any) -> Any:
    if item is None or not hasattr(item, "get_config"):
        return None
    import keras

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = _details(keras.saving.serialize_keras_object(item))
    except Exception:  # of somebody else's class
        return type(item).__name__
    if isinstance(found, dict):
        found.pop("name", None)  # it has a number that depends on what else the program made
    return found


def number_of_parameters(model: Any) -> int | None:
    """How many numbers a model learns or keeps; None as long as nobody knows."""
    try:
        return int(model.count_params())
    except Exception:  # Keras: the model has not been built
        return None


def _dtype_policy(model: Any) -> str | None:
    policy = getattr(model, "dtype_policy", None)
    return None if policy is None else str(getattr(policy, "name", policy))


def _same(value: Any, other: Any) -> bool:
    return value is other or (isinstance(value, (bool, int, float, str)) and value == other)
