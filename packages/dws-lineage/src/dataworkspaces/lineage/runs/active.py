"""Which runs write to which results directory now: a note for each, and a lock beside it that its process holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from dataworkspaces.errors import LockedError, MetadataError
from dataworkspaces.toolbox.atomic import explain_os_error, read_json_object, write_json
from dataworkspaces.toolbox.lock import HeldByAnother, acquire
from dataworkspaces.workspace import ResourceRef, Workspace

DIRECTORY = "running"
_BEGIN_SECONDS = 60.0


class ActiveRun(NamedTuple):
    """:ivar place: the directory that it writes to, relative to the resource."""

    run_id: str
    session: str
    step: str
    resource: str
    results: str | None
    place: str | None
    start_time: str
    process: int
    host: str

    def describe(self) -> str:
        return f"step {self.step} of {self.start_time[:19].replace('T', ' ')} (process {self.process} on {self.host})"


class Held:
    """The note of a run of this process, until it is released."""

    def __init__(self, note: Path, lock: Any) -> None:
        self._note = note
        self._lock = lock
        self._owner = os.getpid()

    def write(self, run: ActiveRun) -> None:
        write_json(self._note, run._asdict())

    def release(self) -> None:
        """May be called twice. A copy of the process, made by fork, ends for itself alone."""
        if os.getpid() == self._owner:
            with suppress(OSError):
                self._note.unlink(missing_ok=True)
            self._lock.release()


class ActiveRuns:
    """Those of one copy of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._directory = workspace.get_machine_directory() / DIRECTORY

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """One run begins at a time."""
        path = self._directory / "begin.lock"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            lock = acquire(path, _BEGIN_SECONDS)
        except HeldByAnother as e:
            raise LockedError(f"No run can begin: {e.message}", hint="'dws unlock' removes a stale lock") from None
        except OSError as e:
            raise explain_os_error(e, "Beginning a run") from e
        try:
            yield
        finally:
            lock.release()

    def hold(self, run: ActiveRun) -> Held:
        note = self._directory / f"{run.run_id}.json"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            lock = acquire(note.with_suffix(".lock"), 1.0)
        except OSError as e:
            raise explain_os_error(e, "Beginning a run") from e
        held = Held(note, lock)
        try:
            held.write(run)
        except BaseException:
            held.release()
            raise
        return held

    def all(self) -> list[ActiveRun]:
        """Those whose process lives. What dead ones left is removed."""
        found = []
        for note in sorted(self._directory.glob("*.json")) if self._directory.is_dir() else ():
            if not _is_held(note):
                continue
            with suppress(MetadataError, TypeError):
                data = read_json_object(note, *ActiveRun._fields)
                found.append(ActiveRun(**{name: data[name] for name in ActiveRun._fields}))
        return found

    def of(self, ref: ResourceRef) -> list[ActiveRun]:
        """Those that write to a results directory."""
        return [run for run in self.all() if (run.resource, run.results) == tuple(ref)]


def this_host() -> str:
    import socket

    return socket.gethostname()


def _is_held(note: Path) -> bool:
    """Whether the process of a run lives, as far as can be told; one of a machine that we do not see does."""
    try:
        lock = acquire(note.with_suffix(".lock"), 0.0)
    except (HeldByAnother, OSError):
        return True
    with suppress(OSError):
        note.unlink(missing_ok=True)
    lock.release()
    return False
