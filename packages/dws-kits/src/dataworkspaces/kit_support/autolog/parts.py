"""Whether a model is a part of another one: the step of a pipeline, the best candidate of a search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MOST = 10_000
_DEEPEST = 6


def holds(whole: Any, part: Any) -> bool:
    """Whether ``part`` is among the attributes of a model, or of models in it."""
    level, seen = [whole], 0
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for each in level:
            for found in _inside(each):
                seen += 1
                if found is part:
                    return True
                if seen > _MOST:
                    return False
                below.append(found)
        level = below
    return False


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, (list, tuple)):
        yield from value
    elif hasattr(value, "fit"):
        yield from list(getattr(value, "__dict__", {}).values())
