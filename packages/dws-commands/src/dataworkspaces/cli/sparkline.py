"""A series of numbers as a picture in one line."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40


def sparkline(values: Sequence[float | None], width: int = WIDTH) -> str:
    """A bar for each number, from the least to the greatest of them; a blank for one that is missing.

    Of more than ``width`` numbers each bar is the mean of some that follow each other."""
    if len(values) > width:
        values = [_mean(values[i * len(values) // width : (i + 1) * len(values) // width]) for i in range(width)]
    known = [value for value in values if value is not None]
    if not known:
        return ""
    least, greatest = min(known), max(known)
    if least == greatest:
        return "".join(" " if value is None else _BARS[len(_BARS) // 2] for value in values)
    # The range itself may be too large for a number.
    scale = [None if value is None else (value / 2 - least / 2) / (greatest / 2 - least / 2) for value in values]
    return "".join(" " if part is None else _BARS[round(part * (len(_BARS) - 1))] for part in scale)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(value / len(known) for value in known) if known else None
