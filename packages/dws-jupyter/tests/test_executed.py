"""Which cells ran, in which order."""

from __future__ import annotations

import pytest

from dataworkspaces.kits.jupyter.executed import executed_cells, is_top_to_bottom

CELLS = ["import x", "f()", "", "f()", "g()"]


@pytest.mark.parametrize(
    ("history", "executed", "in_order"),
    [
        ([], [], False),
        (["import x"], [1], True),
        (["import x", "f()", "f()", "g()"], [1, 2, 4, 5], True),
        (["import x\n", " f() "], [1, 2], True),
        (["f()", "import x"], [2, 1], False),
        (["import x", "f()", "import x"], [1, 2, 1], False),
        (["import x", "g()"], [1, 5], False),
        (["import x", "was edited since"], [1, None], False),
        (["f()", "f()", "f()"], [2, 4, 2], False),
    ],
)
def test_cells_are_told_by_their_sources(history: list[str], executed: list[int | None], in_order: bool) -> None:
    assert executed_cells(history, CELLS) == executed
    assert is_top_to_bottom(executed, CELLS) is in_order
