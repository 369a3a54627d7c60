"""The check that keeps the distributions out of each other's way finds what it is there for."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "check_namespace.py"
GOOD = [
    "dws-one/src/dataworkspaces/api.py",
    "dws-one/src/dataworkspaces/workspace/__init__.py",
    "dws-one/src/dataworkspaces/resources/files.py",
    "dws-two/src/dataworkspaces/resources/git.py",
    "dws-two/src/dataworkspaces/kits/keras/__init__.py",
]


def problems(root: Path, files: list[str]) -> list[str]:
    for file in files:
        path = root / "packages" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found: list[str] = runpy.run_path(str(SCRIPT))["problems"](root)
    return found


def test_distributions_that_share_the_namespace_are_accepted(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("dataworkspaces/__init__.py", "dataworkspaces/__init__.py hides"),
        ("dataworkspaces/kits/__init__.py", "dataworkspaces/kits/__init__.py hides"),
        ("dataworkspaces/api.py", "dataworkspaces/api.py: both dws-one and dws-two bring it"),
        ("dataworkspaces/workspace/new.py", "dataworkspaces/workspace: both dws-one and dws-two bring it"),
        ("dataworkspaces/new/module.py", "dataworkspaces/new is not a namespace"),
        ("other/__init__.py", "other/__init__.py is outside the namespace"),
    ],
)
def test_a_distribution_in_the_way_of_another_is_reported(tmp_path: Path, file: str, problem: str) -> None:
    assert any(problem in line for line in problems(tmp_path, [*GOOD, f"dws-two/src/{file}"]))
