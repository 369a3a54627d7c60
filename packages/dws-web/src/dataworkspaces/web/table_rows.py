"""Which rows two versions of a table differ in."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SUFFIXES = (".csv", ".tsv", ".parquet", ".pq")
MOST_BYTES = 32 << 20
MOST_ROWS = 1_000_000
MOST_SHOWN = 1000
_MOST_COLUMNS = 60
_LONGEST_CELL = 200


@dataclass(frozen=True)
class Rows:
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def rows_that_differ(name: str, one: bytes, other: bytes) -> dict[str, Any]:
    """The rows of two versions, either of which may be empty.

    They belong together by their first column, if its values are unique in both; else a row that has changed is one
    that went and one that came. Raises ValueError for what is no table."""
    before, after = (_read(name, content) for content in (one, other))
    columns = tuple(dict.fromkeys([*after.columns, *before.columns]))
    then, now = _keyed(before), _keyed(after)
    is_keyed = then is not None and now is not None and before.columns[:1] == after.columns[:1]
    if is_keyed and then is not None and now is not None:
        changes = _by_key(columns, before, after, then, now)
    else:
        changes = _by_row(columns, before, after)
    counts = Counter(status for status, _, _ in changes)
    return {
        "columns": [_cut(column) for column in columns[:_MOST_COLUMNS]],
        "key": _cut(after.columns[0]) if is_keyed and after.columns else None,
        "counts": {status: counts[status] for status in ("added", "removed", "changed")},
        "added_columns": [_cut(name) for name in after.columns if one and name not in before.columns],
        "removed_columns": [_cut(name) for name in before.columns if other and name not in after.columns],
        "rows": [
            {
                "status": status,
                "before": None if old is None else [_cut(cell) for cell in old[:_MOST_COLUMNS]],
                "after": None if new is None else [_cut(cell) for cell in new[:_MOST_COLUMNS]],
            }
            for status, old, new in changes[:MOST_SHOWN]
        ],
    }


Change = tuple[str, Sequence[str] | None, Sequence[str] | None]


def _by_key(
    columns: Sequence[str], before: Rows, after: Rows, then: dict[str, tuple[str, ...]], now: dict[str, tuple[str, ...]]
) -> list[Change]:
    old_places, new_places = (_places(columns, table) for table in (before, after))
    changes: list[Change] = []
    for key, new in now.items():
        row, old = _aligned(new, new_places), then.get(key)
        if old is None:
            changes.append(("added", None, row))
        elif (was := _aligned(old, old_places)) != row:
            changes.append(("changed", was, row))
    changes += [("removed", _aligned(old, old_places), None) for key, old in then.items() if key not in now]
    return changes


def _by_row(columns: Sequence[str], before: Rows, after: Rows) -> list[Change]:
    old_places, new_places = (_places(columns, table) for table in (before, after))
    then = Counter(tuple(_aligned(row, old_places)) for row in before.rows)
    now = Counter(tuple(_aligned(row, new_places)) for row in after.rows)
    gone: list[Change] = [("removed", row, None) for row in (then - now).elements()]
    return [*gone, *(("added", None, row) for row in (now - then).elements())]


def _places(columns: Sequence[str], table: Rows) -> list[int | None]:
    places = {name: place for place, name in enumerate(table.columns)}
    return [places.get(name) for name in columns]


def _aligned(row: Sequence[str], places: Sequence[int | None]) -> list[str]:
    return ["" if place is None or place >= len(row) else row[place] for place in places]


def _keyed(table: Rows) -> dict[str, tuple[str, ...]] | None:
    found = {row[0]: row for row in table.rows}
    return found if len(found) == len(table.rows) else None


def _read(name: str, content: bytes) -> Rows:
    if not content:
        return Rows((), [])
    if len(content) > MOST_BYTES:
        raise ValueError("it is too large to be compared by rows")
    table = _parquet(content) if name.lower().endswith((".parquet", ".pq")) else _text(name, content)
    if len(set(table.columns)) < len(table.columns):
        raise ValueError("two of its columns have the same name")
    return table


def _text(name: str, content: bytes) -> Rows:
    text = content.decode("utf-8-sig", "replace")
    first = text.partition("\n")[0]
    delimiter = "\t" if name.lower().endswith(".tsv") else max(",;\t|", key=first.count)
    rows: list[tuple[str, ...]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if row:
                rows.append(tuple(row))
            if len(rows) > MOST_ROWS:
                raise ValueError("it has too many rows to be compared")
    except csv.Error as e:
        raise ValueError(str(e)) from e
    return Rows(rows[0], rows[1:]) if rows else Rows((), [])


def _parquet(content: bytes) -> Rows:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as e:
        raise ValueError("pyarrow, which reads it, is not installed") from e
    try:
        file = ParquetFile(io.BytesIO(content))
        cells = file.metadata.num_rows * len(file.schema_arrow.names)
        if file.metadata.num_rows > MOST_ROWS or cells > 10 * MOST_ROWS:
            raise ValueError("it has too many rows to be compared")
        table = file.read()
    except (ArrowException, OSError) as e:
        raise ValueError(str(e)) from e
    columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in table.columns]
    return Rows(tuple(table.column_names), list(zip(*columns, strict=True)))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"
