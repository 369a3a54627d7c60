"""What lies at a path among files, wherever they are."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

__all__ = ["FileInfo"]


class FileInfo(NamedTuple):
    """What lies at a path of a file resource. A link to a file counts as the file.

    ``kind`` is ``link`` for what nobody should walk into: a link to a directory, or one that leads nowhere or out of
    the resource. ``size`` is in bytes, None where there is none or nobody knows. ``modified`` is when it was written,
    with a zone; None where nobody knows."""

    kind: Literal["file", "directory", "link"]
    size: int | None = None
    modified: datetime | None = None
