"""The runs under way, and the last ones, with their metrics epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from dataworkspaces.commands.live import runs_by_name
from dataworkspaces.lineage.jsonable import jsonable

if TYPE_CHECKING:
    from dataworkspaces.lineage.live import LiveRun
    from dataworkspaces.workspace import Workspace

MOST_RUNS = 30
"""Of those that have ended."""
MOST_POINTS = 2000
"""Of a course: more than a screen has."""

T = TypeVar("T")


def live(workspace: Workspace) -> dict[str, Any]:
    """Those under way first, each the latest first."""
    found = runs_by_name(workspace)
    running = [run for run in found if run.is_running]
    ended = [run for run in found if not run.is_running]
    return {"runs": [_told(run) for run in [*running, *ended[:MOST_RUNS]]]}


def _told(run: LiveRun) -> dict[str, Any]:
    epochs, samples = thinned(run.epochs), thinned(run.system)
    names = dict.fromkeys(name for epoch in epochs for name in epoch.metrics)
    return {
        "run_id": run.run_id,
        "step": run.step,
        "name": run.name,
        "status": run.status,
        "started": run.started.isoformat(),
        "ended": None if run.ended is None else run.ended.isoformat(),
        "host": run.host,
        "process": run.process,
        "error": run.error,
        "parameters": jsonable(run.parameters),
        "count": len(run.epochs),
        "epochs": [epoch.number for epoch in epochs],
        "seconds": [(epoch.time - run.started).total_seconds() for epoch in epochs],
        "history": {name: [_number(epoch.metrics.get(name)) for epoch in epochs] for name in names},
        "last": jsonable(run.epochs[-1].metrics) if run.epochs else {},
        "system": {
            "seconds": [(sample.time - run.started).total_seconds() for sample in samples],
            "values": {
                name: [_number(sample.values.get(name)) for sample in samples]
                for name in dict.fromkeys(name for sample in samples for name in sample.values)
            },
        },
    }


def thinned(points: Sequence[T]) -> list[T]:
    """At most :data:`MOST_POINTS` of them, at the same distances, with the last."""
    step = math.ceil(len(points) / MOST_POINTS) or 1
    return [*points[: len(points) - 1 : step], *points[-1:]]


def _number(value: Any) -> float | None:
    """None for what no chart can show, as a whole number that is larger than any other."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None
