"""Which random seeds a program sets.

The generators of ``random`` and NumPy do not tell how they were seeded, so their functions ``seed`` are wrapped when
this module is first asked to watch; what was set before is not known.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

from dataworkspaces.lineage import jsonable
from dataworkspaces.lineage.probe import Probe

_WATCHED = ("random", "numpy.random")
_found: dict[str, Any] = {}
"""The state of the process's generators is one for the process, and so is this."""


class _Seeds(Probe):
    def watch(self) -> None:
        """Notice calls of ``random.seed`` and ``numpy.random.seed`` from now on, also of what is imported later."""
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())
        _wrap_seeds()

    def random_seeds(self) -> Mapping[str, Any]:
        """By the module whose generator was seeded; ``PYTHONHASHSEED`` too."""
        seeds = dict(_found)
        if (hash_seed := os.environ.get("PYTHONHASHSEED", "random")) != "random":
            seeds["PYTHONHASHSEED"] = hash_seed
        return seeds


class _Finder(MetaPathFinder):
    """Lets others find the modules that are watched, and wraps their functions once they have been run."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname not in _WATCHED:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if finder is self or find is None else find(fullname, path, target)
            if spec is not None:
                run = getattr(spec.loader, "exec_module", None)
                if run is not None:
                    spec.loader.exec_module = _then_wrap(run)  # type: ignore[union-attr, method-assign]
                return spec
        return None


def _then_wrap(run: Any) -> Any:
    def run_and_wrap(module: Any) -> None:
        run(module)
        _wrap_seeds()

    return run_and_wrap


def _wrap_seeds() -> None:
    for name in _WATCHED:
        functions = vars(sys.modules[name]) if name in sys.modules else {}
        if "seed" in functions and not hasattr(functions["seed"], "_dws_watched"):
            functions["seed"] = _watched(name, functions["seed"])


def _watched(name: str, seed: Any) -> Any:
    @functools.wraps(seed)
    def seed_and_note(*args: Any, **kwargs: Any) -> Any:
        result = seed(*args, **kwargs)
        value = args[0] if args else next(iter(kwargs.values()), None)
        if value is None:
            _found.pop(name, None)  # seeded by the system: no number brings that back
        else:
            _found[name] = jsonable(value)
        return result

    seed_and_note._dws_watched = True  # type: ignore[attr-defined]
    return seed_and_note


PROBE = _Seeds()
