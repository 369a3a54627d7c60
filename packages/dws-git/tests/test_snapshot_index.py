"""The index of snapshots tells what the metadata files say, whatever happens to them or to it."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataworkspaces.backends.git.snapshot_index import SUFFIX, SnapshotIndex, read_metadata
from dataworkspaces.errors import MetadataError
from dataworkspaces.toolbox.atomic import write_json
from dataworkspaces.workspace import SnapshotMetadata


def put(directory: Path, number: int, *tags: str, timestamp: str | None = None) -> str:
    hashval = f"{number:040x}"
    when = timestamp or f"2026-01-01T00:00:{number:02d}"
    metadata = SnapshotMetadata(hashval, list(tags), "", "host", when, f"snapshots/{number}", {})
    write_json(directory / f"{hashval}{SUFFIX}", metadata.to_json())
    return hashval


def shards_beside(directory: Path) -> Path:
    return directory.parent / "snapshot_shards"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "snapshot_metadata"
    path.mkdir()
    return path


@pytest.fixture
def index(directory: Path, tmp_path: Path) -> SnapshotIndex:
    return SnapshotIndex(directory, shards_beside(directory), tmp_path / "machine" / "snapshots.sqlite")


def test_order_limit_and_count(directory: Path, index: SnapshotIndex) -> None:
    hashes = [put(directory, n) for n in (1, 2, 3)]
    assert index.hashes(reverse=True, limit=2) == hashes[:0:-1]
    assert index.hashes(reverse=False, limit=None) == hashes
    assert index.count() == 3


def test_new_changed_and_deleted_files_are_seen_at_once(directory: Path, index: SnapshotIndex) -> None:
    first = put(directory, 1, "one")
    assert index.with_tag("one") == [first]
    second = put(directory, 2, "two")
    assert index.with_tag("two") == [second]
    put(directory, 1, "other")
    assert index.with_tag("one") == []
    assert index.with_tag("other") == [first]
    (directory / f"{second}{SUFFIX}").unlink()
    assert index.with_tag("two") == []
    assert index.tags() == ["other"]


def test_a_hundred_changes_in_a_row_are_all_seen(directory: Path, index: SnapshotIndex) -> None:
    for n in range(100):
        put(directory, 1, f"tag{n}")
        assert index.tags() == [f"tag{n}"]


def test_prefix(directory: Path, index: SnapshotIndex) -> None:
    hashes = [put(directory, n) for n in (0xAB1, 0xAB2)]
    assert index.with_prefix("0" * 37 + "ab") == hashes
    assert index.with_prefix("0" * 37 + "ab2") == hashes[1:]
    assert index.with_prefix("f") == []


def test_a_missing_directory_is_an_empty_one(tmp_path: Path) -> None:
    assert SnapshotIndex(tmp_path / "none", tmp_path / "no shards", tmp_path / "x.sqlite").count() == 0


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to be taken for one" * 100])
def test_a_damaged_index_is_made_anew(directory: Path, tmp_path: Path, content: bytes) -> None:
    put(directory, 1)
    database = tmp_path / "snapshots.sqlite"
    database.write_bytes(content)
    assert SnapshotIndex(directory, shards_beside(directory), database).count() == 1


def test_without_a_place_for_the_index(directory: Path, tmp_path: Path) -> None:
    put(directory, 1, "one")
    (tmp_path / "file").touch()
    assert SnapshotIndex(directory, shards_beside(directory), tmp_path / "file" / "x.sqlite").tags() == ["one"]


def test_metadata_that_is_not_as_it_should_be_is_named(directory: Path, index: SnapshotIndex) -> None:
    hashval = put(directory, 1)
    (directory / f"{hashval}{SUFFIX}").write_text('{"hash": "x"}', encoding="utf-8")
    with pytest.raises(MetadataError, match=f"{hashval}{SUFFIX}"):
        index.count()


def test_unchanged_files_are_not_read_again(directory: Path, index: SnapshotIndex) -> None:
    """A file that could no longer be read is not touched while nothing about it changes."""
    hashval = put(directory, 1)
    path = directory / f"{hashval}{SUFFIX}"
    assert index.count() == 1
    stat = path.stat()
    path.write_text("x" * stat.st_size, encoding="utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    put(directory, 2)
    assert index.count() == 2


NUMBERS = st.integers(1, 8)


@pytest.mark.slow
@given(st.lists(st.tuples(NUMBERS, st.one_of(st.none(), st.lists(st.integers(1, 9), max_size=3))), max_size=12))
@settings(max_examples=60, deadline=None)
def test_heads_are_those_of_the_graph(writes: list[tuple[int, list[int] | None]]) -> None:
    """Whatever the metadata says of parents, and in whichever order it comes, changes and goes (an empty list)."""
    with TemporaryDirectory() as temporary:
        directory = Path(temporary) / "snapshot_metadata"
        directory.mkdir()
        index = SnapshotIndex(directory, shards_beside(directory), Path(temporary) / "snapshots.sqlite")
        for number, parents in writes:
            path = directory / f"{number:040x}{SUFFIX}"
            if parents == [] and path.exists():
                path.unlink()
            else:
                put(directory, number)
                named = None if parents is None else [f"{parent:040x}" for parent in parents]
                write_json(path, read_metadata(path).replace(parents=named).to_json())
            assert sorted(index.heads()) == sorted(index.graph(str).heads())
