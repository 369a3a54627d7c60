"""The public surface of core: it grows and shrinks only together with `public_surface.txt`, and so never unnoticed.

Run this module as a program to write the file anew, and say in `changes/` what plug-ins have or have no longer.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from dataworkspaces import toolbox

ROOT = Path(__file__).parents[3]
TOP = ("errors", "lineage", "params", "testing", "toolbox", "workspace")


def modules() -> list[str]:
    """Those above, and the modules in them that the check of imports lets plug-ins use."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    allowed = re.findall(r'"\*\* -> dataworkspaces\.((?:lineage|workspace)\.[a-z_.]+)"', text)
    return [*TOP, *(f"toolbox.{name}" for name in toolbox.__all__), *sorted(set(allowed))]


MODULES = modules()
KEPT = Path(__file__).parent / "public_surface.txt"


def surface() -> Iterator[str]:
    """A line for each name, and for each public method of a class that stands in core; functions with the names of
    their parameters, of which those with a default end with `=`."""
    for name in MODULES:
        module = importlib.import_module(f"dataworkspaces.{name}")
        for offered in sorted(module.__all__):
            path = f"dataworkspaces.{name}.{offered}"
            thing = getattr(module, offered, None)
            if isinstance(thing, ModuleType) or f"{name}.{offered}" in MODULES:
                continue
            yield f"{path}{_parameters(thing)}"
            if inspect.isclass(thing) and thing.__module__.startswith("dataworkspaces."):
                yield from (f"{path}.{method}" for method in _methods(thing))


def _methods(cls: type) -> list[str]:
    return sorted(
        f"{name}{_parameters(getattr(cls, name))}"
        for name, value in vars(cls).items()
        if not name.startswith("_") and (callable(value) or isinstance(value, (property, staticmethod, classmethod)))
    )


def _parameters(thing: Any) -> str:
    if not (inspect.isfunction(thing) or inspect.ismethod(thing)):
        return ""
    shown = []
    for parameter in inspect.signature(thing).parameters.values():
        star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is parameter.empty else "="
        shown.append(f"{star}{parameter.name}{default}")
    return f"({', '.join(shown)})"


def test_the_surface_changes_only_with_its_list() -> None:
    now, kept = set(surface()), set(KEPT.read_text(encoding="utf-8").splitlines())
    told = "run this module, and say so in changes/"
    assert now - kept == set(), f"new in the public surface: {told}"
    assert kept - now == set(), f"gone from the public surface: {told}"


def test_each_public_module_says_what_it_offers() -> None:
    for name in MODULES:
        module = importlib.import_module(f"dataworkspaces.{name}")
        assert len(set(module.__all__)) == len(module.__all__)
        for offered in module.__all__:
            assert hasattr(module, offered) or importlib.import_module(f"{module.__name__}.{offered}")


if __name__ == "__main__":
    KEPT.write_text("\n".join(surface()) + "\n", encoding="utf-8")
