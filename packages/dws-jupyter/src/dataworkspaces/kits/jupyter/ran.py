"""What ran in a kernel, and when."""

from __future__ import annotations

import time
from typing import Any


class Ran:
    """Of each cell what it held when it last ran, the cell that ran last at the end."""

    def __init__(self) -> None:
        self._cells: dict[str, tuple[float, str]] = {}

    def note(self, info: Any) -> None:
        """For IPython's event ``pre_run_cell``. What front ends run for themselves is not in the history.

        Not every front end tells which cell it is; then it is another one for each source."""
        if info.store_history:
            self.add(info.cell_id or info.raw_cell, info.raw_cell)

    def add(self, cell: str, source: str) -> None:
        if source.strip():
            self._cells.pop(cell, None)
            self._cells[cell] = (time.time(), source.strip())

    def after(self, moment: float) -> list[str]:
        """The sources of the cells that last ran after this, in seconds since the epoch."""
        return [source for ran, source in self._cells.values() if ran > moment]

    def last(self) -> str | None:
        """The source of the cell that runs."""
        return next((source for _, source in reversed(self._cells.values())), None)
