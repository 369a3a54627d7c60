"""The journal: what a command was doing, so that the next one can complete or undo it.

One small file in the workspace's machine directory. It is written before the first change of an operation that takes
several steps, and removed after the last.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from dataworkspaces.durability import flush_directory
from dataworkspaces.errors import MetadataError
from dataworkspaces.toolbox.atomic import read_json_object, write_json
from dataworkspaces.toolbox.regular import is_present

JOURNAL_FILE = "journal.json"
ABANDONED = "abandoned"
"""The directory of journals that were set aside, in the machine directory."""


class JournalEntry(NamedTuple):
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
        if not is_present(path):
            return None
        fields = read_json_object(path)
        for key, kind in (("operation", str), ("data", dict)):
            if not isinstance(fields.get(key), kind):
                raise MetadataError(f"{path} is not a journal: '{key}' is {fields.get(key)!r:.60}")
        pid = fields.get("pid")
        return JournalEntry(
            fields["operation"],
            str(fields.get("command"))[:80],
            str(fields.get("started")),
            pid if isinstance(pid, int) else 0,
            str(fields.get("host"))[:80],
            dict(fields["data"]),
        )

    @staticmethod
    def abandon(directory: Path) -> Path:
        """Set the journal aside, whatever it holds, and return its new place. Nothing else changes."""
        return set_note_aside(Journal.path(directory), "")

    @staticmethod
    def discard(directory: Path) -> None:
        _remove(Journal.path(directory))


def set_note_aside(path: Path, what: str) -> Path:
    """Move a file that says how to finish something to :data:`ABANDONED` beside it, and return its new place."""
    aside = path.parent / ABANDONED
    aside.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.now():%Y%m%dT%H%M%S}{what}"
    number, target = 1, aside / f"{name}.json"
    while is_present(target):
        number += 1
        target = aside / f"{name}-{number}.json"
    path.rename(target)
    flush_directory(path.parent)
    return target


def _remove(path: Path) -> None:
    """Also after a power cut: a restore that comes again would replace what was written since."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    flush_directory(path.parent)
