"""The table of ``%dws_history``: any metrics that people record."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from IPython.core.error import UsageError

from dataworkspaces.api import ExperimentInfo, SnapshotInfo
from dataworkspaces.kits.jupyter.history import history_table
from dataworkspaces.toolbox.metrics import larger_is_better, ranks, standing


def snapshots(*metrics: Any) -> list[ExperimentInfo]:
    """The newest, which is the last of these, first."""
    infos = [
        SnapshotInfo(i + 1, f"{i:x}abcdef0123", [f"t{i}"], f"2026-01-01T00:00:{i:02d}.5", f"<m{i}>", m)
        for i, m in enumerate(metrics)
    ]
    return [ExperimentInfo(info, "", [], info.metrics or {}, {}, False) for info in reversed(infos)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", True), ("val_accuracy", True), ("f1-score", True), ("ROC AUC", True), ("r2_score", True),
        ("loss", False), ("val_loss", False), ("mean_squared_error", False), ("brier_score", False), ("rmse", False),
        ("air_slope", None), ("lossless", None), ("roadmap", None),
    ],
)  # fmt: skip
def test_directions_of_common_metrics(name: str, expected: bool | None) -> None:
    assert larger_is_better(name) is expected
    assert larger_is_better(name, maximize=[name]) is True
    assert larger_is_better(name, minimize=[name]) is False


def test_ranks_leave_out_what_is_no_number() -> None:
    assert ranks([1, 3, math.nan, "x", None, True, 2.0], larger=True) == [0, 1, None, None, None, None, 0.5]
    assert ranks([5, 5], larger=False) == [0.5, 0.5]
    assert ranks([1e308, -1e308, math.inf, 10**400], larger=True) == [1, 0, None, None]
    assert ranks([], larger=True) == []


def test_standing_to_the_baseline() -> None:
    assert [standing(v, 0.5, True) for v in (0.6, 0.501, 0.4, math.nan)] == ["better", "close", "worse", None]
    assert standing(0.4, 0.5, False) == "better"
    assert standing(1, None, True) is None


def test_missing_nan_and_text_values() -> None:
    table = history_table(snapshots({"loss": 1.0, "u": "<b>", "other": 1}, None, {"loss": math.nan}), heatmap=True)
    assert list(table.columns) == ["timestamp", "hash", "tags", "message", "loss", "u", "other"]
    assert table["loss"].dtype == float
    assert table["loss"].isna().tolist() == [True, True, False]
    html = table._repr_html_()
    assert html.count("hsl(") == 1
    assert "<b>" not in html
    assert "&lt;m1&gt;" in html


def test_tail_and_max_count() -> None:
    many = snapshots(*[{"loss": i} for i in range(12)])
    assert list(history_table(many, tail=True).index) == list(range(12, 2, -1))
    assert list(history_table(many).index) == list(range(12, 0, -1))
    assert list(history_table(many, max_count=2).index) == [12, 11]
    assert list(history_table(many, max_count=2, tail=True).index) == [12, 11]
    assert list(history_table([]).index) == []


def test_a_metric_may_have_the_name_of_a_column() -> None:
    table = history_table(snapshots({"message": 1.0}))
    assert list(table.columns).count("message") == 2


def test_the_baseline_may_be_outside_of_what_is_shown() -> None:
    table = history_table(snapshots({"loss": 1.0}, {"loss": 2.0}), baseline="t0", max_count=1)
    assert re.findall(r'class="dws-(\w+)"', table._repr_html_()) == ["worse"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baseline": "nope"}, "No snapshot has the tag or hash nope"),
        ({"baseline": ""}, "No snapshot"),
        ({"maximize": ["x"]}, "no snapshot has a metric x. Available: loss"),
        ({"maximize": ["loss"], "minimize": ["loss"]}, "loss is in both"),
    ],
)
def test_mistakes(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        history_table(snapshots({"loss": 1.0}), **options)


def test_what_is_made_of_the_table_is_shown_as_pandas_does() -> None:
    table = history_table(snapshots({"loss": 1.0}, {"loss": 2.0}))
    assert "dataframe" in table.head(1)._repr_html_()
    assert table["loss"].mean() == 1.5
