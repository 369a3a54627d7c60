"""What runs have left in a results directory."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from dataworkspaces.errors import NO_ANSWER, ConfigurationError
from dataworkspaces.lineage.runs.directory import ResultsDirectory
from dataworkspaces.lineage.runs.log import FileRecord, RunLog, files_from_json, parse_log
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.workspace.results import METRICS_HISTORY_FILE, RESULTS_FILE, RUN_LOG_FILE

__all__ = ["PARTS", "Left", "look_at"]

PARTS = "runs"
"""Below the results directory: by name the runs of one session but for the last."""
_PART_RE = re.compile(rf"({PARTS}/[^/]+)/{re.escape(RUN_LOG_FILE)}\Z")


class Left(NamedTuple):
    """What one run has left.

    :ivar log: None for a run of an older release, or of somebody else's program.
    :ivar results: what ``results.json`` holds, if there is one.
    :ivar files: the files of the run, by path relative to the directory."""

    directory: ResultsDirectory
    log: RunLog | None
    results: dict[str, Any] | None
    files: dict[str, FileRecord]

    @property
    def is_empty(self) -> bool:
        return self.log is None and self.results is None

    @property
    def run_id(self) -> str | None:
        found = None if self.results is None else self.results.get("run_id")
        return self.log.run_id if self.log is not None else found if isinstance(found, str) else None

    @property
    def step(self) -> str | None:
        found = None if self.results is None else self.results.get("step")
        return self.log.step if self.log is not None else found if isinstance(found, str) else None

    @property
    def names(self) -> list[str]:
        """All of its files, in the order in which they are to move: what tells of the others comes last."""
        own = [] if self.run_id is not None else [METRICS_HISTORY_FILE]
        names = [*self.files, *own, RESULTS_FILE, RUN_LOG_FILE]
        return [name for name in names if self.directory.has_file(name)]

    def names_of_parts(self, session: str | None, active: Collection[str | None]) -> list[str]:
        """The same of the other runs below the directory, but for those of a session, and those that are active."""
        return [
            f"{name}/{file}"
            for name, part in parts_of(self.directory)
            if part.directory.ref.subpath not in active and (part.log is None or part.log.session != session)
            for file in part.names
        ]


def look_at(directory: ResultsDirectory) -> Left:
    """What a run has left directly in a directory."""
    content = directory.read(RUN_LOG_FILE)
    log = None if content is None else parse_log(content)
    results = _read_results(directory)
    listed = {
        **({} if log is None else log.files),
        **files_from_json(None if results is None else results.get("files")),
    }
    return Left(directory, log, results, {path: record for path, record in listed.items() if _is_below(path)})


def parts_of(directory: ResultsDirectory) -> Iterator[tuple[str, Left]]:
    """The runs that are kept by name below a results directory."""
    for path in directory.files():
        match = _PART_RE.match(path)
        if match is not None:
            yield match[1], look_at(directory.below(match[1]))


def _read_results(directory: ResultsDirectory) -> dict[str, Any] | None:
    if not directory.has_file(RESULTS_FILE):
        return None
    try:
        return directory.resource.read_results_file(directory.path(RESULTS_FILE))
    except NO_ANSWER:
        raise
    except ConfigurationError:  # damaged, or no object: a file like any other, and yet it stands in the way
        return {}


def _is_below(path: str) -> bool:
    try:
        return bool(check_relative_path(path, "")) and path.split("/")[0] != "snapshots"
    except ConfigurationError:
        return False
