"""Metadata files are whole or as they were."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from dataworkspaces.errors import MetadataError
from dataworkspaces.toolbox import atomic


def test_a_write_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "below" / "file.json"
    for value in ([1], [1, 2]):
        atomic.write_json(path, value, durable=True)
        assert atomic.read_json_list(path) == value
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) & 0o444


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    atomic.write_json(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        atomic.write_json(path, "new", durable=True)
    assert atomic.read_json(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "{", "[" * 200_000, "\udcff"])
def test_what_is_not_json_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(MetadataError, match=r"file\.json"):
        atomic.read_json(path)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    atomic.write_json(tmp_path / "x.json", {"a": 1})
    with pytest.raises(MetadataError, match=r"x\.json lacks the key 'b'"):
        atomic.read_json_object(tmp_path / "x.json", "a", "b")


def test_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "MAX_JSON_BYTES", 10)
    (tmp_path / "x.json").write_text('"' + "a" * 20 + '"', encoding="utf-8")
    with pytest.raises(MetadataError, match="is larger than"):
        atomic.read_json(tmp_path / "x.json")
