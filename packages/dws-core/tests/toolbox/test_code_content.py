"""What lies at a place that holds code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataworkspaces.toolbox.code_content import content_of_code
from dataworkspaces.toolbox.content import content_of


def notebook(source: str, output: str) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": source, "outputs": [output]}]})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.py").write_text("a")
    (tmp_path / "sub/n.ipynb").write_text(notebook("1", "first"))
    return tmp_path


def test_outputs_do_not_count(place: Path) -> None:
    before = [content_of_code(place), content_of_code(place / "sub"), content_of_code(place / "sub/n.ipynb")]
    assert all(text is not None and text.startswith("sha1:") for text in before)
    (place / "sub/n.ipynb").write_text(notebook("1", "second"))
    assert [content_of_code(p) for p in (place, place / "sub", place / "sub/n.ipynb")] == before


@pytest.mark.parametrize("change", ["source", "name", "deleted", "other file", "damaged", "second"])
def test_all_else_counts(place: Path, change: str) -> None:
    before = content_of_code(place)
    file = place / "sub/n.ipynb"
    match change:
        case "source":
            file.write_text(notebook("2", "first"))
        case "name":
            file.rename(place / "sub/m.ipynb")
        case "deleted":
            file.unlink()
        case "other file":
            (place / "a.py").write_text("b")
        case "damaged":
            file.write_text("{")
        case "second":
            (place / "n.ipynb").write_text(notebook("1", "first"))
    assert content_of_code(place) != before


def test_without_notebooks_it_is_as_ever(place: Path) -> None:
    (place / "sub/n.ipynb").write_text("{")
    assert content_of_code(place) == content_of(place)
    (place / "sub/n.ipynb").write_text(notebook("1", "first"))
    assert content_of_code(place, lambda path: path == "sub") == content_of(place, lambda path: path == "sub")
    assert content_of_code(place / "nothing") is None
