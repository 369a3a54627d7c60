"""What the autologgers of XGBoost and LightGBM share. Neither is imported here."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from dataworkspaces.kit_support.autolog import ModelRecord, Session


class Booster:
    """Stands for a model that is not there yet."""


def arguments_of(function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    return dict(inspect.signature(function).bind(*args, **kwargs).arguments)


def settings_of(arguments: Mapping[str, Any], parameters: str = "params") -> dict[str, Any]:
    """Of a call its parameters, and its other arguments that are settings."""
    given = arguments.get(parameters)
    found = dict(given) if isinstance(given, (Mapping, list, tuple)) else {}
    more = {name: value for name, value in arguments.items() if isinstance(value, (bool, int, float, str))}
    return {**found, **more}


def outer_record(session: Session, library: str) -> ModelRecord | None:
    """The record of a model with the interface of scikit-learn, in whose ``fit`` this happens; not that of a search,
    which trains many."""
    if session.current is None:
        return None
    model, record = session.current
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    return record if any(cls.__module__.startswith(f"{library}.") for cls in type(last).__mro__) else None


def last_of(history: Mapping[str, Mapping[str, Sequence[Any]]]) -> dict[str, Any]:
    """By ``DATA-METRIC`` the value after the last round."""
    return {
        f"{data}-{metric}": values[-1]
        for data, metrics in history.items()
        for metric, values in metrics.items()
        if values
    }
