"""The table of ``%dws_history``."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.core.error import UsageError

from dataworkspaces.kits.jupyter.metrics import larger_is_better, ranks, standing
from dataworkspaces.kits.jupyter.tables import StyledFrame, Table, colors, heat, styled_frame

if TYPE_CHECKING:
    from dataworkspaces.api import SnapshotInfo

TAIL = 10
_FIXED = ["timestamp", "hash", "tags", "message"]


def history_table(
    snapshots: Sequence[SnapshotInfo],
    *,
    max_count: int | None = None,
    tail: bool = False,
    baseline: str | None = None,
    heatmap: bool = False,
    maximize: Collection[str] = (),
    minimize: Collection[str] = (),
) -> StyledFrame:
    """The snapshots, the oldest first unless ``tail``, with a column for each metric.

    :param snapshots: all that there are, the oldest first.
    :param baseline: tag or hash of the snapshot to compare with.
    """
    if both := sorted(set(maximize) & set(minimize)):
        raise UsageError(f"dws_history: {both[0]} is in both --maximize-metrics and --minimize-metrics")
    base = None if baseline is None else find_snapshot(snapshots, baseline)
    shown = list(reversed(snapshots)) if tail else list(snapshots)
    shown = shown[: max_count if max_count is not None else TAIL if tail else None]
    names = list(dict.fromkeys(name for s in shown for name in s.metrics or ()))
    if unknown := sorted({*maximize, *minimize}.difference(names)):
        raise UsageError(f"dws_history: no snapshot has a metric {unknown[0]}. There are: {', '.join(names) or 'none'}")
    values = [[_value((s.metrics or {}).get(name, math.nan)) for name in names] for s in shown]
    rows = [
        [s.snapshot_number, s.timestamp[:19], s.hashval[:8], ", ".join(s.tags), s.message, *row]
        for s, row in zip(shown, values, strict=True)
    ]
    styles: dict[tuple[int, int], tuple[str, str]] = {}
    for i, name in enumerate(names):
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
                kind = standing(value, (base.metrics or {}).get(name), larger)
                if kind is not None:
                    # On a heat map the ground tells already; the text on it stays readable.
                    styles.setdefault((line, place), (kind, colors(kind)))
    # A metric may have the name of a column, and names need be no texts.
    table = Table(None, ["", *_FIXED, *names], rows, styles)
    return styled_frame(_frame(rows, names), table)


def find_snapshot(snapshots: Sequence[SnapshotInfo], tag_or_hash: str) -> SnapshotInfo:
    """By its tag, or the beginning of its hash."""
    for snapshot in snapshots:
        if tag_or_hash in snapshot.tags:
            return snapshot
    found = [s for s in snapshots if s.hashval.startswith(tag_or_hash.lower())] if tag_or_hash else []
    if len(found) != 1:
        what = "More than one snapshot" if found else "No snapshot"
        raise UsageError(f"dws_history: {what} has the tag or hash {tag_or_hash}. %dws_history shows all of them")
    return found[0]


def _value(value: Any) -> Any:
    """JSON has no NaN and no infinities: they are texts in a results file."""
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else value


def _frame(rows: list[list[Any]], names: list[str]) -> pd.DataFrame:
    index = pd.Index([row[0] for row in rows], dtype="int64")
    columns = [*_FIXED, *names]
    series = {i: pd.Series([row[i + 1] for row in rows], index=index) for i in range(len(columns))}
    frame = pd.DataFrame(series, index=index)
    frame.columns = pd.Index(columns, dtype=object)
    return frame
