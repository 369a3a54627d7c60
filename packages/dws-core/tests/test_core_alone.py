"""Core stays small, and names no module of another distribution: not even as a text that could be imported."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import dataworkspaces.workspace
from dataworkspaces import plugins

ROOT = Path(dataworkspaces.workspace.__file__).parents[1]
LIMIT = 11_000


def modules() -> dict[str, Path]:
    """The modules of dws-core, by name."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def test_core_is_small() -> None:
    assert sum(path.read_text(encoding="utf-8").count("\n") for path in modules().values()) <= LIMIT


def test_no_text_names_a_module_of_another_distribution() -> None:
    own = {*modules(), *(".".join(name.split(".")[:-1]) for name in modules())}
    foreign = []
    for name, path in modules().items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                foreign += [
                    (name, found)
                    for found in re.findall(r"\Adataworkspaces(?:\.\w+)+", node.value)
                    if found not in own and found not in plugins.KINDS
                ]
    assert foreign == []
