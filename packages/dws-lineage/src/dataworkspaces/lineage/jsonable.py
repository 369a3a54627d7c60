"""Values of any kind as JSON that a person can read, for results and lineage. For kits, too.

NumPy and pandas are never imported here; their values are known by what they can do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime
from enum import Enum
from pathlib import PurePath
from typing import Any

__all__ = ["MAX_ARRAY_ITEMS", "jsonable"]

_ADDRESS_RE = r" at 0x[0-9a-fA-F]+"
MAX_ARRAY_ITEMS = 1000
"""A larger array is described by its shape and type."""


def jsonable(value: Any) -> Any:
    """``value`` as None, bool, int, float, text, list or dictionary.

    A NaN or an infinity, which JSON does not have, becomes the text ``NaN``, ``Infinity`` or ``-Infinity``. An object
    becomes the text of its ``repr``, without memory addresses; one that cannot be shown, the name of its class."""
    try:
        return _jsonable(value)
    except RecursionError:
        return f"{type(value).__name__} (nested too deeply)"


def _jsonable(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value if type(value) in (type(None), bool, int, str) or not isinstance(value, Enum) else value.name
    if isinstance(value, float):
        return _finite(float(value))
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    try:
        return _compound(value)
    except RecursionError:
        raise
    except Exception:  # of somebody else's class: a value that cannot be shown must not end a run
        return f"{type(value).__module__}.{type(value).__qualname__}"


def _compound(value: Any) -> Any:
    """Containers, and what is known by what it can do."""
    if isinstance(value, Mapping):
        return {str(_key(k)): _jsonable(v) for k, v in value.items()}
    if isinstance(value, Set):
        return sorted((_jsonable(v) for v in value), key=str)
    if isinstance(value, range) and len(value) > MAX_ARRAY_ITEMS:
        return repr(value)
    if isinstance(value, Sequence):
        return [_jsonable(v) for v in value]
    return _foreign(value)


def _foreign(value: Any) -> Any:
    """NumPy scalars and arrays, pandas objects, tensors; anything else by its ``repr``."""
    shape = getattr(value, "shape", None)
    if shape == () and callable(getattr(value, "item", None)):
        item = value.item()
        if type(item) is not type(value):
            return jsonable(item)
        is_float = getattr(getattr(value, "dtype", None), "kind", "") == "f"  # numpy.longdouble
        return _finite(float(value)) if is_float else readable(value)
    if isinstance(shape, tuple) and callable(getattr(value, "tolist", None)):
        size = math.prod(d for d in shape if isinstance(d, int))
        if size <= MAX_ARRAY_ITEMS:
            return jsonable(value.tolist())
        return f"{type(value).__name__}(shape={shape}, dtype={getattr(value, 'dtype', '?')})"
    if callable(getattr(value, "to_dict", None)) and isinstance(shape, tuple):
        return jsonable(value.to_dict())
    return readable(value)


def readable(value: Any) -> str:
    """What an object is, in one line that is the same in each run."""
    if isinstance(value, type) or callable(value):
        name = getattr(value, "__qualname__", None)
        if name is not None:
            module = getattr(value, "__module__", None)
            return name if module in (None, "builtins", "__main__") else f"{module}.{name}"
    try:
        text = repr(value)
    except Exception:  # of somebody else's class: a value that cannot be shown must not end a run
        return f"{type(value).__module__}.{type(value).__qualname__}"
    return " ".join(re.sub(_ADDRESS_RE, "", text).split())


def _finite(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _key(key: Any) -> Any:
    converted = jsonable(key)
    return converted if isinstance(converted, (str, int, float, bool)) or converted is None else readable(key)
