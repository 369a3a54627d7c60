"""Text from outside on its way to a terminal or a table, and how values are written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dataworkspaces.plain_text import escape as escape

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata


def one_line(text: str) -> str:
    """A text that people wrote, such as a message, as one line."""
    return " ".join(text.split())


def short_hash(hashval: str) -> str:
    return hashval[:7]


def snapshot_name(snapshot: SnapshotMetadata) -> str:
    """A snapshot, as people know it: ``SVC-1 (f1401a8)``."""
    short = short_hash(snapshot.hashval)
    return f"{', '.join(snapshot.tags)} ({short})" if snapshot.tags else short


def number(value: float, precision: int | None = None) -> str:
    """A float with three digits after the point, or three that count if it is less than one; or with ``precision``
    digits after the point."""
    if not math.isfinite(value):
        return str(value)
    if precision is not None:
        return f"{value:.{precision}f}"
    return repr(round(value, 3) if abs(value) >= 1 else float(f"{value:.3g}"))


def value_text(value: Any, *, exact: bool = False) -> str:
    """A parameter or metric. ``exact`` leaves floats as they are."""
    if isinstance(value, float) and not exact:
        return number(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {value_text(item, exact=exact)}" for key, item in value.items())
    return str(value)


def abridged(value: Any, limit: int = 25) -> str:
    """A metric in a table where it is one column of many."""
    text = value_text(value) if not isinstance(value, (Mapping, list)) else str(value)
    return text if len(text) <= limit else text[: limit - 2] + ".."


def plural(count: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def byte_size(size: int | None) -> str:
    """``1.5 MB``: a number of bytes with a unit of a thousand, as disks are sold; empty for None."""
    if size is None:
        return ""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"
