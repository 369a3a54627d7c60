"""Methods that look like those of another object: there if it has them, and with its signature."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


class Delegated:
    """A method that is there if ``find`` finds one to stand for; else its AttributeError says why not.

    What scikit-learn asks a method (whether ``fit`` takes ``sample_weight``) is answered by the one that is found."""

    def __init__(self, function: Callable[..., Any], find: Callable[[Any, str], Callable[..., Any]]) -> None:
        self.__doc__ = function.__doc__
        self._function = function
        self._find = find

    def __set_name__(self, owner: type, name: str) -> None:
        self.__name__ = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self._function
        return BoundMethod(self._function, instance, self.__name__, self._find(instance, self.__name__))


class BoundMethod:
    """What a :class:`Delegated` is of an object."""

    def __init__(self, function: Callable[..., Any], instance: Any, name: str, found: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function, updated=())
        self.__name__ = name
        self.__self__ = instance
        self.__func__ = function
        self.__wrapped__ = found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__func__(self.__self__, *args, **kwargs)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.__wrapped__)

    def __reduce__(self) -> Any:
        return getattr, (self.__self__, self.__name__)
