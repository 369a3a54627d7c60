"""Which cells of the notebook have run, in which order, as far as its file tells."""

from __future__ import annotations

from collections.abc import Sequence


def executed_cells(history: Sequence[str], cells: Sequence[str]) -> list[int | None]:
    """The number of each cell that ran, counted from 1; None for one that is not among the cells.

    :param history: the sources that ran, the first one first.
    :param cells: the sources of the notebook's cells with code.

    Of cells that are equal, the first one behind that which ran last."""
    numbers: dict[str, list[int]] = {}
    for number, source in enumerate(cells, 1):
        numbers.setdefault(source.strip(), []).append(number)
    found: list[int | None] = []
    last = 0
    for source in history:
        candidates = numbers.get(source.strip())
        if candidates is None:
            found.append(None)
            continue
        last = next((n for n in candidates if n > last), candidates[0])
        found.append(last)
    return found


def is_top_to_bottom(executed: Sequence[int | None], cells: Sequence[str]) -> bool:
    """Whether the first cells ran, each of them once and in their order. Cells without code do not count."""
    filled = [number for number, source in enumerate(cells, 1) if source.strip()]
    return bool(executed) and list(executed) == filled[: len(executed)]
