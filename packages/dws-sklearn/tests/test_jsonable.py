"""Metrics of NumPy and pandas as JSON: ``dataworkspaces.lineage.jsonable``, whose own tests do without these."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dataworkspaces.lineage import jsonable

VALUES: list[tuple[Any, Any]] = [
    (np.float32(0.5), 0.5),
    (np.float64("nan"), "NaN"),
    (np.float32("inf"), "Infinity"),
    (-np.float64("inf"), "-Infinity"),
    (np.longdouble("1.5"), 1.5),
    (np.longdouble("nan"), "NaN"),
    (np.float16(0.5), 0.5),
    (np.bool_(True), True),
    (np.int8(-3), -3),
    (np.uint64(2**63), 2**63),
    (np.datetime64("2020-01-01"), "2020-01-01"),
    (np.array(0.5), 0.5),
    (np.array([0.5, np.nan]), [0.5, "NaN"]),
    (pd.Timestamp("2020-01-01"), "2020-01-01T00:00:00"),
    (pd.Series([1, 2]), [1, 2]),
    ({np.int64(1): np.float64(0.5)}, {"1": 0.5}),
]


@pytest.mark.parametrize(("value", "expected"), VALUES, ids=lambda v: f"{type(v).__name__}: {v}"[:40])
def test_values(value: Any, expected: Any) -> None:
    found = jsonable(value)
    assert found == expected
    assert type(found) is type(expected)
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("value", [pd.NA, pd.NaT, np.complex128(1j), pd.Timedelta("1s"), pd.Interval(0, 1)])
def test_what_json_has_no_word_for_is_a_text(value: Any) -> None:
    assert isinstance(jsonable(value), str)
