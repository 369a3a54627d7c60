"""The arguments of a call as parameters: settings as they are, data by what they look like, callbacks by theirs."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from dataworkspaces.kit_support.autolog.signature import describe_data
from dataworkspaces.lineage import jsonable


def defaults_of(function: Any) -> dict[str, Any]:
    """The arguments that a function has by itself."""
    return {p.name: p.default for p in _parameters_of(function) if p.default is not p.empty}


def variadic(function: Any) -> set[str]:
    """What a function calls the arguments that it does not name."""
    return {p.name for p in _parameters_of(function) if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


def described(value: Any) -> Any:
    """A setting as it is, data by their types and shapes, a function by its name, of another object the class."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return jsonable(value)
    if hasattr(value, "shape"):
        return jsonable(describe_data(value))
    if isinstance(value, Mapping):
        return {str(name): described(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        is_long = len(value) > 100
        return {"type": type(value).__name__, "length": len(value)} if is_long else [described(v) for v in value]
    if inspect.isroutine(value) or inspect.isclass(value):
        return getattr(value, "__name__", type(value).__name__)
    return f"{type(value).__module__.partition('.')[0]}.{type(value).__qualname__}"


def describe_callbacks(callbacks: Any, library: str) -> list[dict[str, Any]]:
    """Their classes and settings: of those of the library itself text too, which of others may be a password."""
    several: Iterable[Any] = (
        callbacks if isinstance(callbacks, (list, tuple, set)) else [callbacks] if callbacks else []
    )
    return [_describe_callback(callback, library) for callback in several]


def _describe_callback(callback: Any, library: str) -> dict[str, Any]:
    if inspect.isroutine(callback):
        return {"class": callback.__name__}
    is_own = type(callback).__module__.partition(".")[0] == library
    kinds = (bool, int, float, str, type(None)) if is_own else (bool, int, float)
    names = [p.name for p in _parameters_of(type(callback)) if p.name != "directory"]
    values = {name: getattr(callback, name) for name in names if hasattr(callback, name)}
    return {"class": type(callback).__name__, **{n: jsonable(v) for n, v in values.items() if isinstance(v, kinds)}}


def _parameters_of(function: Any) -> list[inspect.Parameter]:
    """None of what does not tell them, as functions written in C."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
