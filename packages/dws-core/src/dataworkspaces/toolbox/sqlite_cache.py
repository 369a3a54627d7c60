"""A table in SQLite that may be lost at any time; where it cannot be read or written, it costs only time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

__all__ = ["SqliteCache"]


class SqliteCache:
    """:ivar path: of the file; its directory is there."""

    def __init__(self, path: Path, table: str, columns: str, version: int) -> None:
        """:param table: the name of the table.
        :param columns: as they stand in CREATE TABLE, in brackets, with what follows them.
        :param version: of the columns and of what they hold: a table of another one is made anew."""
        self.path = path
        self._table, self._columns, self._version = table, columns, version

    def use(self, use: Callable[[sqlite3.Connection], T]) -> T | None:
        """What a function returns that gets the open cache, in a transaction; None if that is not possible. A damaged
        file is removed."""
        try:
            with closing(sqlite3.connect(str(self.path), timeout=0.5)) as connection, connection:
                if connection.execute("PRAGMA user_version").fetchone()[0] != self._version:
                    connection.execute(f"DROP TABLE IF EXISTS {self._table}")
                    connection.execute(f"CREATE TABLE {self._table}{self._columns}")
                    connection.execute(f"PRAGMA user_version = {self._version}")
                return use(connection)
        except sqlite3.OperationalError:
            return None  # somebody else writes, or nobody can
        except (sqlite3.DatabaseError, OSError, ValueError, TypeError):
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
            return None
