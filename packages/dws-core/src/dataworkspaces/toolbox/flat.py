"""Nested values of results as a flat table: ``macro avg.f1-score``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from dataworkspaces.toolbox.metrics import as_number

__all__ = ["cells", "flat_items", "flatten", "same", "scalars"]

_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""How results files write what JSON has not."""


def flat_items(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a dictionary and of those in it, each with its path, which two may have. Results files are
    anybody's: what is no dictionary has none."""
    for key, value in values.items() if isinstance(values, Mapping) else ():
        if isinstance(value, Mapping) and value:
            yield from flat_items(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def flatten(values: Any, prefix: str = "") -> dict[str, Any]:
    """:func:`flat_items` by their path; of two that have one, the last."""
    return dict(flat_items(values, prefix))


def scalars(values: Any) -> dict[str, Any]:
    """Those of :func:`flatten` that are numbers, texts or truth values: no lists (a confusion matrix, a curve)."""
    flat = {name: _NUMBERS.get(v, v) if isinstance(v, str) else v for name, v in flatten(values).items()}
    return {name: value for name, value in flat.items() if isinstance(value, (bool, int, float, str))}


def cells(values: Any) -> dict[str, Any]:
    """All of :func:`flatten`, what is no scalar as the text of its JSON: parameters, of which lists are some."""
    flat = flatten(values)
    return {n: v if v is None or isinstance(v, (bool, int, float, str)) else _text(v) for n, v in flat.items()}


def _text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        return str(value)


def same(one: Any, other: Any, rtol: float = 0.0) -> bool:
    """Whether two values are equal, or closer than ``rtol`` as a part of the larger one. NaN is a value like others;
    1 and True are none of the same."""
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    if one == other or (one != one and other != other):
        return True
    number, second = as_number(one), as_number(other)
    return rtol > 0 and number is not None and second is not None and math.isclose(number, second, rel_tol=rtol)
