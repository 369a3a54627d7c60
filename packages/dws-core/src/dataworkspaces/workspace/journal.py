"""The journal: what a command was doing, so that the next one can complete or undo it.

One small file in the workspace's machine directory. It is written before the first change of an operation that takes
several steps, and removed after the last.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dataworkspaces.durability import flush_directory
from dataworkspaces.workspace.atomic import read_json_object, write_json

JOURNAL_FILE = "journal.json"


@dataclass(frozen=True)
class JournalEntry:
    """What a journal holds: the operation (a backend or command knows what it means) and its data."""

    operation: str
    command: str
    started: str
    pid: int
    host: str
    data: dict[str, Any]

    def describe(self) -> str:
        return f"'dws {self.command}' of {self.started[:19]} (process {self.pid} on {self.host})"


class Journal:
    """The journal of the command that holds the lock."""

    def __init__(self, directory: Path, command: str) -> None:
        self._path = Journal.path(directory)
        self._command = command
        self._started = datetime.now().isoformat()

    def record(self, operation: str, **data: Any) -> None:
        """Say how to complete or undo what follows, in the place of what was said before. On disk on return."""
        entry = {
            "operation": operation,
            "command": self._command,
            "started": self._started,
            "pid": os.getpid(),
            "host": os.uname().nodename,
            "data": data,
        }
        write_json(self._path, entry, durable=True)

    def clear(self) -> None:
        """The operation is complete."""
        _remove(self._path)

    @staticmethod
    def path(directory: Path) -> Path:
        """Where it lies in a machine directory."""
        return directory / JOURNAL_FILE

    @staticmethod
    def pending(directory: Path) -> JournalEntry | None:
        """The entry that a command left, if any."""
        path = Journal.path(directory)
        if not path.exists():
            return None
        fields = read_json_object(path)
        return JournalEntry(
            str(fields.get("operation")),
            str(fields.get("command")),
            str(fields.get("started")),
            int(fields.get("pid", 0)),
            str(fields.get("host")),
            dict(fields.get("data", {})),
        )

    @staticmethod
    def discard(directory: Path) -> None:
        _remove(Journal.path(directory))


def _remove(path: Path) -> None:
    """Also after a power cut: a restore that comes again would replace what was written since."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    flush_directory(path.parent)
