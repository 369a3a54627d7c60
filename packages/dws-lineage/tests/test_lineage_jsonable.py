"""Values of any kind as readable JSON. Those of NumPy and pandas are in the tests of the kit that needs them."""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import date, datetime
from enum import Enum, IntEnum
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataworkspaces.lineage import jsonable


class Color(Enum):
    RED = 1


class Level(IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: int


class Thing:
    pass


class Model:
    def __repr__(self) -> str:
        return "Model(depth=3,\n      at <lock at 0x7f00DEAD>)"


class Scalar:
    """What a scalar of an array library looks like."""

    shape = ()

    def item(self) -> float:
        return 0.5


class Array:
    """What an array looks like."""

    dtype = "float64"

    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def tolist(self) -> list[Any]:
        return [float("nan")] * self.shape[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (0.1, 0.1),
        ("text", "text"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        ((1, 2), [1, 2]),
        (Point(1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (OrderedDict(a=1), {"a": 1}),
        ({0.0: 1, None: 2, ("a", 1): 3}, {"0.0": 1, "None": 2, "('a', 1)": 3}),
        (Path("a/b"), "a/b"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 12), "2026-01-31T12:00:00"),
        (b"ab\xff", "ab\\xff"),
        (Color.RED, "RED"),
        (Level.HIGH, "HIGH"),
        (int, "int"),
        (OrderedDict, "collections.OrderedDict"),
        (json.dumps, "json.dumps"),
        (Scalar(), 0.5),
        (Array(2), ["NaN", "NaN"]),
        (Array(1000, 1000), "Array(shape=(1000, 1000), dtype=float64)"),
        ({"deep": [{"er": float("nan")}]}, {"deep": [{"er": "NaN"}]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_is_readable(value: Any, expected: Any) -> None:
    assert jsonable(value) == expected


def test_object_is_its_repr_in_one_line_without_addresses() -> None:
    assert jsonable(Model()) == "Model(depth=3, at <lock>)"


@pytest.mark.parametrize("value", [Thing(), lambda: None, partial(int, base=2)])
def test_object_is_the_same_in_each_run(value: Any) -> None:
    assert "0x" not in jsonable(value)


@pytest.mark.slow
@given(
    st.recursive(st.floats() | st.text() | st.integers() | st.binary(), lambda i: st.lists(i) | st.sets(st.floats()))
)
def test_anything_is_valid_json(value: Any) -> None:
    json.dumps(jsonable(value), allow_nan=False)
