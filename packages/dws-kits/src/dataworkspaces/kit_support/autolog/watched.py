"""What stands for a function or method that is watched.

Users copy and send what they find in a framework: a metric in a scorer, ``model.predict`` to the workers of a pool. So
each of these can be copied as what it stands for, and pickles as that: whoever loads it needs nothing of ours."""

from __future__ import annotations

import copy
from typing import Any

import wrapt


class _WatchedMethod(wrapt.BoundFunctionWrapper):  # type: ignore[misc, type-arg, unused-ignore]
    """Of one object."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__wrapped__.__reduce_ex__(protocol)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        owner = getattr(self.__wrapped__, "__self__", None)
        return self if owner is None else getattr(copy.deepcopy(owner, memo), self.__wrapped__.__name__)


class Watched(wrapt.FunctionWrapper):  # type: ignore[misc, type-arg, unused-ignore]
    """As ``wrapt.FunctionWrapper``."""

    __bound_function_wrapper__ = _WatchedMethod

    def __reduce_ex__(self, protocol: Any) -> Any:
        return copy.copy, (self.__wrapped__,)  # which of a function is the function

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


__all__ = ["Watched"]
