"""Runs as they run: a file for each on this machine, which its process appends to, and all may read.

``live/RUN_ID.jsonl`` of the machine directory is never versioned and never sent anywhere. Its lines are those of
``run.jsonl`` (:mod:`.runs.log`); the first also says which process writes it. A line is one write: a process that is
killed leaves all lines before, and at most one that is cut short, which readers leave out.

    for run in live_runs(workspace):
        print(run.step, run.status, run.epochs[-1].metrics if run.epochs else "")
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from dataworkspaces.durability import boot_id
from dataworkspaces.lineage.runs.log import events_of, line_of
from dataworkspaces.toolbox.processes import is_alive, process_namespace, start_time
from dataworkspaces.toolbox.regular import read_regular
from dataworkspaces.workspace import Workspace

__all__ = ["LiveEpoch", "LiveRecord", "LiveRun", "LiveSample", "live_runs"]

DIRECTORY = "live"
KEPT = 100
"""So many records of runs that have ended stay; older ones go when another run begins."""
_SUFFIX = ".jsonl"
_MOST_BYTES = 1 << 26
"""Of a longer record the beginning is read, and so much of its end."""
_OF_THE_BEGINNING = 1 << 18


@dataclass(frozen=True)
class LiveEpoch:
    """:ivar number: which epoch ended, from 1.
    :ivar time: when, in local time.
    :ivar metrics: by name a number; a text for what is no finite number (``NaN``)."""

    number: int
    time: datetime
    metrics: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"epoch": self.number, "time": self.time.isoformat(), "metrics": self.metrics}


@dataclass(frozen=True)
class LiveSample:
    """What the process used of the machine at one time: percent where the name ends so, else bytes."""

    time: datetime
    values: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"time": self.time.isoformat(), "values": self.values}


@dataclass(frozen=True)
class LiveRun:
    """A run as its record tells, which may be of somebody else's making: texts are to be escaped where they are shown.

    :ivar session: the same for all runs of one script; for those in a command of ``dws run``, the ``run_id`` of that.
    :ivar name: what the run is called among those of its session.
    :ivar started: in local time, as ``ended`` is, which is None for a run that has not said that it has ended.
    :ivar is_alive: whether its process lives; one that cannot be looked at from this machine counts as alive.
    :ivar status: ``running``, ``completed``, ``failed``, or ``killed``: its process is gone, and did not say how.
    :ivar epochs: those that have ended, in the order in which they did.
    :ivar error: of which type the error was that ended it."""

    run_id: str
    session: str
    step: str
    name: str
    started: datetime
    ended: datetime | None
    is_alive: bool
    status: str
    process: int
    host: str
    parameters: dict[str, Any] = field(default_factory=dict)
    epochs: tuple[LiveEpoch, ...] = ()
    system: tuple[LiveSample, ...] = ()
    error: str | None = None

    @property
    def is_command(self) -> bool:
        """Whether it is a command of ``dws run``, within which others may run."""
        return self.run_id == self.session

    @property
    def is_running(self) -> bool:
        return self.status == "running"

    def history(self) -> dict[str, list[Any]]:
        """By metric its value in each of the epochs; None where it has none."""
        names = dict.fromkeys(name for epoch in self.epochs for name in epoch.metrics)
        return {name: [epoch.metrics.get(name) for epoch in self.epochs] for name in names}

    def to_json(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "session": self.session,
            "step": self.step,
            "name": self.name,
            "started": self.started.isoformat(),
            "ended": None if self.ended is None else self.ended.isoformat(),
            "status": self.status,
            "is_alive": self.is_alive,
            "process": self.process,
            "host": self.host,
            "parameters": self.parameters,
            "epochs": [epoch.to_json() for epoch in self.epochs],
            "system": [sample.to_json() for sample in self.system],
            "error": self.error,
        }


def live_runs(workspace: Workspace) -> list[LiveRun]:
    """The runs under way in this copy of the workspace, and the last ones that have ended or were killed; the latest
    first. Changes nothing; what cannot be read is left out."""
    found = [_read(path) for path in _records(workspace)]
    return sorted((run for run in found if run is not None), key=lambda run: (run.started, run.run_id), reverse=True)


class LiveRecord:
    """The record of a run of this process. Each method raises OSError for what cannot be written."""

    def __init__(self, workspace: Workspace, run_id: str) -> None:
        self._directory = workspace.get_machine_directory() / DIRECTORY
        self._path = self._directory / f"{run_id}{_SUFFIX}"
        self._is_cut_short = False

    def begin(self, values: Mapping[str, Any]) -> None:
        """The first line: ``run_id``, ``session``, ``step``, ``name``, ``start_time`` and ``parameters``."""
        self._directory.mkdir(parents=True, exist_ok=True)
        _remove_old(self._directory)
        process = {
            "process": os.getpid(),
            "process_started": start_time(os.getpid()),
            "boot": boot_id(),
            "namespace": process_namespace(),
            "host": os.uname().nodename,
        }
        self.append("begin", {**values, **process})

    def append(self, event: str, values: Mapping[str, Any]) -> None:
        """One more line, for all to read on return. If the process is killed, and the machine goes on, it stays."""
        line = b"\n" * self._is_cut_short + line_of(event, values)
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            written = os.write(fd, line)
            self._is_cut_short = written < len(line)
        finally:
            os.close(fd)
        if self._is_cut_short:
            raise OSError(f"Only {written} of {len(line)} bytes could be written to {self._path}")

    def discard(self) -> None:
        """All is as if it had never begun."""
        self._path.unlink(missing_ok=True)


def _records(workspace: Workspace) -> list[Path]:
    directory = workspace.get_machine_directory() / DIRECTORY
    try:
        return sorted(path for path in directory.iterdir() if path.suffix == _SUFFIX)
    except OSError:
        return []


def _remove_old(directory: Path) -> None:
    """The names begin with the time. What is no record stays: it is somebody's."""
    with suppress(OSError):
        records = sorted(path for path in directory.iterdir() if path.suffix == _SUFFIX)
        for path in records[:-KEPT]:
            run = _read(path)
            if run is not None and not run.is_running:
                path.unlink(missing_ok=True)


def _read(path: Path) -> LiveRun | None:
    """None for what is no record."""
    try:
        events = list(events_of(_content(path)))
    except OSError:
        return None
    begin = next((event for event in events if event["event"] == "begin"), {})
    run_id, step, started = begin.get("run_id"), begin.get("step"), _time(begin.get("start_time"))
    if not isinstance(run_id, str) or run_id != path.stem or not isinstance(step, str) or started is None:
        return None
    ended, status, error = _end(events)
    lives = ended is None and _lives(begin)
    return LiveRun(
        run_id,
        _text(begin.get("session")),
        step,
        _text(begin.get("name")) or step,
        started,
        ended,
        _lives(begin),
        status if ended is not None else "running" if lives else "killed",
        _whole(begin.get("process")),
        _text(begin.get("host")),
        _parameters(events),
        tuple(_epochs(events)),
        tuple(_samples(events)),
        error,
    )


def _content(path: Path) -> bytes:
    """Without the middle of a record that is too long. Lines that are cut there are no lines, and left out."""
    size = path.stat().st_size
    if size <= _MOST_BYTES or not path.is_file():
        return read_regular(path)
    with path.open("rb") as file:
        beginning = file.read(_OF_THE_BEGINNING)
        file.seek(size - _MOST_BYTES)
        return beginning + b"\n" + file.read(_MOST_BYTES)


def _end(events: list[dict[str, Any]]) -> tuple[datetime | None, str, str | None]:
    """When the run ended, how, and by which error; one that goes on after it has said so has not."""
    event: dict[str, Any] = next((event for event in reversed(events) if event["event"] != "system"), {})
    ended = _time(event.get("time")) if event.get("event") == "end" else None
    error = event.get("error")
    status = "completed" if event.get("status") == "completed" else "failed"
    return ended, status, error if ended is not None and isinstance(error, str) else None


def _parameters(events: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for event in events:
        if event["event"] in ("begin", "parameters") and isinstance(event.get("parameters"), dict):
            found.update(event["parameters"])
    return found


def _epochs(events: list[dict[str, Any]]) -> Iterator[LiveEpoch]:
    for event in events:
        number, time, metrics = event.get("epoch"), _time(event.get("time")), event.get("metrics")
        if event["event"] == "epoch" and type(number) is int and time is not None and isinstance(metrics, dict):
            yield LiveEpoch(number, time, metrics)


def _samples(events: list[dict[str, Any]]) -> Iterator[LiveSample]:
    for event in events:
        time, values = _time(event.get("time")), event.get("values")
        if event["event"] == "system" and time is not None and isinstance(values, dict):
            yield LiveSample(time, {name: v for name, v in values.items() if isinstance(v, (int, float))})


def _lives(begin: Mapping[str, Any]) -> bool:
    host, namespace, own = begin.get("host"), begin.get("namespace"), process_namespace()
    if host != os.uname().nodename or (namespace is not None and own is not None and namespace != own):
        return True
    started, boot = begin.get("process_started"), begin.get("boot")
    return is_alive(
        _whole(begin.get("process")),
        started if isinstance(started, str) else None,
        boot if isinstance(boot, str) else None,
    )


def _time(value: Any) -> datetime | None:
    """Local, without a zone; None for what is none."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is None else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any) -> int:
    return value if type(value) is int else 0
