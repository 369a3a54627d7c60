"""Each plug-in that is announced runs its suite, and each behaviour in docs/spec has a case."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from dataworkspaces import plugins
from dataworkspaces.testing.backends import WorkspaceBackendSuite
from dataworkspaces.testing.filesystems import FileSystemSuite
from dataworkspaces.testing.kits import KitSuite
from dataworkspaces.testing.resources import (
    CheckOutSuite,
    FileResourceSuite,
    LocalStateResourceSuite,
    SnapshotResourceSuite,
)
from dataworkspaces.testing.suite import behaviours_of

ROOT = Path(__file__).parents[1]
ALL_SUITES = (
    WorkspaceBackendSuite,
    SnapshotResourceSuite,
    FileResourceSuite,
    LocalStateResourceSuite,
    CheckOutSuite,
    FileSystemSuite,
    KitSuite,
)
SUITES = {
    plugins.BACKENDS: {"WorkspaceBackendSuite"},
    plugins.RESOURCES: {"SnapshotResourceSuite", "FileResourceSuite", "LocalStateResourceSuite", "ResourceSuite"},
    plugins.KITS: {"KitSuite"},
}
WITHOUT_SUITE = {
    (plugins.KITS, "jupyter"): "it is no kit that trains something: a notebook's cells are its steps",
}


def covered() -> set[tuple[str, str]]:
    """Group and entry point of each class in the tests of the distributions that inherits from a suite."""
    found = set()
    for path in ROOT.glob("packages/*/tests/**/test_*.py"):
        classes = {n.name: n for n in ast.parse(path.read_text()).body if isinstance(n, ast.ClassDef)}
        for name, node in classes.items():
            bases = _all_bases(node, classes)
            for entry_point in re.findall(
                r"^    entry_point = \"([^\"]+)\"$", ast.unparse(node).replace("'", '"'), re.M
            ):
                found |= {(group, entry_point) for group in SUITES if bases & SUITES[group] and name.startswith("Test")}
    return found


def _all_bases(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> set[str]:
    names = {base.id for base in node.bases if isinstance(base, ast.Name)}
    return names.union(*(_all_bases(classes[name], classes) for name in names if name in classes))


@pytest.mark.parametrize("group", SUITES)
def test_each_implementation_runs_its_suite(group: str) -> None:
    announced = {(group, name) for name in plugins.announced(group)}
    assert announced - covered() - WITHOUT_SUITE.keys() == set()
    assert covered().isdisjoint(WITHOUT_SUITE)
    assert announced & covered()


def test_each_behaviour_has_a_case() -> None:
    numbers = []
    for page in (ROOT / "docs" / "spec").glob("*.md"):
        numbers += re.findall(r"^- \*\*([A-Z]\d+)\*\*", page.read_text(), re.M)
    assert len(set(numbers)) == len(numbers)
    cited = set().union(*map(behaviours_of, ALL_SUITES))
    assert set(numbers) == cited
