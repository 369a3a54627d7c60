"""A place has the same name for core, which knows no trees of files, as for a tree of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworkspaces.filetree import content as of_trees
from dataworkspaces.toolbox import content as of_core


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "empty").mkdir()
    for name in ("a", "B", "ä", "\udcff", 'tab\there"', '"quoted"', "line\nbreak", "back\\slash"):
        (tmp_path / name).write_text(repr(name))
        (tmp_path / "b" / "c" / name).write_bytes(b"")
    (tmp_path / "a").chmod(0o755)
    (tmp_path / "link").symlink_to("b")
    return tmp_path


@pytest.mark.parametrize("below", ["", "a", "b", "b/empty", "line\nbreak", "link", "none"])
def test_core_names_what_lies_at_a_place_as_trees_do(place: Path, below: str) -> None:
    assert of_core.content_of(place / below) == of_trees.content_of(place / below)


def test_what_is_skipped_and_what_is_large(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def skip(path: str) -> bool:
        return path in ("b/c", "a")

    assert of_core.content_of(place, skip) == of_trees.content_of(place, skip)
    for module in (of_core, of_trees):
        monkeypatch.setattr(module, "CHEAP_FILES", 3)
    name = of_core.content_of(place, skip)
    assert name == of_trees.content_of(place, skip)
    assert str(name).startswith("size-and-time:")
