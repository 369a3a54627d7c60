"""What `scripts/check_structure.py` finds, and that it finds nothing here (which `lint` asks on each change)."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def check() -> ModuleType:
    path = Path(__file__).parents[1] / "scripts" / "check_structure.py"
    spec = importlib.util.spec_from_file_location("check_structure", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_circle_through_a_function_is_one_and_one_of_annotations_is_none(check: ModuleType) -> None:
    one = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from d.three import T\nfrom d.two import x"
    two = "def f():\n    from d.one import y"
    trees = {name: ast.parse(text) for name, text in {"d.one": one, "d.two": two, "d.three": "import d.one"}.items()}
    assert check.circles(check.imports(trees)) == [["d.one", "d.two"]]


def test_depth_counts_through_packages_and_other_names(check: ModuleType) -> None:
    texts = {
        "d": "from d.a import A",
        "d.a": "class A: ...\nclass B(A): ...",
        "d.b": "from d import A as X\nclass C(X): ...",
    }
    chains = check.chains({name: ast.parse(text) for name, text in texts.items()})
    assert chains["d.b.C"] == ["d.a.A", "d.b.C"]
    deep = "\n".join(f"class C{n}({f'C{n - 1}' if n else 'object'}): ..." for n in range(5))
    assert check.problems({"d": ast.parse(deep)}) == ["d.C4 is 5 deep: C0 > C1 > C2 > C3 > C4"]


def test_a_class_that_asks_itself_what_it_is(check: ModuleType) -> None:
    assert check.problems({"d": ast.parse("def f(self):\n    return isinstance(self, int)")}) == [
        "d:2: isinstance(self, …)"
    ]
