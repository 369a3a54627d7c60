"""Two contestants do the same in turn, and their times are compared."""

from __future__ import annotations

import json
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


def _nothing(_round: int) -> None:
    pass


@dataclass(frozen=True)
class Contestant:
    """Somebody who does the operation. Both functions are told the round: 0, 1, …"""

    name: str
    run: Callable[[int], object]
    prepare: Callable[[int], object] = _nothing
    """What has to be done before each run, and is not timed."""


@dataclass(frozen=True)
class Sample:
    """What was measured of one contestant; times are in seconds."""

    name: str
    values: tuple[float, ...]
    cpu: tuple[float, ...] = ()
    """What the processes computed meanwhile; waiting, for the disk or for their turn, is not in it."""

    @property
    def minimum(self) -> float:
        return min(self.values)

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    group: str
    operation: str
    ours: Sample
    peer: Sample
    unit: str = "s"
    """``s`` for times; else what was counted."""
    ratio_at_most: float | None = None
    ours_at_most: float | None = None

    @property
    def ratio(self) -> float:
        """Of the minima: what other processes do can only lengthen a time, so they disturb a minimum least."""
        return self.ours.minimum / self.peer.minimum

    @property
    def cpu_ratio(self) -> float | None:
        return min(self.ours.cpu) / min(self.peer.cpu) if self.ours.cpu and self.peer.cpu else None

    @property
    def target(self) -> str:
        if self.ratio_at_most is not None:
            return f"ratio ≤ {self.ratio_at_most:g}"
        return "" if self.ours_at_most is None else f"≤ {self.ours_at_most:g} {self.unit}"

    @property
    def missed(self) -> bool:
        ratio_missed = self.ratio_at_most is not None and self.ratio > self.ratio_at_most
        return ratio_missed or (self.ours_at_most is not None and self.ours.minimum > self.ours_at_most)

    def as_json(self) -> dict[str, Any]:
        samples = {"ours": self.ours, "peer": self.peer}
        return {
            "group": self.group,
            "operation": self.operation,
            "unit": self.unit,
            **{
                side: {"name": s.name, "min": s.minimum, "median": s.median, "values": s.values, "cpu": s.cpu}
                for side, s in samples.items()
            },
            "ratio": self.ratio,
            "cpu_ratio": self.cpu_ratio,
            "target": self.target or None,
            "missed": self.missed,
        }


def race(ours: Contestant, peer: Contestant, rounds: int, *, warm_up: bool = True) -> tuple[Sample, Sample]:
    """Let both run once a round, and change every round who is first.

    So a machine that grows slower or faster meanwhile does that to both. With `warm_up`, round 0 is not counted."""
    measured: dict[Contestant, list[tuple[float, float]]] = {ours: [], peer: []}
    for number in range(rounds + warm_up):
        for contestant in (ours, peer) if number % 2 else (peer, ours):
            contestant.prepare(number)
            cpu, start = _cpu_of_children(), time.perf_counter()
            contestant.run(number)
            elapsed = time.perf_counter() - start
            measured[contestant].append((elapsed, _cpu_of_children() - cpu))
    our_sample, peer_sample = (
        Sample(contestant.name, *zip(*measured[contestant][int(warm_up) :], strict=True)) for contestant in (ours, peer)
    )
    return our_sample, peer_sample


def _cpu_of_children() -> float:
    """Of all that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(rows: Iterable[Row]) -> str:
    """The rows as Markdown: minimum and, in brackets, median; times in milliseconds."""
    lines = [("operation", "ours", "peer", "ratio", "CPU ratio", "target", "")]
    for row in rows:
        median_ratio = row.ours.median / row.peer.median
        lines.append(
            (
                f"{row.group}: {row.operation}",
                f"{row.ours.name}: {_shown(row.ours, row.unit)}",
                f"{row.peer.name}: {_shown(row.peer, row.unit)}",
                f"{row.ratio:.2f} ({median_ratio:.2f})",
                "" if row.cpu_ratio is None else f"{row.cpu_ratio:.2f}",
                row.target,
                "MISSED" if row.missed else "met" if row.target else "",
            )
        )
    return _aligned(lines)


def as_json(rows: Sequence[Row], about: dict[str, str]) -> str:
    return json.dumps({**about, "rows": [row.as_json() for row in rows]}, indent=2) + "\n"


def _shown(sample: Sample, unit: str) -> str:
    if unit == "s":
        return f"{1000 * sample.minimum:.0f} ms ({1000 * sample.median:.0f})"
    return f"{sample.minimum:g}"


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in [lines[0], rule, *lines[1:]]
    )
