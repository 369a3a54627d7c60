"""Calling a plug-in's function with the arguments that it takes: the manual leaves open how they are passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ApiParamError

__all__ = ["as_taken", "call_with_known", "takes_any_name"]

if TYPE_CHECKING:
    import click

_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def takes_any_name(function: Callable[..., Any]) -> bool:
    """Whether it has ``**kwargs``."""
    return any(p.kind is Parameter.VAR_KEYWORD for p in signature(function).parameters.values())


def as_taken(
    function: Callable[..., Any], params: Sequence[click.Parameter], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a resource, by position or by name, as a method of its factory takes them.

    What is given by position gets the name of the option or argument that ``dws add`` has in that place, if there are
    any; what is given by name goes by position, in their order, to a function that takes no names."""
    names = [str(p.name) for p in sorted(params, key=lambda p: p.param_type_name != "argument")]
    own = signature(function).parameters
    if not takes_any_name(function) and not set(kwargs) <= set(own):
        ordered = [name for name in [*names, *kwargs] if name in kwargs]
        values = [kwargs[name] for name in dict.fromkeys(ordered) if kwargs[name] is not None]
        return (*args, *values), {}
    if not names or not args:
        return tuple(args), dict(kwargs)
    if len(args) > len(names):
        raise ApiParamError(f"There are {len(args)} arguments, but it takes at most: {', '.join(names)}")
    given = dict(zip(names, args, strict=False))
    twice = sorted(given.keys() & kwargs.keys())
    if twice:
        raise ApiParamError(f"The argument '{twice[0]}' is given both by position and by name")
    return (), {**given, **kwargs}


def call_with_known(
    function: Callable[..., Any], known: Mapping[str, Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Call a function with those of the ``known`` values that it names, then ``args``, and what it takes of
    ``kwargs``."""
    positional, named = [], {}
    is_first = True
    own = signature(function).parameters
    for name, param in own.items():
        is_first = is_first and param.kind in _BY_POSITION and name in known
        if is_first:
            positional.append(known[name])
        elif name in known and param.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
            named[name] = known[name]
    rest = {name: value for name, value in kwargs.items() if name in own or takes_any_name(function)}
    return function(*positional, *args, **named, **rest)
