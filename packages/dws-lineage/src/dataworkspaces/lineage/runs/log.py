"""``run.jsonl``: what a run says of itself while it runs, one JSON object a line, each of them flushed to the disk.

The last line may be cut short, if the machine stopped; whoever reads it leaves it out, and what he does not know.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

__all__ = ["FORMAT", "FileRecord", "RunLog", "events_of", "files_from_json", "line_of", "new_run_id", "parse_log"]

FORMAT = 1


def new_run_id(now: datetime) -> str:
    """One that no other run has."""
    return f"{now:%Y%m%dT%H%M%S}-{os.urandom(4).hex()}"


class FileRecord(NamedTuple):
    """A file as the run left it; ``sha256`` is hexadecimal."""

    size: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        return {"size": self.size, "sha256": self.sha256}


class RunLog(NamedTuple):
    """What the log of a run tells.

    :ivar session: the same for all runs of one script, or one command of ``dws run``.
    :ivar files: by path, relative to the directory of the log.
    :ivar epochs: of each that ended its number and its metrics.
    :ivar status: how the run ended: ``completed`` or ``failed``; None if the log does not say.
    :ivar error: of which type the error was that ended it.
    :ivar seconds: for each of the epochs how long after the beginning it ended; None where the log does not say.
    """

    run_id: str
    session: str
    step: str
    name: str
    start_time: str
    parameters: dict[str, Any]
    files: dict[str, FileRecord]
    epochs: tuple[tuple[int, dict[str, Any]], ...] = ()
    status: str | None = None
    error: str | None = None
    seconds: tuple[float | None, ...] = ()

    def history(self) -> dict[str, list[Any]]:
        """By metric its value in each epoch; None where it has none."""
        names = dict.fromkeys(name for _, metrics in self.epochs for name in metrics)
        return {name: [metrics.get(name) for _, metrics in self.epochs] for name in names}


def line_of(event: str, values: Mapping[str, Any]) -> bytes:
    """One line of a log, with its end."""
    return json.dumps({"event": event, **values}).encode("utf-8") + b"\n"


def parse_log(content: bytes) -> RunLog | None:
    """What a log tells; None if it is none."""
    events = list(events_of(content))
    begin = next((event for event in events if event["event"] == "begin"), None)
    if begin is None or not all(isinstance(begin.get(key), str) for key in ("run_id", "step", "start_time")):
        return None
    parameters: dict[str, Any] = {}
    files: dict[str, FileRecord] = {}
    epochs: list[tuple[int, dict[str, Any]]] = []
    seconds: list[float | None] = []
    status = error = None
    for event in events:
        kind = event["event"]
        if kind in ("begin", "parameters") and isinstance(event.get("parameters"), dict):
            parameters.update(event["parameters"])
        elif kind == "file":
            files.update(files_from_json({event.get("path"): event}))
        elif kind == "moved" and isinstance(event.get("to"), str) and event.get("path") in files:
            files[event["to"]] = files.pop(event["path"])
        elif kind == "epoch" and isinstance(event.get("metrics"), dict):
            number = event.get("epoch")
            epochs.append((number if type(number) is int else len(epochs) + 1, event["metrics"]))
            seconds.append(_seconds(begin["start_time"], event.get("time")))
        if kind == "end":
            status = event["status"] if event.get("status") in ("completed", "failed") else None
            error = event["error"] if isinstance(event.get("error"), str) else None
        elif kind != "begin" and status is not None:
            status = error = None  # it went on after it had said that it had ended
    return RunLog(
        begin["run_id"],
        _text(begin.get("session")),
        begin["step"],
        _text(begin.get("name")) or begin["step"],
        begin["start_time"],
        parameters,
        files,
        tuple(epochs),
        status,
        error,
        tuple(seconds),
    )


def files_from_json(data: Any) -> dict[str, FileRecord]:
    """The list of files of a run, as far as it is one: it is anybody's."""
    found = {}
    for path, record in data.items() if isinstance(data, dict) else ():
        size, sha256 = (record.get("size"), record.get("sha256")) if isinstance(record, dict) else (None, None)
        if isinstance(path, str) and type(size) is int and isinstance(sha256, str):
            found[path] = FileRecord(size, sha256)
    return found


def events_of(content: bytes) -> Iterable[dict[str, Any]]:
    """The lines that are one, in their order; each has an ``event``."""
    for line in content.split(b"\n"):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            yield event


def _seconds(start: str, end: Any) -> float | None:
    try:
        return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    except (TypeError, ValueError):  # no time, or one of the two with a zone
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
