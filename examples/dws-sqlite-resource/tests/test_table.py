"""What a version of a table is."""

from __future__ import annotations

from pathlib import Path

import pytest
from dws_sqlite_resource.table import read_table, write_table
from test_conformance import execute

from dataworkspaces.errors import ConfigurationError, MetadataError

ROWS = "(1, 'Zoë''s', 0.1, x'00ff', NULL), (2, '', 1e300, x'', 9223372036854775807)"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my file?.sqlite"
    execute(path, 'CREATE TABLE "a ""b" (id INTEGER PRIMARY KEY, t VARCHAR(10) NOT NULL, r REAL, b BLOB, n)')
    execute(path, f'INSERT INTO "a ""b" VALUES {ROWS}')
    return path


def test_all_values_come_back_in_another_file(file: Path, tmp_path: Path) -> None:
    content = read_table(file, 'a "b')
    write_table(tmp_path / "other.sqlite", 'a "b', content)
    assert read_table(tmp_path / "other.sqlite", 'a "b') == content
    every = 'SELECT *, typeof(n) FROM "a ""b" ORDER BY id'
    assert execute(tmp_path / "other.sqlite", every) == execute(file, every)


def test_the_order_of_rows_is_no_content(file: Path) -> None:
    execute(file, "CREATE TABLE one (x)", "CREATE TABLE two (x)")
    execute(file, "INSERT INTO one VALUES (1), (2), (2)", "INSERT INTO two VALUES (2), (1), (2)")
    assert read_table(file, "one") == read_table(file, "two")


def test_what_is_not_the_table_stays(file: Path) -> None:
    content = read_table(file, 'a "b')
    execute(file, 'CREATE INDEX i ON "a ""b" (t)', 'DELETE FROM "a ""b"')
    write_table(file, 'a "b', content)
    assert execute(file, "SELECT name FROM sqlite_master WHERE type = 'index'") == [("i",)]


def test_other_columns_make_the_table_anew(file: Path) -> None:
    content = read_table(file, 'a "b')
    execute(file, 'ALTER TABLE "a ""b" ADD COLUMN more')
    write_table(file, 'a "b', content)
    assert read_table(file, 'a "b') == content


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"x", b"\xff", b'[["a", "", 0, 0]]\n[1, 2]', b'[["a", "TEXT); DROP TABLE x; --", 0, 0]]',
        b'[["a", "", 0, 0]]\n[{"base64": "?"}]', b'[["a", "", 0, 0]]\n[{"x": 1}]', b'[["a", "", 0, "x"]]',
    ],
)  # fmt: skip
def test_a_version_that_is_not_sound_changes_nothing(file: Path, content: bytes) -> None:
    before = read_table(file, 'a "b')
    with pytest.raises(MetadataError):
        write_table(file, 'a "b', content)
    assert read_table(file, 'a "b') == before


def test_a_failed_write_changes_nothing(file: Path) -> None:
    before = read_table(file, 'a "b')
    columns = before.splitlines()[0]
    with pytest.raises(ConfigurationError, match="NOT NULL"):
        write_table(file, 'a "b', columns + b"\n[1, null, null, null, null]")
    assert read_table(file, 'a "b') == before


def test_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x" * 5000)
    with pytest.raises(ConfigurationError, match="not a database"):
        read_table(tmp_path / "text", "t")
    with pytest.raises(ConfigurationError):
        read_table(tmp_path / "missing", "t")
    assert not (tmp_path / "missing").exists()
