"""The one place that writes tables and JSON.

On a terminal a table is fitted to its width. Anywhere else it is plain text that programs and people can read,
``| a | b |``, in which nothing is wrapped, shortened or coloured.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import click

from dataworkspaces.cli.text import escape, value_text


@dataclass(frozen=True)
class Column:
    """A column. ``fixed`` ones (hashes, times) keep their width; the others share what a terminal leaves, but each
    has at least ``least`` characters."""

    name: str
    fixed: bool = False
    least: int = 8


@dataclass(frozen=True)
class Table:
    """Rows of values under columns; a plain text names a column. A value that is a tuple is a list of texts, which a
    terminal shows below each other."""

    title: str | None
    columns: Sequence[Column | str]
    rows: Sequence[Sequence[Any]]

    def headers(self) -> list[Column]:
        return [column if isinstance(column, Column) else Column(column) for column in self.columns]


def key_value_table(title: str, values: Mapping[str, Any], *, exact: bool = False) -> Table:
    """A table of two columns. ``exact`` leaves floats as they are."""
    rows = [(key, value_text(value, exact=exact)) for key, value in values.items()]
    return Table(title, [Column("Key"), Column("Value")], rows)


def print_table(table: Table) -> None:
    """Write a table to stdout, in the form that suits it."""
    if on_terminal():
        _print_fitted(table)
    else:
        click.echo(plain(table))


def on_terminal() -> bool:
    """Whether tables go to somebody's screen."""
    return sys.stdout.isatty()


def plain(table: Table) -> str:
    """The table as text: the title, a line of names, a rule, a line for each row; all of one width."""
    names = [column.name for column in table.headers()]
    lines = [[_cell(value) for value in row] for row in [names, *table.rows]]
    widths = [max(_width(line[i]) for line in lines) for i in range(len(names))]
    text = [
        "| " + " | ".join(cell + " " * (w - _width(cell)) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join([escape(table.title), *text] if table.title else text)


def _cell(value: Any) -> str:
    return _joined(value, ", ").replace("|", "\\|")


def _joined(value: Any, separator: str) -> str:
    parts = value if isinstance(value, tuple) else () if value is None else (value,)
    return separator.join(escape(value_text(part)) for part in parts)


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(char) in ("Mn", "Me", "Cf") else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )


def _print_fitted(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(no_color=True if os.environ.get("NO_COLOR") else None, highlight=False)
    columns = table.headers()
    rows = [[_joined(value, "\n") for value in row] for row in table.rows]
    # Bold and plain text are readable on every background.
    grid = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column, width in zip(columns, _fit(columns, rows, console.width - 2 * (len(columns) - 1)), strict=True):
        grid.add_column(Text(column.name), width=width, overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    if table.title:
        console.print(Text(escape(table.title), style="bold"))
    console.print(grid)


def _fit(columns: Sequence[Column], rows: Sequence[Sequence[str]], available: int) -> list[int]:
    """The width of each column: the widest ones give way, those that should keep their width as the last."""
    texts = [[column.name, *(row[i] for row in rows)] for i, column in enumerate(columns)]
    widths = [max(_width(line) for text in column for line in text.splitlines() or [""]) for column in texts]
    least = [width if c.fixed else min(width, c.least) for c, width in zip(columns, widths, strict=True)]
    while sum(widths) > available and max(widths) > 1:
        giving = [i for i, width in enumerate(widths) if width > least[i]] or range(len(widths))
        widths[max(giving, key=widths.__getitem__)] -= 1
    return widths


def print_json(document: Any) -> None:
    """Write the one JSON document of ``--json``: dataclasses are objects, a float that JSON cannot hold is null."""
    click.echo(json.dumps(_jsonable(document), indent=2, allow_nan=False))


def _jsonable(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _jsonable(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if hasattr(value, "_asdict"):
        return _jsonable(value._asdict())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return os.fspath(value) if isinstance(value, Path) else str(value)
