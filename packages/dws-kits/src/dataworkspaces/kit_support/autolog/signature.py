"""What data look like: columns, types and shapes. No library is imported: data are known by what they can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_COLUMNS = 1000
"""Of a wider table only the number of columns is told."""


def describe_data(data: Any) -> Any:
    """Of a table its columns with their types, of an array or tensor its type and shape, whose first axis counts
    samples and is None; of parts each of them."""
    if data is None:
        return None
    columns, types = getattr(data, "columns", None), getattr(data, "dtypes", None)
    if columns is not None and types is not None:
        return _table(data, list(columns), types)
    if isinstance(data, Mapping):
        return {str(name): describe_data(item) for name, item in data.items()}
    shape, dtype = getattr(data, "shape", None), getattr(data, "dtype", None)
    if shape is not None:
        found: dict[str, Any] = {"type": None if dtype is None else str(dtype), "shape": _shape(shape)}
        name = getattr(data, "name", None)  # of a series
        return {"name": name, **found} if isinstance(name, str) and hasattr(data, "index") else found
    if isinstance(data, tuple) and len(data) <= 20:
        return [describe_data(item) for item in data]
    if isinstance(data, list):
        inner = describe_data(data[0]) if data and isinstance(data[0], (list, tuple)) else None
        return {"type": type(data[0]).__name__ if data else None, "shape": [None, *([len(data[0])] if inner else [])]}
    spec = getattr(data, "element_spec", None)  # of a data set of TensorFlow
    if spec is not None:
        return [describe_data(part) for part in spec] if isinstance(spec, tuple) else describe_data(spec)
    return {"type": f"{type(data).__module__.partition('.')[0]}.{type(data).__qualname__}"}


def number_of_samples(data: Any) -> int | None:
    """None where that cannot be told without reading them."""
    shape = getattr(data, "shape", None)
    try:
        return int(shape[0]) if shape else len(data) if hasattr(data, "__len__") and shape is None else None
    except (TypeError, ValueError, IndexError):
        return None


def _table(data: Any, columns: list[Any], types: Any) -> Any:
    if len(columns) > MOST_COLUMNS:
        return {"type": "table", "shape": [None, len(columns)]}
    kinds = list(types.values) if hasattr(types, "values") and not callable(types.values) else list(types)
    return {
        "type": "table",
        "shape": [None, len(columns)],
        "columns": [{"name": str(c), "type": str(k)} for c, k in zip(columns, kinds, strict=False)],
    }


def _shape(shape: Any) -> list[int | None] | None:
    try:
        rest = [None if n is None else int(n) for n in list(shape)[1:]]
        return [None, *rest] if len(shape) else []
    except (TypeError, ValueError):  # of an unknown rank
        return None
