"""``--where``: a condition in SQL on the rows of a table, evaluated by SQLite and by nothing else.

The text is a stranger to us. It is one expression over one row of a table in memory: an authorizer allows reading that
table and a few functions whose cost does not grow with what they are given, and no second SELECT. Nothing that SQLite
can reach beside it (files, extensions, other databases) is allowed."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from dataworkspaces.commands.experiment_table import FIXED, Row, unknown_column
from dataworkspaces.errors import ConfigurationError

LONGEST = 4000
_MOST_STEPS = 20_000_000
"""Of SQLite's machine, for all rows."""
_ALLOWED_FUNCTIONS = {
    "like", "glob", "abs", "round", "length", "lower", "upper", "substr", "substring", "coalesce", "ifnull", "iif",
    "nullif", "instr", "trim", "ltrim", "rtrim", "typeof", "date", "time", "datetime", "julianday", "strftime",
}  # fmt: skip
_QUOTED_RE = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*"|\[[^\]]*\]|`[^`]*`)""")
_NO_COLUMN_RE = re.compile(r"no such column: \"?(.+?)\"?(?: - .*)?\Z")


def where(rows: Sequence[Row], expression: str, asked: set[str] | None = None) -> list[Row]:
    """The rows for which an expression is true; raises ConfigurationError for one that SQLite does not understand.

    The columns are those of the table, ``hash``, ``created``, ``message``, ``author`` and ``host``, ``tags`` (all of
    them) and ``tag``, which is each of a snapshot's tags: the condition has to be true for one.

    :param asked: gets the names of the columns that the expression reads."""
    if len(expression) > LONGEST:
        raise _wrong(f"it has {len(expression)} characters, but {LONGEST} are allowed")
    if not rows:
        return []
    names = _names_in(expression, rows)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        try:
            _fill(connection, rows, names)
            found = _ask(connection, _with_quoted_names(expression, names), set() if asked is None else asked)
        except sqlite3.Warning as e:
            raise _wrong(str(e)) from e
        except sqlite3.Error as e:
            unknown = _NO_COLUMN_RE.search(str(e))
            if unknown is not None:
                known = [*_FIXED_NAMES, *dict.fromkeys(name for row in rows for name in row.values)]
                raise unknown_column(f"--where: there is no column '{unknown[1]}'", unknown[1], known) from e
            raise _wrong(str(e)) from e
        except (ValueError, OverflowError, MemoryError) as e:  # a NUL, half a surrogate
            raise _wrong(str(e)) from e
    return [row for number, row in enumerate(rows) if number in found]


_FIXED_NAMES = ("tag", *FIXED)


def _wrong(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"--where cannot be evaluated: {why}",
        hint="""Write it as in SQL: 'accuracy > 0.9 and "macro avg.recall" < 1'""",
    )


def _names_in(expression: str, rows: Sequence[Row]) -> list[str]:
    """The columns of which the expression may speak: a table of all of them may be too wide for SQLite. Of two that
    SQLite takes for the same, the first."""
    lower = expression.lower()
    found: dict[str, str] = {}
    for row in rows:
        for name in row.values:
            if name.lower() in lower:
                found.setdefault(name.lower(), name)
    return [name for key, name in found.items() if key not in _FIXED_NAMES and "\0" not in name]


def _with_quoted_names(expression: str, names: Sequence[str]) -> str:
    """Columns such as ``svc.accuracy`` may stand as they are: SQLite would take them for a column of another table."""
    dotted = sorted((n for n in names if "." in n and re.fullmatch(r"[\w./-]+", n)), key=len, reverse=True)
    if not dotted:
        return expression
    pattern = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, dotted))})(?![\w.])", re.IGNORECASE)
    parts = _QUOTED_RE.split(expression)
    return "".join(part if i % 2 else pattern.sub(r'"\1"', part) for i, part in enumerate(parts))


def _fill(connection: sqlite3.Connection, rows: Sequence[Row], names: Sequence[str]) -> None:
    columns = [*_FIXED_NAMES, *names]
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    connection.execute(f"CREATE TABLE experiments(dws_row, {quoted})")
    marks = ",".join("?" * (len(columns) + 1))
    for number, row in enumerate(rows):
        values = row.values
        given = [*(_value(row.fixed(name)) for name in FIXED), *(_value(values.get(name)) for name in names)]
        tags: list[str | None] = [] if row.snapshot is None else [*row.snapshot.tags]
        for tag in tags or [None]:
            connection.execute(f"INSERT INTO experiments VALUES({marks})", (number, tag, *given))


def _value(value: Any) -> Any:
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value) if abs(value) < 2**1000 else None
    return value if value is None or isinstance(value, (int, float, str)) else str(value)


def _ask(connection: sqlite3.Connection, expression: str, asked: set[str]) -> set[int]:
    steps = 0

    def go_on() -> int:
        nonlocal steps
        steps += 1000
        return 1 if steps > _MOST_STEPS else 0

    connection.execute("PRAGMA query_only = ON")
    connection.set_authorizer(_Authorizer(asked))
    connection.set_progress_handler(go_on, 1000)
    # Not as a condition, but as a column: what closes the bracket before its end is no column, or is one too many.
    cursor = connection.execute(f"SELECT dws_row, (\n{expression}\n) IS TRUE FROM experiments")
    if len(cursor.description) != 2:
        raise sqlite3.OperationalError("it contains more than one expression")
    return {row[0] for row in cursor if row[1]}


class _Authorizer:
    """Allows one SELECT on the table, and some functions."""

    def __init__(self, asked: set[str]) -> None:
        self._selects = 0
        self._asked = asked

    def __call__(self, action: int, one: str | None, two: str | None, _database: Any, _trigger: Any) -> int:
        if action == sqlite3.SQLITE_SELECT:
            self._selects += 1
            return sqlite3.SQLITE_OK if self._selects == 1 else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_READ:
            self._asked.add(two or "")
            return sqlite3.SQLITE_OK if one == "experiments" else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_OK if (two or "").lower() in _ALLOWED_FUNCTIONS else sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_DENY
