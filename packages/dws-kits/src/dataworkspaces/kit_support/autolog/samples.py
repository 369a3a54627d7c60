"""The data that a model was trained, validated or evaluated with: what they are called, how many, and their hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dataworkspaces.kit_support.autolog.signature import describe_data, number_of_samples
from dataworkspaces.kit_support.data_hash import hash_of_inputs
from dataworkspaces.toolbox.logs import log

MOST_HASHED = 2_000_000
"""Of more numbers than this there is no hash: it would take longer than a tenth of a second."""

_EXAMPLES = 5


def describe_samples(names: Mapping[str, str | None], X: Any, y: Any = None) -> dict[str, Any]:
    """What the data are called, how many there are, and their hash, unless that would take long.

    :param names: of the variables, by what they are (``X``, ``y``)."""
    found: dict[str, Any] = {**names, "samples": number_of_samples(X)}
    hashed = hash_of(X, y)
    return found if hashed is None else {**found, "hash": hashed}


def hash_of(X: Any, y: Any = None) -> str | None:
    """None of what has no hash, has too many numbers, or lies on an accelerator."""
    size = _size(X)
    if size is None or size > MOST_HASHED:
        return None
    try:
        return hash_of_inputs(*X) if y is None and isinstance(X, tuple) else hash_of_inputs(X, y)
    except Exception as e:  # of values that have none, of somebody else's class
        log.info("autolog: data have no hash: %s", e)
        return None


def example_of(data: Any) -> Any:
    """The first samples: of a table its rows, of an array or tensor nested lists; else what the data look like."""
    if hasattr(data, "columns") and hasattr(data, "head"):
        rows = data.head(_EXAMPLES)
        return {str(name): list(rows[name]) for name in rows.columns}
    if isinstance(data, (list, tuple)):
        return [example_of(part) if hasattr(part, "shape") else part for part in data[:_EXAMPLES]]
    if getattr(data, "shape", None) and hasattr(data, "__getitem__"):
        first = data[:_EXAMPLES]
        first = first.toarray() if hasattr(first, "toarray") else first  # sparse
        first = first.detach().cpu() if hasattr(first, "detach") else first
        return first.tolist() if hasattr(first, "tolist") else describe_data(data)
    return describe_data(data)


def _size(data: Any) -> int | None:
    count = getattr(data, "numel", None)
    if callable(count):  # of a tensor of PyTorch
        return int(count()) if getattr(getattr(data, "device", None), "type", "cpu") == "cpu" else None
    if isinstance(data, (tuple, list)) and data and all(hasattr(part, "shape") for part in data):
        sizes = [_size(part) for part in data]
        return None if None in sizes else sum(size for size in sizes if size is not None)
    size: Any = getattr(data, "size", None)
    return int(size) if hasattr(size, "__index__") else None
