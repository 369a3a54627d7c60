"""Tables in a cell: HTML that reads well on light and dark grounds, and plain text where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from dataworkspaces import plain_text

DARK_GROUNDS = ('[data-jp-theme-light="false"]', ".vscode-dark", "[data-vscode-theme-kind=vscode-dark]")
_ON_LIGHT = {"better": "#1a7f37", "worse": "#cf222e"}
_ON_DARK = {"better": "#56d364", "worse": "#ff7b72"}
# Front ends that clean HTML up may drop the style sheet; the colours for light grounds are with the cells too.
STYLE = "".join(
    f"{ground} .dws-{kind} {{ color: {color} !important; }} "
    for kind, color in _ON_DARK.items()
    for ground in DARK_GROUNDS
)


def colors(kind: str) -> str:
    """The style of a cell that is better, close or worse. Close is bold, in the colour that text has here."""
    return f"color: {_ON_LIGHT[kind]}" if kind in _ON_LIGHT else "font-weight: bold"


def heat(part: float) -> str:
    """The style of a cell from 0, dark red, to 1, dark green. The text on it is white in every theme."""
    return f"background-color: hsl({round(120 * part)}, 80%, 22%); color: #ffffff"


@dataclass(frozen=True)
class Table:
    """Rows under columns. ``styles`` has, by row and column, a class and a style of a cell."""

    title: str | None
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    styles: Mapping[tuple[int, int], tuple[str, str]] = field(default_factory=dict)

    def html(self) -> str:
        head = "".join(_cell("th", name) for name in self.columns)
        body = "".join(
            "<tr>" + "".join(_cell("td", v, *self.styles.get((i, j), ())) for j, v in enumerate(row)) + "</tr>"
            for i, row in enumerate(self.rows)
        )
        title = f"<p><b>{escape(_text(self.title))}</b></p>" if self.title else ""
        return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def text(self) -> str:
        lines = [[_text(v) for v in row] for row in [self.columns, *self.rows]]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        shown = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines]
        shown.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([_text(self.title), *shown] if self.title else shown)


class Shown:
    """What a magic returns: the notebook shows it as tables, a terminal as text.

    :ivar data: what is in it, for programs.
    """

    def __init__(self, heading: str | None, tables: Sequence[Table], data: Any) -> None:
        self.heading = heading
        self.tables = tables
        self.data = data

    def _repr_html_(self) -> str:
        heading = f"<p>{escape(_text(self.heading))}</p>" if self.heading else ""
        return f"<div>{heading}{''.join(table.html() for table in self.tables)}</div>"

    def __repr__(self) -> str:
        heading = [_text(self.heading)] if self.heading else []
        return "\n\n".join([*heading, *(table.text() for table in self.tables)])


class StyledFrame(pd.DataFrame):  # type: ignore[misc]
    """A DataFrame that is shown with the colours of a table; what is made of it is a plain one."""

    _metadata = ("_dws_table",)

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame  # type: ignore[no-any-return]

    def _repr_html_(self) -> str:
        return f"<div><style>{STYLE}</style>{self.attrs_table.html()}</div>"

    def __repr__(self) -> str:
        """As pandas shows it, without what a terminal would act on."""
        shown = pd.DataFrame(self, copy=True)
        shown.columns = pd.Index([_harmless(name) for name in shown.columns], dtype=object)
        for place in range(shown.shape[1]):
            if not pd.api.types.is_numeric_dtype(shown.dtypes.iloc[place]):
                shown.isetitem(place, shown.iloc[:, place].map(_harmless))
        return repr(shown)

    @property
    def attrs_table(self) -> Table:
        table: Table = self._dws_table
        return table


def _harmless(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float)) else plain_text.escape(value)


def styled_frame(frame: pd.DataFrame, table: Table) -> StyledFrame:
    result = StyledFrame(frame)
    object.__setattr__(result, "_dws_table", table)
    return result


def _cell(element: str, value: Any, kind: str = "", style: str = "") -> str:
    name = f' class="dws-{kind}"' if kind else ""
    align = "right" if isinstance(value, (int, float, np.number)) and not isinstance(value, bool) else "left"
    return f'<{element}{name} style="text-align: {align}; {style}">{escape(_text(value))}</{element}>'


def _text(value: Any) -> str:
    """As the manual's tables have it: six digits after the point, ``nan`` for what is not there."""
    if value is None:
        return ""
    if isinstance(value, float):
        size = abs(value)
        return f"{value:.6f}" if size == 0 or 1e-4 <= size < 1e9 or size != size else f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{plain_text.escape(key)}: {_text(item)}" for key, item in value.items())
    return plain_text.escape(" ".join(str(value).split()))
