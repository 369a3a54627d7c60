"""What previews are made of."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Text:
    """Text as it is, in a proportional font."""

    text: str

    def to_json(self) -> dict[str, Any]:
        return {"kind": "text", "text": self.text}


@dataclass(frozen=True)
class Code:
    """Text as it is, in a font of one width.

    :ivar label: stands before it, such as the number of a notebook's cell.
    :ivar is_error: whether it tells of an error."""

    text: str
    label: str = ""
    is_error: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"kind": "code", "text": self.text, "label": self.label, "is_error": self.is_error}


@dataclass(frozen=True)
class Markdown:
    """Markdown. HTML in it is shown as text, and pictures are not fetched."""

    text: str

    def to_json(self) -> dict[str, Any]:
        return {"kind": "markdown", "text": self.text}


@dataclass(frozen=True)
class Image:
    """A picture.

    :ivar media_type: one of :data:`IMAGES`; the page shows no other."""

    media_type: str
    content: bytes

    def to_json(self) -> dict[str, Any]:
        encoded = base64.b64encode(self.content).decode()
        return {"kind": "image", "source": f"data:{self.media_type};base64,{encoded}"}


IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",  # in an img element, where no script of it runs and nothing is fetched
}
"""The media types of pictures, by suffix."""


@dataclass(frozen=True)
class Table:
    """Rows of cells; a number is shown at the right.

    :ivar note: what is not shown."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"kind": "table", "columns": self.columns, "rows": self.rows, "note": self.note}


Block = Text | Code | Markdown | Image | Table
