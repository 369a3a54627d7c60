"""What an experiment was made with, and what came of it: the parameters and metrics of a snapshot, or of the present
state. They come from the results files, and from the lineage of all steps behind the results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.commands.results import find_results_files, results_resources
from dataworkspaces.errors import DwsError
from dataworkspaces.toolbox.flat import cells, scalars
from dataworkspaces.workspace import FileResourceMixin, ResourceRef, ResourceRoles
from dataworkspaces.workspace.results import RESULTS_FILE
from dataworkspaces.workspace.snapshot_metadata import RESULTS_IN

if TYPE_CHECKING:
    from dataworkspaces.lineage.model import LineageEntry, StepLineage
    from dataworkspaces.lineage.places import Place
    from dataworkspaces.workspace import SnapshotMetadata, Workspace


class Part(NamedTuple):
    """The flat values of one step, or of one results file.

    :ivar step: the name of the step; "" if nobody knows it.
    :ivar wrote_results: whether it is a step that wrote results, but no results file that is there.
    :ivar place: of a results file its directory in the results (``""`` at the top, ``svc``); None for a step behind
        them."""

    step: str
    place: str | None
    metrics: dict[str, Any]
    parameters: dict[str, Any]
    wrote_results: bool = False


class Experiment(NamedTuple):
    """:ivar complete: whether all there is was read, and will be the same when it is read again.
    :ivar problems: why some of it could not be read."""

    parts: tuple[Part, ...]
    complete: bool = True
    problems: tuple[str, ...] = ()


class ReadLineage(NamedTuple):
    """:ivar entries: by resource.
    :ivar problems: why that of some could not be read."""

    entries: Mapping[str, list[LineageEntry]]
    problems: tuple[str, ...] = ()


class ExperimentReader:
    """Reads experiments of one workspace."""

    def __init__(self, workspace: Workspace, quiet: bool = False) -> None:
        """:param quiet: somebody else has said which results are not on this machine."""
        self.workspace = workspace
        self.quiet = quiet
        self._names = results_resources(workspace, quiet=quiet)
        roles = ((name, workspace.get_resource_role(name)) for name in workspace.get_resource_names())
        self._first = next((name for name, role in roles if role == ResourceRoles.RESULTS), None)

    def read(self, snapshot: SnapshotMetadata | None, lineage: ReadLineage | None = None) -> Experiment:
        """That of a snapshot, or the present one (None).

        :param lineage: if it has been read."""
        from dataworkspaces.lineage.places import places
        from dataworkspaces.lineage.steps_behind import steps_behind

        lineage = self.lineage(snapshot) if lineage is None else lineage
        entries, problems = lineage.entries, list(lineage.problems)
        parts: list[Part] = []
        final: set[tuple[str, str]] = set()
        moved = None if snapshot is None else snapshot.other.get(RESULTS_IN)
        found_in = set()
        for name in self._names:
            if isinstance(moved, list) and name not in moved:
                continue
            known = places(name, entries.get(name, []))
            try:
                for place, data in results_of(self.workspace, name, snapshot):
                    found_in.add(name)
                    step = _step_of(known, name, place)
                    if step is not None:
                        final.add(_run(step))
                    # The first results resource has the names as they are, as the metrics of snapshots always had.
                    shown = place if name == self._first else f"{name}/{place}".rstrip("/")
                    parts.append(_part(data, step, shown))
            except DwsError as e:
                problems.append(f"The results in '{name}' cannot be read: {e.message}")
        roots = [name for name in self._names if entries.get(name)] or list(entries)
        behind = [s for s in steps_behind(roots, lambda name: entries.get(name, [])) if _run(s) not in final]
        if snapshot is not None and not parts and snapshot.metrics:
            parts.append(Part("", "", scalars(snapshot.metrics), {}))
        for s in behind:
            wrote = any(cert.ref.name in self._names for cert in s.outputs)
            parts.append(Part(s.step_name, None, scalars(s.metrics or {}), cells(s.parameters), wrote))
        complete = not problems and (set(moved) <= found_in if isinstance(moved, list) else bool(found_in))
        return Experiment(tuple(parts), complete, tuple(problems))

    def lineage(self, snapshot: SnapshotMetadata | None) -> ReadLineage:
        """That of all resources in a snapshot, or the current one."""
        snapshots = self.workspace.as_snapshot_ws()
        if not snapshots.supports_lineage():
            return ReadLineage({})
        store = snapshots.get_lineage_store()
        hashval = None if snapshot is None else snapshot.hashval
        names = list(self.workspace.get_resource_names() if snapshot is None else snapshot.restore_hashes)
        found: dict[str, list[LineageEntry]] = {}
        problems: list[str] = []
        for name in names:
            try:
                found[name] = store.entries(name, hashval)
            except DwsError as e:
                problems.append(f"The lineage of '{name}' cannot be read: {e.message}")
        return ReadLineage(found, tuple(problems))


def results_of(
    workspace: Workspace, name: str, snapshot: SnapshotMetadata | None
) -> Iterable[tuple[str, dict[str, Any]]]:
    """The results files of one resource, by their place in the results."""
    resource = workspace.get_resource(name)
    if not isinstance(resource, FileResourceMixin):
        return
    top = "" if snapshot is None else f"{snapshot.relative_destination_path}/"
    for path in find_results_files(resource, snapshot):
        yield path.removeprefix(top).removesuffix(RESULTS_FILE).rstrip("/"), resource.read_results_file(path)


def _step_of(known: dict[ResourceRef, Place], name: str, place: str) -> StepLineage | None:
    from dataworkspaces.lineage.model import StepLineage
    from dataworkspaces.lineage.places import covering

    found = covering(known, ResourceRef(name, f"{place}/{RESULTS_FILE}" if place else RESULTS_FILE))
    return found.entry if found is not None and isinstance(found.entry, StepLineage) else None


def _part(data: dict[str, Any], step: StepLineage | None, place: str) -> Part:
    recorded = {} if step is None else cells(step.parameters)
    named = data.get("step")
    name = named if isinstance(named, str) else "" if step is None else step.step_name
    return Part(name, place, scalars(data.get("metrics")), {**recorded, **cells(data.get("parameters"))})


def _run(step: StepLineage) -> tuple[str, str]:
    return step.step_name, step.start_time.isoformat()
