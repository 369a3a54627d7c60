"""Text from outside on its way to a terminal or a table, and how values are written."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.plain_text import escape as escape

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata


def painted(text: str, colour: str, *, bold: bool | None = None) -> str:
    """A text for ``click.echo``, which drops the colour where there is no terminal: ``red`` for what is missing or
    damaged, ``yellow`` for what is changed or out of date, none for what is as it should be. The text says it, too."""
    return text if os.environ.get("NO_COLOR") or not (text and colour) else click.style(text, fg=colour, bold=bold)


def warning_label() -> str:
    """What stands before a warning on stderr."""
    return painted("warning:", "yellow", bold=True)


def one_line(text: str) -> str:
    """A text that people wrote, such as a message, as one line."""
    return " ".join(text.split())


def short_hash(hashval: str) -> str:
    return hashval[:7]


def snapshot_name(snapshot: SnapshotMetadata) -> str:
    """A snapshot, as people know it: ``SVC-1 (f1401a8)``."""
    short = short_hash(snapshot.hashval)
    return f"{', '.join(snapshot.tags)} ({short})" if snapshot.tags else short


def to_the_second(text: str) -> str:
    """A text for people: times in it without their microseconds."""
    return re.sub(r"(\d\d:\d\d:\d\d)\.\d+", r"\1", text)


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


def numbers_alike(values: Sequence[Any], change: float | None, precision: int | None = None) -> list[str]:
    """Values that differ, and by how much, as texts: numbers with as many digits after the point, and enough of them to
    tell them apart and to see the change."""
    floats = [value for value in values if isinstance(value, float) and math.isfinite(value)]
    if not floats:
        # Of whole numbers the change is whole.
        changed = "" if change is None else f"{change:+.0f}" if change == int(change) else f"{change:+g}"
        return [*map(value_text, values), changed]
    digits = precision
    if digits is None:
        digits = next((d for d in range(3, 18) if _tells_apart(floats, d) and _is_seen(change, d)), 17)
    texts = [f"{v:.{digits}f}" if isinstance(v, float) and math.isfinite(v) else value_text(v) for v in values]
    if precision is None and any(len(text) > 20 for text in texts):  # very large or very small
        return [*(value_text(v, exact=True) for v in values), "" if change is None else f"{change:+.3g}"]
    return [*texts, "" if change is None else f"{change:+.{digits}f}"]


def _is_seen(change: float | None, digits: int) -> bool:
    return not change or float(f"{change:.{digits}f}") != 0


def _tells_apart(floats: Sequence[float], digits: int) -> bool:
    """Whether numbers that differ look different, and those that are not 0 do not look like it."""
    different = set(floats)
    shown = {f"{value:.{digits}f}" for value in different}
    significant = all(value == 0 or abs(value) >= 10 ** (1 - digits) for value in different if abs(value) < 1)
    return len(shown) == len(different) and significant
