"""What lies at a place has one name, told by whoever knows no trees of files as by a tree of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworkspaces.filetree.hashing import SHA1
from dataworkspaces.filetree.scan import scan
from dataworkspaces.filetree.tree_builder import build_tree
from dataworkspaces.toolbox.content import content_of


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


@pytest.mark.parametrize("below", ["", "b", "b/empty", "link"])
def test_a_directory_has_the_name_of_its_tree(place: Path, below: str) -> None:
    assert content_of(place / below) == f"sha1:{build_tree(scan(place / below), SHA1).hashval}"


def test_what_is_skipped(place: Path) -> None:
    def skip(path: str) -> bool:
        return path in ("b/c", "a")

    assert content_of(place, skip) == f"sha1:{build_tree(scan(place, skip), SHA1).hashval}"


def test_what_is_large_is_told_without_reading(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataworkspaces.toolbox.content.CHEAP_FILES", 3)
    assert str(content_of(place)).startswith("size-and-time:")
