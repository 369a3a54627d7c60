"""Whoever implements a contract reads in it which errors to raise: there is no other place that says it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest

import dataworkspaces.workspace
from dataworkspaces.workspace.operations import Operations


def abstract_methods() -> Iterator[tuple[str, str]]:
    """By its name, the documentation of each that a plug-in implements. `Operations` is none: dws-commands has it."""
    for module in pkgutil.iter_modules(dataworkspaces.workspace.__path__, "dataworkspaces.workspace."):
        for cls in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(cls) and cls.__module__ == module.name and cls is not Operations:
                for name, method in vars(cls).items():
                    function = method.__func__ if isinstance(method, staticmethod) else method
                    if getattr(function, "__isabstractmethod__", False):
                        yield f"{cls.__name__}.{name}", inspect.getdoc(function) or ""


METHODS = dict(abstract_methods())


def test_there_are_contracts() -> None:
    assert {"Storage.read_params", "Resource.validate_subpath_exists", "SnapshotResourceMixin.restore"} <= set(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_an_abstract_method_says_what_it_raises(method: str) -> None:
    assert "aises" in METHODS[method] or "Error" in METHODS[method], f"{method} does not say which errors it raises"
