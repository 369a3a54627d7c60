"""Finding the results files of runs: current ones, and those that snapshots keep."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from dataworkspaces.errors import NO_ANSWER, DwsError, NotSupportedError
from dataworkspaces.workspace import FileResourceMixin, Resource, ResourceRoles
from dataworkspaces.workspace.absent import is_absent, way_to_bring
from dataworkspaces.workspace.results import METRICS_HISTORY_FILE, RESULTS_FILE, RUN_LOG_FILE, SNAPSHOTS_DIRS_RE

if TYPE_CHECKING:
    from dataworkspaces.lineage.runs.log import RunLog
    from dataworkspaces.workspace import FileInfo, SnapshotMetadata, Workspace

_MOST_DIRECTORIES = 1000
"""In which results files of one snapshot are looked for."""


class FoundResults(NamedTuple):
    """A results file, or what a run that has written none says of itself.

    :ivar location: ``resource:/path``.
    :ivar snapshot: the snapshot that holds it; None for current results.
    :ivar history: by metric its value of each epoch, from the file beside it; empty if there is none.
    :ivar seconds: for each epoch how long after the beginning of the run it ended; empty if nobody knows.
    """

    data: dict[str, Any]
    location: str
    snapshot: SnapshotMetadata | None
    history: dict[str, list[float | None]]
    seconds: tuple[float | None, ...] = ()


def find_results(
    workspace: Workspace, tag_or_hash: str | None = None, resource_name: str | None = None
) -> FoundResults | None:
    """The first of :func:`find_all_results`, which are read no further; None if there are none."""
    return next(find_all_results(workspace, tag_or_hash, resource_name), None)


def find_all_results(
    workspace: Workspace, tag_or_hash: str | None = None, resource_name: str | None = None
) -> Iterator[FoundResults]:
    """The results of all steps of a snapshot; without one the current results or, if there are none, those of the most
    recent snapshot that has some. Of all results resources, or of one; those at its top before those of steps that
    have directories of their own."""
    names = results_resources(workspace) if resource_name is None else [resource_name]
    if resource_name is not None:
        workspace.validate_resource_name(resource_name, expected_role=ResourceRoles.RESULTS)
    if tag_or_hash is not None:
        snapshot = workspace.as_snapshot_ws().get_snapshot_by_tag_or_hash(tag_or_hash)
        yield from _all_of(workspace, names, snapshot)
        return
    for state in _states(workspace):
        found = None
        for found in _all_of(workspace, names, state):
            yield found
        if found is not None:
            return


def _states(workspace: Workspace) -> Iterator[SnapshotMetadata | None]:
    """The present one (None), and then the snapshots, the latest first; who finds what is sought asks for no more."""
    yield None
    yield from workspace.as_snapshot_ws().list_snapshots()


def results_resources(workspace: Workspace, *, quiet: bool = False) -> list[str]:
    """The names of the resources that hold results, without those that are not on this machine, which is said."""
    found = []
    for name in workspace.get_resource_names():
        if workspace.get_resource_role(name) != ResourceRoles.RESULTS:
            continue
        resource = workspace.get_resource(name)
        if is_absent(workspace, resource):
            if quiet:
                continue
            workspace.interaction.warn(
                f"The results in '{name}' are not on this machine ({way_to_bring(workspace, resource)} brings them)"
            )
        else:
            found.append(name)
    return found


def find_results_files(resource: FileResourceMixin, snapshot: SnapshotMetadata | None) -> list[str]:
    """The results files of a snapshot (None: the current ones), also those in subdirectories: paths in the resource,
    that at the top first."""
    directories = islice(directories_of_results(resource, snapshot, hidden=False), _MOST_DIRECTORIES)
    return [path for files in directories for path in files if path.rpartition("/")[2] == RESULTS_FILE]


def directories_of_results(
    resource: FileResourceMixin, snapshot: SnapshotMetadata | None, *, hidden: bool = True
) -> Iterator[dict[str, FileInfo]]:
    """The files of the results of a snapshot (None: the current ones) by their paths in the resource, a directory at a
    time, each after those above it. A snapshot may have any number of them: who asks says when it is enough.

    :param hidden: also directories whose name begins with a dot: a snapshot takes what is in them, but results files
        there (``.ipynb_checkpoints/``) are copies."""
    top = "" if snapshot is None else snapshot.relative_destination_path
    if snapshot is not None and (not top or not resource.does_subpath_exist(top, must_be_directory=True)):
        return
    pending = deque([top])
    while pending:
        directory = pending.popleft()
        files: dict[str, FileInfo] = {}
        for name, info in resource.list_infos(directory):
            path = f"{directory}/{name}" if directory else name
            if info.kind == "file":
                files[path] = info
            elif info.kind != "directory" or SNAPSHOTS_DIRS_RE.match(path):
                continue
            elif hidden or not name.startswith("."):
                pending.append(path)
        yield files


def read_results(resource: Resource, snapshot: SnapshotMetadata | None) -> Iterator[FoundResults]:
    """What the runs of one resource have left, those at its top first."""
    if not isinstance(resource, FileResourceMixin):
        raise NotSupportedError(f"Resource '{resource.name}' ({resource.resource_type}) has no files")
    for files in islice(directories_of_results(resource, snapshot, hidden=False), _MOST_DIRECTORIES):
        found = _read_directory(resource, files, snapshot)
        if found is not None:
            yield found


def _read_directory(
    resource: FileResourceMixin, files: Collection[str], snapshot: SnapshotMetadata | None
) -> FoundResults | None:
    """What the last run left in a directory, whose files are these; None if it is of no run."""
    own = {path.rpartition("/")[2]: path for path in files}
    path, log_path = own.get(RESULTS_FILE), own.get(RUN_LOG_FILE)
    if path is None:
        return None if log_path is None else _read_log(resource, log_path, snapshot)
    beside = path.removesuffix(RESULTS_FILE)
    log = None if log_path is None else _log_at(resource, log_path)
    history = _read_history(resource, f"{beside}{METRICS_HISTORY_FILE}") or _history_of(log)
    data = resource.read_results_file(path)
    if log is not None and log.run_id == data.get("run_id") and log.status != "completed":
        data = {**data, "status": _status_of(resource, log, snapshot)}
    seconds = log.seconds if log is not None and log.run_id == data.get("run_id") else ()
    return FoundResults(data, f"{getattr(resource, 'name', '')}:/{path}", snapshot, history, seconds)


def _read_log(resource: FileResourceMixin, path: str, snapshot: SnapshotMetadata | None) -> FoundResults | None:
    """What is known of a run that has written no results: it is running, or has died."""
    log = _log_at(resource, path)
    if log is None:
        return None
    data = {
        "step": log.step,
        "start_time": log.start_time,
        "run_id": log.run_id,
        "status": _status_of(resource, log, snapshot),
        **({"error": log.error} if log.error else {}),
        **({"epochs": len(log.epochs)} if log.epochs else {}),
        "parameters": log.parameters,
        "metrics": log.epochs[-1][1] if log.epochs else {},
        "files": {path: record.to_json() for path, record in log.files.items()},
    }
    return FoundResults(data, f"{getattr(resource, 'name', '')}:/{path}", snapshot, _history_of(log), log.seconds)


def _log_at(resource: FileResourceMixin, path: str) -> RunLog | None:
    if not resource.does_subpath_exist(path, must_be_file=True):
        return None
    from dataworkspaces.lineage.runs.log import parse_log

    with resource.open(path, "rb") as file:
        return parse_log(file.read())


def _status_of(resource: FileResourceMixin, log: RunLog, snapshot: SnapshotMetadata | None) -> str:
    if log.status is not None or snapshot is not None:
        return log.status or "failed"
    from dataworkspaces.lineage.runs.active import ActiveRuns

    active = ActiveRuns(cast(Resource, resource).workspace).all()
    return "running" if any(run.run_id == log.run_id for run in active) else "failed"


def _history_of(log: RunLog | None) -> dict[str, list[float | None]]:
    found = {} if log is None else log.history()
    return {metric: [_finite(value) for value in values] for metric, values in found.items()}


def _read_history(resource: FileResourceMixin, path: str) -> dict[str, list[float | None]]:
    """The history of metrics, as far as the file holds one: it is anybody's, and no reason to show no results."""
    if not resource.does_subpath_exist(path, must_be_file=True):
        return {}
    try:
        metrics = resource.read_results_file(path).get("metrics")
    except NO_ANSWER:
        raise
    except DwsError:
        return {}
    found: dict[str, list[float | None]] = {}
    for name, values in metrics.items() if isinstance(metrics, dict) else ():
        if isinstance(values, list) and values:
            # NaN and infinities are texts there; they have no place in a picture.
            found[name] = [_finite(value) for value in values]
    return found


def _finite(value: Any) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer that is too large
        return None


def _all_of(workspace: Workspace, names: Sequence[str], snapshot: SnapshotMetadata | None) -> Iterator[FoundResults]:
    for name in names:
        yield from read_results(workspace.get_resource(name), snapshot)
