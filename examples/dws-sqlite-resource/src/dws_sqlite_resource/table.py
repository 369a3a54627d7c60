"""A table of a SQLite file as bytes that say what it holds, and back."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, MetadataError

_WAIT_SECONDS = 30
_TYPE_RE = re.compile(r"[A-Za-z0-9_ ]*(\([0-9, ]*\))?\Z")


def read_table(path: Path, table: str) -> bytes:
    """The columns and the rows, in an order that depends on nothing but them. Raises ConfigurationError if there is no
    such table."""
    with _opened(path, writing=False) as connection:
        columns = _columns(connection, table)
        if not columns:
            raise ConfigurationError(f"{path} has no table '{table}'")
        rows = [json.dumps([_to_json(value) for value in row]) for row in _rows(connection, table, columns)]
    return "\n".join([json.dumps(columns), *sorted(rows)]).encode("ascii")


def write_table(path: Path, table: str, content: bytes) -> None:
    """Make the table hold what :func:`read_table` has read, in one transaction. The file is made if it is not there.

    ``content`` may come from somebody else: nothing in it is executed. Raises MetadataError if it is not sound."""
    columns, rows = _parse(content)
    names = ", ".join(_quoted(column[0]) for column in columns)
    with _opened(path, writing=True) as connection:
        connection.execute("BEGIN IMMEDIATE")
        if _columns(connection, table) != columns:
            connection.execute(f"DROP TABLE IF EXISTS {_quoted(table)}")
            connection.execute(f"CREATE TABLE {_quoted(table)} ({_definitions(columns)})")
        connection.execute(f"DELETE FROM {_quoted(table)}")
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {_quoted(table)} ({names}) VALUES ({marks})", rows)
        connection.execute("COMMIT")


@contextmanager
def _opened(path: Path, *, writing: bool) -> Iterator[sqlite3.Connection]:
    """A connection without transactions of its own. Leaving it with an error undoes what was not committed."""
    mode = "rwc" if writing else "ro"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode={mode}", _WAIT_SECONDS, uri=True)) as connection:
            connection.isolation_level = None
            yield connection
    except (sqlite3.Error, UnicodeEncodeError, OverflowError) as e:
        raise ConfigurationError(f"The SQLite file {path}: {e}") from e


def _columns(connection: sqlite3.Connection, table: str) -> list[list[Any]]:
    """Name, declared type, whether it may not be NULL, and place in the primary key (or 0) of each column."""
    rows = connection.execute('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (table,))
    return [list(row) for row in rows]


def _rows(connection: sqlite3.Connection, table: str, columns: list[list[Any]]) -> Iterator[tuple[Any, ...]]:
    names = ", ".join(_quoted(column[0]) for column in columns)
    yield from connection.execute(f"SELECT {names} FROM {_quoted(table)}")


def _definitions(columns: list[list[Any]]) -> str:
    parts = [f"{_quoted(name)} {kind}{' NOT NULL' if not_null else ''}" for name, kind, not_null, _ in columns]
    key = [_quoted(column[0]) for column in sorted(columns, key=lambda column: column[3]) if column[3]]
    return ", ".join([*parts, f"PRIMARY KEY ({', '.join(key)})"] if key else parts)


def _parse(content: bytes) -> tuple[list[list[Any]], list[list[Any]]]:
    try:
        columns, *rows = [json.loads(line) for line in content.decode("ascii").splitlines()]
        sound = all(
            isinstance(name, str) and isinstance(kind, str) and _TYPE_RE.match(kind) and isinstance(place, int)
            for name, kind, _, place in columns
        )
        if not columns or not sound or any(len(row) != len(columns) for row in rows):
            raise ValueError("its columns")
        return columns, [[_from_json(value) for value in row] for row in rows]
    except (ValueError, TypeError, KeyError) as e:
        raise MetadataError(f"A version of a table is damaged: {e}") from e


def _to_json(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode("ascii")} if isinstance(value, bytes) else value


def _from_json(value: Any) -> Any:
    return base64.b64decode(value["base64"], validate=True) if isinstance(value, dict) else value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
