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
    """A column. ``fixed`` ones (hashes, times) keep their width; the others share what a terminal leaves."""

    name: str
    fixed: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of values under columns; a plain text names a column."""

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
    return "\n".join([table.title, *text] if table.title else text)


def _cell(value: Any) -> str:
    return escape("" if value is None else value_text(value)).replace("|", "\\|")


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

    grid = RichTable(
        title=Text(table.title, style="bold") if table.title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        header_style="bold",  # Bold and plain text are readable on every background.
    )
    for column in table.headers():
        grid.add_column(Text(column.name), no_wrap=column.fixed, overflow="fold")
    for row in table.rows:
        grid.add_row(*(Text(escape("" if value is None else value_text(value))) for value in row))
    console = Console(no_color=True if os.environ.get("NO_COLOR") else None, highlight=False, soft_wrap=False)
    console.print(grid)


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
