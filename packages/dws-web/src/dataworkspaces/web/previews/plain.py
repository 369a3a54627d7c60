"""Previews of pictures, Markdown, JSON and tables."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, ClassVar

from dataworkspaces.web.previews.blocks import IMAGES, Block, Code, Image, Markdown, Table
from dataworkspaces.web.previews.contract import Preview

MOST_ROWS = 200
MOST_COLUMNS = 60
LONGEST_CELL = 500
_LONGEST_TEXT = 200_000


class _Images(Preview):
    suffixes: ClassVar[tuple[str, ...]] = tuple(IMAGES)

    def blocks(self, name: str, content: bytes, *, is_whole: bool) -> list[Block]:
        if not is_whole:
            raise ValueError("it is too large to be shown")
        return [Image(IMAGES[f".{name.rpartition('.')[2].lower()}"], content)]


class _Markdown(Preview):
    suffixes: ClassVar[tuple[str, ...]] = (".md", ".markdown")

    def blocks(self, name: str, content: bytes, *, is_whole: bool) -> list[Block]:
        return [Markdown(content.decode("utf-8", "replace")[:_LONGEST_TEXT])]


class _Json(Preview):
    suffixes: ClassVar[tuple[str, ...]] = (".json",)

    def blocks(self, name: str, content: bytes, *, is_whole: bool) -> list[Block]:
        try:
            text = json.dumps(json.loads(content), indent=2, ensure_ascii=False)
        except RecursionError as e:
            raise ValueError("it is nested too deeply") from e
        return [Code(text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "\n…")]


class _Tables(Preview):
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv")

    def blocks(self, name: str, content: bytes, *, is_whole: bool) -> list[Block]:
        text = content.decode("utf-8-sig", "replace")
        delimiter = "\t" if name.lower().endswith(".tsv") else _delimiter(text)
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        rows: list[tuple[Any, ...]] = []
        count = 0
        try:
            for row in lines:
                count += bool(row)
                if row and count <= MOST_ROWS + 1:
                    rows.append(tuple(_cell(text) for text in row[:MOST_COLUMNS]))
        except csv.Error as e:
            raise ValueError(str(e)) from e
        if not rows:
            return [Code(text[:_LONGEST_TEXT])]
        has_names = all(isinstance(cell, str) and cell for cell in rows[0])
        width = max(map(len, rows))
        columns = tuple(map(str, rows[0])) if has_names else tuple(str(n) for n in range(1, width + 1))
        shown = rows[1:] if has_names else rows[:MOST_ROWS]
        total = count - has_names
        is_cut = total > len(shown) or not is_whole
        of = f"{total:,}" if is_whole else f"more than {total:,}"
        return [Table(columns, tuple(shown), f"The first {len(shown)} of {of} rows" if is_cut else "")]


def _delimiter(text: str) -> str:
    """The one of the first line that is there most often, where that is no comma."""
    first = text.partition("\n")[0]
    return max(",;\t|", key=first.count)


def _cell(text: str) -> Any:
    if len(text) < 40 and text[-1:].isdigit():
        try:
            float(text)
        except ValueError:
            pass
        else:
            # All digits stay as they are: 0012 and 1.50 are what somebody wrote.
            return {"number": text}
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"


IMAGES_PREVIEW = _Images()
MARKDOWN_PREVIEW = _Markdown()
JSON_PREVIEW = _Json()
TABLES_PREVIEW = _Tables()
