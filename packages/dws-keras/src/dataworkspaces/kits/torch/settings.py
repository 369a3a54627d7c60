"""What a training loop of PyTorch works with, as the parameters of a step."""

from __future__ import annotations

import functools
import types
from typing import Any

from dataworkspaces.lineage import jsonable


def settings_of(model: Any, optimizer: Any, loss: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "optimizer": None if optimizer is None else type(optimizer).__name__,
        "loss_function": None if loss is None else _name_of(loss),
        "epochs": None,
        "fit_batch_size": None,
        "evaluate_batch_size": None,
    }
    if optimizer is not None:
        settings["optimizer_settings"] = optimizer_settings(optimizer)
    if loss is not None and not isinstance(loss, types.FunctionType):
        settings["loss_settings"] = _loss_settings(loss)
    if model is not None:
        settings["model"] = type(model).__name__
        settings["model_parameters"] = _number_of_parameters(model)
    return settings


def optimizer_settings(optimizer: Any) -> Any:
    """What an optimizer works with now: of several groups of parameters that differ, a list.

    Its ``defaults`` are what it was made with, which its groups, a state that was loaded and schedulers override."""
    groups = [
        {name: jsonable(value) for name, value in group.items() if name not in ("params", "param_names")}
        for group in getattr(optimizer, "param_groups", ())
    ]
    return groups[0] if groups and all(group == groups[0] for group in groups) else groups


def _name_of(loss: Any) -> str:
    if isinstance(loss, functools.partial):
        return _name_of(loss.func)
    return getattr(loss, "__name__", None) or type(loss).__name__


def _loss_settings(loss: Any) -> dict[str, Any]:
    """Its options; its tensors, such as the weights of classes; and the losses that it is made of."""
    if isinstance(loss, functools.partial):
        return {name: jsonable(value) for name, value in loss.keywords.items()}
    options = {
        name: jsonable(value)
        for name, value in getattr(loss, "__dict__", {}).items()
        if not name.startswith("_") and name != "training" and _is_option(value)
    }
    tensors = {name: jsonable(value) for name, value in getattr(loss, "_buffers", {}).items() if value is not None}
    parts = {
        name: {"class": type(part).__name__, **_loss_settings(part)}
        for name, part in getattr(loss, "_modules", {}).items()
        if part is not None
    }
    return {**options, **tensors, **parts}


def _is_option(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_option(item) for item in value)
    return isinstance(value, (bool, int, float, str)) or hasattr(value, "detach")


def _number_of_parameters(model: Any) -> int | None:
    try:
        return int(sum(p.numel() for p in model.parameters()))
    except Exception:  # no module, or one whose parameters come with the first batch
        return None
