"""The table of ``%dws_history``."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.core.error import UsageError

from dataworkspaces.kits.jupyter.tables import StyledFrame, Table, colors, heat, styled_frame
from dataworkspaces.toolbox.metrics import larger_is_better, ranks, standing

if TYPE_CHECKING:
    from dataworkspaces.api import ExperimentInfo, SnapshotInfo

TAIL = 10
_FIXED = ["timestamp", "hash", "tags", "message"]


def history_table(
    experiments: Sequence[ExperimentInfo],
    *,
    max_count: int | None = None,
    tail: bool = False,
    baseline: str | None = None,
    heatmap: bool = False,
    maximize: Collection[str] = (),
    minimize: Collection[str] = (),
) -> StyledFrame:
    """The experiments, in their order (the newest first), with a column for each metric, and for each parameter that
    varies.

    :param tail: only the first ten.
    :param baseline: tag or hash of the snapshot to compare with.
    """
    if both := sorted(set(maximize) & set(minimize)):
        raise UsageError(f"dws_history: {both[0]} is in both --maximize-metrics and --minimize-metrics")
    base = None if baseline is None else find_experiment(experiments, baseline)
    shown = list(experiments[: max_count if max_count is not None else TAIL if tail else None])
    metrics = list(dict.fromkeys(name for e in shown for name in e.metrics))
    names = [*metrics, *dict.fromkeys(name for e in shown for name in e.parameters if name not in metrics)]
    if unknown := sorted({*maximize, *minimize}.difference(metrics)):
        raise UsageError(
            f"dws_history: no snapshot has a metric {unknown[0]}. Available: {', '.join(metrics) or 'none'}"
        )
    values = [[e.metrics.get(n, e.parameters.get(n, math.nan)) for n in names] for e in shown]
    rows = [[*_about(e.snapshot), *row] for e, row in zip(shown, values, strict=True)]
    styles: dict[tuple[int, int], tuple[str, str]] = {}
    for i, name in enumerate(metrics):
        larger = larger_is_better(name, maximize, minimize)
        if larger is None:
            continue
        column, place = [row[i] for row in values], 1 + len(_FIXED) + i
        if heatmap:
            for line, part in enumerate(ranks(column, larger)):
                if part is not None:
                    styles[line, place] = ("heat", heat(part))
        if base is not None:
            for line, value in enumerate(column):
                kind = standing(value, base.metrics.get(name), larger)
                if kind is not None:
                    # On a heat map the ground tells already; the text on it stays readable.
                    styles.setdefault((line, place), (kind, colors(kind)))
    # A metric may have the name of a column, and names need be no texts.
    table = Table(None, ["", *_FIXED, *names], rows, styles)
    return styled_frame(_frame(rows, names), table)


def find_experiment(experiments: Sequence[ExperimentInfo], tag_or_hash: str) -> ExperimentInfo:
    """By the tag of its snapshot, or the beginning of its hash."""
    for experiment in experiments:
        if experiment.snapshot is not None and tag_or_hash in experiment.snapshot.tags:
            return experiment
    wanted = tag_or_hash.lower()
    found = [e for e in experiments if wanted and e.snapshot is not None and e.snapshot.hashval.startswith(wanted)]
    if len(found) != 1:
        what = "More than one snapshot" if found else "No snapshot"
        raise UsageError(f"dws_history: {what} has the tag or hash {tag_or_hash}. %dws_history shows all of them")
    return found[0]


def _about(snapshot: SnapshotInfo | None) -> list[Any]:
    """Number, time, hash, tags and message; of the present state that it is that."""
    if snapshot is None:
        return [0, "", "now", "", ""]
    tags = ", ".join(snapshot.tags)
    return [snapshot.snapshot_number, snapshot.timestamp[:19], snapshot.hashval[:8], tags, snapshot.message]


def _frame(rows: list[list[Any]], names: list[str]) -> pd.DataFrame:
    index = pd.Index([row[0] for row in rows], dtype="int64")
    columns = [*_FIXED, *names]
    series = {i: pd.Series([row[i + 1] for row in rows], index=index) for i in range(len(columns))}
    frame = pd.DataFrame(series, index=index)
    frame.columns = pd.Index(columns, dtype=object)
    return frame
