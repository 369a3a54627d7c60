"""`scripts/release.py`: one version, and one range that the distributions ask of each other."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "release.py"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The version, and a distribution of ours that needs others."""
    shutil.copy(ROOT / "VERSION", tmp_path / "VERSION")
    place = tmp_path / "packages" / "dws-sql"
    place.mkdir(parents=True)
    shutil.copy(ROOT / "packages" / "dws-sql" / "pyproject.toml", place)
    (place / "VERSION").symlink_to("../../VERSION")
    return tmp_path


def test_here_all_is_as_it_should_be(script: dict[str, Any]) -> None:
    assert script["problems"](ROOT) == []


def test_another_range_is_found_and_mended(script: dict[str, Any], copy: Path) -> None:
    project = copy / "packages" / "dws-sql" / "pyproject.toml"
    project.write_text(project.read_text().replace('"dws-core~=2.0.dev0"', '"dws-core>=1"'))
    [problem] = script["problems"](copy)
    assert problem == "dws-sql: asks for dws-core>=1, not dws-core~=2.0.dev0"
    script["set_version"](copy, "3.1.0")
    assert script["problems"](copy) == []
    assert '"dws-core~=3.0.dev0"' in project.read_text()
    assert '"SQLAlchemy>=2.0.30"' in project.read_text()
    assert (copy / "packages" / "dws-sql" / "VERSION").read_text() == "3.1.0\n"


def test_what_the_page_of_a_distribution_lacks_is_named(script: dict[str, Any], copy: Path) -> None:
    project = copy / "packages" / "dws-sql" / "pyproject.toml"
    project.write_text(project.read_text().replace("[project.urls]", "[tool.urls]"))
    assert script["problems"](copy) == ["dws-sql: its pyproject.toml lacks [project.urls]"]
