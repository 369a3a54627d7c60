"""Numbers as a picture in one line."""

from __future__ import annotations

import pytest

from dataworkspaces.cli.sparkline import sparkline


@pytest.mark.parametrize(
    ("values", "picture"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([1, 0.5, 0], "█▅▁"),
        ([2, None, 1], "█ ▁"),
        ([3, 3], "▅▅"),
        ([-1.7e308, 1.7e308], "▁█"),
        ([None], ""),
        ([], ""),
    ],
)
def test_a_bar_for_each(values: list[float | None], picture: str) -> None:
    assert sparkline(values) == picture


def test_many_numbers_are_taken_together() -> None:
    assert sparkline([0, 0, 1, 1, 2, None, None, None], 4) == "▁▅█ "
    assert len(sparkline(list(range(100_000)))) == 40
