"""What earlier runs left: moved aside when a new one begins, and kept on this machine for a while.

``runs/RUN_ID/`` of the machine directory holds ``earlier.json``, which is written first, and ``files/``. ``dws gc``
removes it when it is older than its ``--keep-days``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dataworkspaces.errors import MetadataError
from dataworkspaces.lineage.runs.directory import ResultsDirectory
from dataworkspaces.lineage.runs.log import new_run_id
from dataworkspaces.toolbox.atomic import read_json_object, write_json
from dataworkspaces.toolbox.move_files import delete_tree
from dataworkspaces.workspace import ResourceRef, Workspace

__all__ = ["EarlierRun", "EarlierRuns"]

DIRECTORY = "runs"
_NOTE, _FILES = "earlier.json", "files"
_RUN_ID_RE = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,79}\Z")


@dataclass(frozen=True)
class EarlierRun:
    """:ivar time: when it was moved aside, in local time.
    :ivar ref: the results directory."""

    directory: Path
    run_id: str
    step: str
    ref: ResourceRef
    time: datetime

    @property
    def files(self) -> Path:
        """Where its files are, as they were below the results directory."""
        return self.directory / _FILES

    def to_json(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "step": self.step,
            "resource": self.ref.name,
            "path": self.ref.subpath,
            "moved": self.time.isoformat(),
            "files": str(self.files),
        }

    def forget(self) -> None:
        """Remove all of it for good."""
        delete_tree(self.directory)


class EarlierRuns:
    """Those of one copy of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._directory = workspace.get_machine_directory() / DIRECTORY

    def take(self, results: ResultsDirectory, run_id: str | None, step: str, names: Sequence[str]) -> EarlierRun:
        """Move files aside, in this order; what was cut short goes on if it is called with the same run.

        :param run_id: None for files of no run that is known."""
        earlier = self.begin(results.ref, step, run_id)
        results.take_out(names, earlier.files)
        return earlier

    def begin(self, ref: ResourceRef, step: str, run_id: str | None = None) -> EarlierRun:
        """Note that files of a directory are about to move to :attr:`EarlierRun.files`. On disk on return."""
        now = datetime.now()
        name = run_id if run_id is not None and _RUN_ID_RE.match(run_id) else new_run_id(now)
        earlier = EarlierRun(self._directory / name, name, step, ref, now)
        note = {key: value for key, value in earlier.to_json().items() if key != "files"}
        write_json(earlier.directory / _NOTE, note, durable=True)
        return earlier

    def bring_back(self, results: ResultsDirectory, earlier: EarlierRun) -> None:
        results.bring_back(earlier.files)
        if not any(path.is_file() for path in earlier.files.rglob("*")):
            earlier.forget()

    def all(self) -> list[EarlierRun]:
        """The latest first. What cannot be read is left out, and stays."""
        return sorted(self._all(), key=lambda earlier: earlier.time, reverse=True)

    def before(self, time: datetime) -> list[EarlierRun]:
        return [earlier for earlier in self.all() if earlier.time < time]

    def _all(self) -> Iterator[EarlierRun]:
        for directory in self._directory.iterdir() if self._directory.is_dir() else ():
            try:
                data = read_json_object(directory / _NOTE, "run_id", "step", "resource", "moved")
                ref = ResourceRef(str(data["resource"]), data.get("path"))
                moved = datetime.fromisoformat(data["moved"])
                yield EarlierRun(directory, str(data["run_id"]), str(data["step"]), ref, moved)
            except (MetadataError, TypeError, ValueError):
                continue
