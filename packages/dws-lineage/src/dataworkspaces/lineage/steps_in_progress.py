"""Which steps are writing to which places, so that those of a killed one are known to hold nobody knows what."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.errors import MetadataError
from dataworkspaces.lineage.from_json import step_from_json
from dataworkspaces.lineage.model import StepLineage
from dataworkspaces.toolbox.atomic import read_json_object, write_json
from dataworkspaces.workspace.resource_ref import ResourceRef


class InterruptedStep(NamedTuple):
    """A step whose process is gone, and what it was writing."""

    refs: tuple[ResourceRef, ...]
    step: StepLineage


class Writing:
    """A file for each step that is writing, and a lock beside it that its process holds.

    :param directory: of this machine; it need not exist."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def begin(self, refs: Sequence[ResourceRef], step: StepLineage) -> Callable[[], None]:
        """Note a step; what is returned forgets it, and may be called twice. Raises OSError."""
        from dataworkspaces.toolbox.lock import acquire

        self._directory.mkdir(parents=True, exist_ok=True)
        note = self._directory / f"{os.urandom(12).hex()}.json"
        lock = acquire(note.with_suffix(".lock"), 1.0)
        owner = os.getpid()
        try:
            write_json(note, {"refs": [list(ref) for ref in refs], "step": step.to_json()}, durable=True)
        except BaseException:
            lock.release()
            raise

        def end() -> None:
            if os.getpid() == owner:  # a copy of this process, made by fork, ends for itself alone
                note.unlink(missing_ok=True)
                lock.release()

        return end

    def interrupted(self) -> Iterator[AbstractContextManager[InterruptedStep]]:
        """The steps whose process is gone. Each is forgotten when its block has been left without an error."""
        try:
            # A note without a lock is that of a step that could not be settled the last time: the disk was full, say.
            notes = sorted(
                {path.with_suffix(".lock") for path in self._directory.iterdir() if path.suffix in _SUFFIXES}
            )
        except OSError:
            return
        for path in notes:
            note = path.with_suffix(".json")
            lock = _taken_over(path)
            if lock is None:
                continue
            try:
                for half_written in self._directory.glob(f".{note.name}.*.tmp"):
                    half_written.unlink(missing_ok=True)
                step = _read(note)
                if step is not None:
                    yield _forgetting(step, note)
            finally:
                lock()


_SUFFIXES = (".json", ".lock")


@contextmanager
def _forgetting(step: InterruptedStep, note: Path) -> Iterator[InterruptedStep]:
    yield step
    with suppress(OSError):
        note.unlink(missing_ok=True)


def _taken_over(lock_path: Path) -> Callable[[], None] | None:
    """The lock of a process that is gone; None if it is alive, or if the file system is read-only."""
    from dataworkspaces.toolbox.lock import HeldByAnother, acquire

    try:
        return acquire(lock_path, 0.0).release
    except (HeldByAnother, OSError):
        return None


def _read(note: Path) -> InterruptedStep | None:
    """None for a step that was killed before it could say what it writes."""
    if not note.exists():
        return None
    try:
        data = read_json_object(note, "refs", "step")
        refs = tuple(
            ResourceRef(str(name), None if subpath is None else str(subpath)) for name, subpath in data["refs"]
        )
        return InterruptedStep(refs, step_from_json(data["step"], str(note)))
    except (MetadataError, TypeError, ValueError):
        note.unlink(missing_ok=True)
        return None
