"""Preview of Jupyter notebooks: the cells and what was kept of their output. Nothing is run."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar

from dataworkspaces.web.previews.blocks import Block, Code, Image, Markdown, Text
from dataworkspaces.web.previews.contract import Preview

_COLOURS_RE = re.compile(r"\x1b\[[0-9;]*m")
_PICTURES = ("image/png", "image/jpeg", "image/svg+xml", "image/gif", "image/webp")
_LONGEST = 100_000


class _Notebooks(Preview):
    suffixes: ClassVar[tuple[str, ...]] = (".ipynb",)

    def blocks(self, name: str, content: bytes, *, is_whole: bool) -> list[Block]:
        if not is_whole:
            raise ValueError("it is too large to be shown")
        try:
            notebook = json.loads(content)
        except RecursionError as e:
            raise ValueError("it is nested too deeply") from e
        cells = notebook.get("cells") if isinstance(notebook, dict) else None
        if not isinstance(cells, list):
            raise ValueError("it has no cells")
        return [block for cell in cells if isinstance(cell, dict) for block in _cell(cell)]


def _cell(cell: dict[str, Any]) -> Iterator[Block]:
    source = _text(cell.get("source"))
    if cell.get("cell_type") == "markdown":
        yield Markdown(source)
    elif cell.get("cell_type") == "code":
        count = cell.get("execution_count")
        yield Code(source, f"In [{count if isinstance(count, int) else ' '}]")
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict):
                yield from _output(output)
    elif source:
        yield Code(source)


def _output(output: dict[str, Any]) -> Iterator[Block]:
    kind = output.get("output_type")
    if kind == "stream":
        yield Code(_text(output.get("text")))
        return
    if kind == "error":
        lines = output.get("traceback")
        text = "\n".join(map(str, lines)) if isinstance(lines, list) else str(output.get("evalue", ""))
        yield Code(_COLOURS_RE.sub("", text)[:_LONGEST], is_error=True)
        return
    data = output.get("data")
    if not isinstance(data, dict):
        return
    picture = next((media_type for media_type in _PICTURES if media_type in data), None)
    if picture is not None:
        yield from _picture(picture, _text(data[picture]))
    elif "text/markdown" in data:
        yield Markdown(_text(data["text/markdown"]))
    elif "text/plain" in data:
        yield Code(_text(data["text/plain"]))
    elif data:
        yield Text(f"Output of the kind {', '.join(map(str, data))[:200]} is not shown")


def _picture(media_type: str, text: str) -> Iterator[Block]:
    if media_type == "image/svg+xml":
        yield Image(media_type, text.encode("utf-8", "replace"))
        return
    try:
        yield Image(media_type, base64.b64decode(text))
    except (binascii.Error, ValueError):
        yield Text("A picture that cannot be read")


def _text(value: Any) -> str:
    """Text is a list of lines, or one text."""
    joined = "".join(map(str, value)) if isinstance(value, list) else value if isinstance(value, str) else ""
    return _COLOURS_RE.sub("", joined)


NOTEBOOKS = _Notebooks()
