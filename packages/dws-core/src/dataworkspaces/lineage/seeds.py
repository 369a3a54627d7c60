"""Which random seeds a program sets.

The generators of ``random`` and NumPy do not tell how they were seeded, so their functions ``seed`` are wrapped when
this module is first asked to watch; what was set before is not known. PyTorch and TensorFlow tell.
"""

from __future__ import annotations

import functools
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

from dataworkspaces.lineage.jsonable import jsonable

_WATCHED = ("random", "numpy.random")
_found: dict[str, Any] = {}
"""The state of the process's generators is one for the process, and so is this."""


def watch_seeds() -> None:
    """Notice calls of ``random.seed`` and ``numpy.random.seed`` from now on, also of what is imported later."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    _wrap_seeds()


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


def seeds_that_were_set() -> dict[str, Any]:
    """By the module whose generator was seeded; ``PYTHONHASHSEED`` too."""
    seeds = dict(_found)
    if (hash_seed := os.environ.get("PYTHONHASHSEED", "random")) != "random":
        seeds["PYTHONHASHSEED"] = hash_seed
    for name, find in (("torch", _torch_seed), ("tensorflow", _tensorflow_seed)):
        try:
            value = find(sys.modules[name]) if name in sys.modules else None
        except Exception:  # of somebody else's library, in a version that we do not know
            continue
        if value is not None:
            seeds[name] = value
    return seeds


_TORCH_DEFAULT = 67280421310721
"""The seed of PyTorch's generator if nobody sets one (at::default_rng_seed_val)."""


def _torch_seed(torch: Any) -> int | None:
    seed = int(torch.initial_seed())
    return None if seed == _TORCH_DEFAULT else seed


def _tensorflow_seed(tensorflow: Any) -> int | None:
    from importlib import import_module

    seed = import_module("tensorflow.python.eager.context").global_seed()
    return None if seed is None else int(seed)
