"""The one place that writes tables and JSON.

On a terminal a table is fitted to its width. Anywhere else it is plain text that programs and people can read,
``| a | b |``, in which nothing is wrapped, shortened or coloured.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from dataworkspaces.cli.text import escape, value_text

if TYPE_CHECKING:
    from rich.console import Console


class Column(NamedTuple):
    """A column. ``fixed`` ones (hashes, times) keep their width; the others share what a terminal leaves, but each
    has at least ``least`` characters. The numbers of a ``numeric`` one stand with their points below each other."""

    name: str
    fixed: bool = False
    least: int = 8
    numeric: bool = False


class Table(NamedTuple):
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
    lines = [[_cell(name) for name in names], *aligned(table, [[_cell(value) for value in row] for row in table.rows])]
    widths = [max(_width(line[i]) for line in lines) for i in range(len(names))]
    text = [
        "| " + " | ".join(cell + " " * (w - _width(cell)) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join([escape(table.title), *text] if table.title else text)


def markdown(table: Table) -> str:
    """The table as Markdown, for a comment in a review: without what its texts would do there."""
    return plain(table._replace(title=None, rows=[[in_markdown(value) for value in row] for row in table.rows]))


def in_markdown(value: Any) -> Any:
    """Nobody's text is a link, a mention, HTML or emphasis."""
    if isinstance(value, tuple):
        return tuple(map(in_markdown, value))
    return re.sub(r"[\\`*<>\[\]@#~]", r"\\\g<0>", value) if isinstance(value, str) else value


_NUMBER_RE = r"[-+]?(\d[\d,]*)?(\.\d+)?(e[-+]?\d+)?\Z"


def aligned(table: Table, cells: list[list[str]]) -> list[list[str]]:
    """The cells, those of numeric columns padded so that the points of the numbers are below each other."""
    for i, column in enumerate(table.headers()):
        if column.numeric:
            parts = [_around_the_point(row[i]) for row in cells]
            before = max((len(whole) for whole, _ in parts), default=0)
            after = max((len(rest) for whole, rest in parts if whole), default=0)
            for row, (whole, rest) in zip(cells, parts, strict=True):
                row[i] = f"{whole:>{before}}{rest:<{after}}" if whole else rest
    return cells


def _around_the_point(text: str) -> tuple[str, str]:
    """A number up to its point, and the rest; what is not a number is all rest."""
    if not text or not re.match(_NUMBER_RE, text):
        return "", text
    end = next((i for i, char in enumerate(text) if char in ".e"), len(text))
    return text[:end], text[end:]


def wrap(text: str, width: int) -> str:
    """The text in lines of at most ``width`` columns: broken at blanks, else after ``/``, else after ``.``, ``_``,
    ``-``, ``,`` or ``=``, else anywhere."""
    return "\n".join(part for line in text.split("\n") for part in _wrapped(line, max(1, width)))


def _wrapped(line: str, width: int) -> Iterator[str]:
    while _width(line) > width:
        end = _cut(line, width)
        places = [line.rfind(" ", 0, end + 1), line.rfind("/", 0, end) + 1]
        places.append(max(line.rfind(char, 0, end) for char in "._-,=") + 1)
        end = next((place for place in places if place > 0), end)
        yield line[:end].rstrip()
        line = line[end:].lstrip() if line[end : end + 1] == " " else line[end:]
    yield line


def _cut(line: str, width: int) -> int:
    """How many characters of a line take at most ``width`` columns; at least one."""
    if line.isascii():
        return width
    end = 1
    while end < len(line) and _width(line[: end + 1]) <= width:
        end += 1
    return end


def _cell(value: Any) -> str:
    return _joined(value, ", ").replace("|", "\\|")


def _joined(value: Any, separator: str) -> str:
    value = value.value if isinstance(value, Styled) else value
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


def terminal_width() -> int:
    """That of the terminal that tables are fitted to; where there is none ``COLUMNS``, or 80."""
    if on_terminal():
        return _console().width
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) else 80


def _console() -> Console:
    from rich.console import Console

    return Console(no_color=True if os.environ.get("NO_COLOR") else None, highlight=False)


def _print_fitted(table: Table) -> None:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    console = _console()
    columns = table.headers()
    styles = [[_style(value) for value in row] for row in table.rows]
    rows = aligned(table, [[_joined(value, "\n") for value in row] for row in table.rows])
    # Bold and plain text are readable on every background.
    grid = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    widths = _fit(columns, rows, console.width - 2 * (len(columns) - 1))
    for column, width in zip(columns, widths, strict=True):
        grid.add_column(Text(wrap(column.name, width)), width=width, overflow="fold")
    for row, looks in zip(rows, styles, strict=True):
        cells = zip(row, widths, looks, strict=True)
        grid.add_row(*(Text(wrap(text, width), style=style) for text, width, style in cells))
    if table.title:
        console.print(Text(escape(table.title), style="bold"))
    console.print(grid)


def _fit(columns: Sequence[Column], rows: Sequence[Sequence[str]], available: int) -> list[int]:
    """The width of each column: the widest ones give way, those that should keep their width as the last."""
    names = [_longest_part(c.name) if c.numeric else c.name for c in columns]
    texts = [[name, *(row[i] for row in rows)] for i, name in enumerate(names)]
    widths = [max(_width(line) for text in column for line in text.splitlines() or [""]) for column in texts]
    least = [width if c.fixed else min(width, c.least) for c, width in zip(columns, widths, strict=True)]
    while sum(widths) > available and max(widths) > 1:
        giving = [i for i, width in enumerate(widths) if width > least[i]] or range(len(widths))
        widths[max(giving, key=widths.__getitem__)] -= 1
    return widths


def _longest_part(name: str) -> str:
    """What of a name stays in one line where numbers are narrower than it."""
    return max(re.split(r"(?<=[/. ])", name), key=len)


class Styled(NamedTuple):
    """A value with a look: ``red`` for what is missing, ``yellow`` for what is changed. The text says it, too."""

    value: Any
    style: str

    def __str__(self) -> str:
        return _joined(self.value, ", ")


def _style(value: Any) -> str:
    return value.style if isinstance(value, Styled) else ""


def columns_that_fit(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    ranks: Sequence[int | None],
    width: int | None = None,
) -> list[int]:
    """The places of the columns that fit on the terminal, in their order. A column with a lower rank comes first; None
    is one that has to be shown.

    :param width: where there is no terminal; None for all columns."""
    available = terminal_width() if on_terminal() else width
    if available is None:
        return list(range(len(columns)))
    available += 2
    shown = [i for i, rank in enumerate(ranks) if rank is None]
    available -= sum(_needed(columns[i], [row[i] for row in rows]) for i in shown)
    for _, i in sorted((rank, i) for i, rank in enumerate(ranks) if rank is not None):
        if _needed(columns[i], ()) > available:  # the name alone; of a wide table that leaves out most columns
            continue
        needed = _needed(columns[i], [row[i] for row in rows])
        if needed <= available:
            shown.append(i)
            available -= needed
    return sorted(shown)


def _needed(column: Column, values: Sequence[Any]) -> int:
    """The least width of a column that holds some values, with what parts it from the next."""
    cells = aligned(Table(None, [column], ()), [[_joined(value, "\n")] for value in values])
    (natural,) = _fit([column], cells, 10**6)
    return 2 + (natural if column.fixed or column.numeric else min(natural, column.least))


def print_json(document: Any) -> None:
    """Write the one JSON document of ``--json``: dataclasses are objects, a float that JSON cannot hold is null."""
    click.echo(json.dumps(_jsonable(document), indent=2, allow_nan=False))


def _jsonable(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        return _jsonable(vars(value))
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
