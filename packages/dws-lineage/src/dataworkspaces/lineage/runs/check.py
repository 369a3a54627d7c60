"""Whether what lies in results resources is what runs have left there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace import FileResourceMixin, ResourceRef, ResourceRoles, Workspace
from dataworkspaces.workspace.absent import is_absent
from dataworkspaces.workspace.results import RESULTS_FILE, RUN_LOG_FILE, results_exclude

if TYPE_CHECKING:
    from dataworkspaces.lineage.runs.left import Left
    from dataworkspaces.lineage.runs.log import FileRecord


class PresentRun(NamedTuple):
    """A run in a results resource.

    :ivar ref: its directory.
    :ivar status: ``completed``, ``running`` or ``failed``, which a run that was killed has too; None for one that an
        older release recorded."""

    ref: ResourceRef
    run_id: str | None
    step: str
    start_time: str
    status: str | None
    files: Mapping[str, FileRecord]

    def to_json(self) -> dict[str, Any]:
        return {
            "resource": self.ref.name,
            "path": self.ref.subpath,
            "run_id": self.run_id,
            "step": self.step,
            "start_time": self.start_time,
            "status": self.status,
            "files": {path: record.to_json() for path, record in self.files.items()},
        }


class CheckedRuns(NamedTuple):
    """The runs of a results resource, and how its files differ from their lists."""

    resource: str
    runs: tuple[PresentRun, ...] = ()
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    of_no_run: tuple[str, ...] = ()

    @property
    def status(self) -> str | None:
        """That of the run whose results are the resource's: ``failed`` or ``running``, if it is one of these."""
        found = next((run.status for run in self.runs if run.ref.subpath is None), None)
        return found if found in ("failed", "running") else None

    def problems(self) -> Iterator[str]:
        """In words."""
        for run in self.runs:
            if run.status == "running":
                yield f"Run {run.run_id} of step {run.step} is still writing to {run.ref}"
        if self.missing:
            yield f"Results in '{self.resource}' lack files that their run wrote: {some(self.missing)}"
        if self.changed:
            yield f"Results in '{self.resource}' were changed after their run: {some(self.changed)}"
        if self.of_no_run:
            yield f"Files in '{self.resource}' that no run wrote: {some(self.of_no_run)}"


def runs_of(workspace: Workspace, names: Iterable[str]) -> list[PresentRun]:
    """The runs in results resources."""
    active = _active(workspace)
    return [run for name in names for run in _runs(workspace, name, active)[0]]


def check_runs(workspace: Workspace) -> list[CheckedRuns]:
    """Each of the results resources that are here; one that holds no run with a list of its files has nothing to be
    checked."""
    active = _active(workspace)
    return [
        _check(workspace, name, active)
        for name in workspace.get_resource_names()
        if workspace.get_resource_role(name) == ResourceRoles.RESULTS
        and not is_absent(workspace, workspace.get_resource(name))
    ]


def _check(workspace: Workspace, name: str, active: _Active) -> CheckedRuns:
    runs, files = _runs(workspace, name, active)
    listed = {
        f"{run.ref.subpath}/{path}" if run.ref.subpath else path: record
        for run in runs
        if run.status is not None
        for path, record in run.files.items()
    }
    from dataworkspaces.lineage.runs.directory import ResultsDirectory

    root = ResultsDirectory(workspace, ResourceRef(name)) if listed or runs else None
    missing = [path for path in listed if path not in files]
    changed = [path for path in listed if path in files and root is not None and root.record(path) != listed[path]]
    places = [run.ref.subpath for run in runs if run.status is not None]
    others = [path for path in files if path not in listed and any(_is_in(path, place) for place in places)]
    own = {f"{place}/{file}" if place else file for place in places for file in (RESULTS_FILE, RUN_LOG_FILE)}
    is_kept = results_exclude(workspace)
    of_no_run = [path for path in others if path not in own and path not in is_kept]
    return CheckedRuns(name, tuple(runs), tuple(missing), tuple(changed), tuple(of_no_run))


def _runs(workspace: Workspace, name: str, active: _Active) -> tuple[list[PresentRun], set[str]]:
    if not isinstance(workspace.get_resource(name), FileResourceMixin):
        return [], set()
    from dataworkspaces.lineage.runs.directory import ResultsDirectory

    root = ResultsDirectory(workspace, ResourceRef(name))
    files = set(root.files())
    places = {path.rpartition("/")[0] for path in files if path.rpartition("/")[2] in (RESULTS_FILE, RUN_LOG_FILE)}
    if not places:
        return [], files
    from dataworkspaces.lineage.runs.left import look_at

    found = [_present(look_at(root.below(place) if place else root), active) for place in sorted(places)]
    return [run for run in found if run is not None], files


def _present(left: Left, active: _Active) -> PresentRun | None:
    if left.is_empty or (left.log is None and left.run_id is None and left.results == {}):
        return None
    ref, files = left.directory.ref, left.files
    results = left.results or {}
    if left.log is None:
        is_listed = left.run_id is not None
        started = str(results.get("start_time") or "")
        status = "completed" if is_listed else None
        return PresentRun(ref, left.run_id, left.step or "", started, status, files)
    status = left.log.status or ("running" if left.log.run_id in active() else "failed")
    return PresentRun(ref, left.log.run_id, left.log.step, left.log.start_time, status, files)


_Active = Callable[[], "set[str]"]


def _active(workspace: Workspace) -> _Active:
    """The runs that are at work: looked for when they are first asked for, and once."""

    @cache
    def active() -> set[str]:
        from dataworkspaces.lineage.runs.active import ActiveRuns

        return {run.run_id for run in ActiveRuns(workspace).all()}

    return active


def _is_in(path: str, place: str | None) -> bool:
    return place is None or path.startswith(f"{place}/")
