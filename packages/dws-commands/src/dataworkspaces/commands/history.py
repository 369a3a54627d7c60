"""``dws history``: all experiments in one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.commands.experiment_cache import ExperimentCache
from dataworkspaces.commands.experiment_table import (
    Choice,
    ExperimentTable,
    Order,
    Row,
    author_of,
    choose,
    make_rows,
    make_table,
    sort_rows,
)
from dataworkspaces.commands.experiments import Experiment, ExperimentReader
from dataworkspaces.commands.present import PresentState, present_state
from dataworkspaces.commands.summaries import runs_of_snapshot, snapshot_json
from dataworkspaces.commands.sweep_runs import run_of, with_sweep
from dataworkspaces.errors import ConfigurationError, DwsError
from dataworkspaces.workspace.documents import ATTESTATIONS

if TYPE_CHECKING:
    from dataworkspaces.lineage.attestations import Attestation
    from dataworkspaces.workspace import SnapshotMetadata, SnapshotWorkspaceMixin, Workspace


class HistoryReport(NamedTuple):
    """The snapshots, the newest first or as the user sorted them, and the present state if that is none of them.

    :ivar total: how many snapshots there are; more than rows if a limit or a condition was given.
    :ivar branches: by hash the branches that hold a snapshot, if that was asked for.
    :ivar are_experiments: whether these are the experiments beside the working line, each with its name for a tag.
    :ivar attestations: by hash what somebody attests of a snapshot, the latest first; of the others nothing."""

    table: ExperimentTable
    branches: Mapping[str, Sequence[str]] | None
    attestations: Mapping[str, Sequence[Attestation]]
    are_experiments: bool

    @property
    def total(self) -> int:
        return self.table.total

    @property
    def snapshots(self) -> tuple[SnapshotMetadata, ...]:
        return self.table.snapshots

    def to_json(self) -> dict[str, Any]:
        table = self.table
        row = next((row for row in table.rows if row.snapshot is None), None)
        present: dict[str, Any] | None = None
        if row is not None or table.comes_from is not None:
            came = None if table.comes_from is None else table.comes_from.hashval
            present = {"values": {} if row is None else self._values(row), "comes_from": came}
        return {
            "snapshots": [self._row_json(row, row.snapshot) for row in table.rows if row.snapshot is not None],
            "present": present,
            "metric_names": list(table.metric_names),
            "parameter_names": list(table.parameter_names),
            "total": table.total,
        }

    def _row_json(self, row: Row, snapshot: SnapshotMetadata) -> dict[str, Any]:
        attested = self.attestations.get(snapshot.hashval, ())
        return {
            **snapshot_json(snapshot),
            **({"experiment": snapshot.tags[0]} if self.are_experiments else {}),
            **({"sweep": run.to_json()} if self.are_experiments and (run := run_of(snapshot)) is not None else {}),
            "author": author_of(snapshot) or None,
            "parents": snapshot.parents,
            "metrics": snapshot.metrics,
            "values": self._values(row),
            "is_present": row.is_present,
            **({"runs": runs} if (runs := runs_of_snapshot(snapshot)) else {}),
            **({"attestations": [each.to_json() for each in attested]} if attested else {}),
            **({} if self.branches is None else {"branches": list(self.branches.get(snapshot.hashval, ()))}),
        }

    def _values(self, row: Row) -> dict[str, Any]:
        names = [*self.table.metric_names, *self.table.parameter_names, *self.table.label_names]
        if self.table.chosen is not None:
            names = list(self.table.chosen)
        values = row.values
        return {name: values[name] for name in names if name in values}


def history_report(
    workspace: Workspace,
    limit: int | None = None,
    choice: Choice | None = None,
    *,
    where: str | None = None,
    sort: str | None = None,
    branch: str | None = None,
    all_branches: bool = False,
    experiments: bool = False,
    sweep: str | None = None,
) -> HistoryReport:
    """The table of the experiments.

    :param limit: so many snapshots: the newest, or the first of those that ``where`` chose and ``sort`` sorted.
    :param where: a condition in SQL, see :mod:`dataworkspaces.commands.where`.
    :param sort: a column, and ``:asc`` or ``:desc``.
    :param branch: the snapshots of that branch, instead of those that are here.
    :param all_branches: those that any branch holds, too.
    :param experiments: the experiments beside the working line instead, in the order of their names.
    :param sweep: the runs of that sweep instead, as experiments."""
    if limit is not None and limit < 1:
        raise ConfigurationError(f"--limit is {limit}, but must be at least 1")
    snapshots = workspace.as_snapshot_ws()
    all_count = None if where is not None or sort is not None else limit
    branches: dict[str, list[str]] | None = None
    experiments = experiments or sweep is not None
    if experiments:
        from dataworkspaces.commands.kept_experiments import include_experiments

        everything = include_experiments(workspace, sweep)
        found, total = everything[:all_count], len(everything)
    elif branch is not None:
        everything = snapshots.list_branch(branch)
        found, total = everything[:all_count], len(everything)
    elif all_branches:
        everything, branches = _of_all_branches(snapshots)
        found, total = everything[:all_count], len(everything)
    else:
        found = list(snapshots.list_snapshots(reverse=True, max_count=all_count))
        total = len(found) if all_count is None else snapshots.get_snapshot_count()
    reader = ExperimentReader(workspace)
    state = _present_state(workspace) if branch is None and sweep is None else None
    rows = _rows(reader, found, state, cached=not experiments)
    asked: set[str] = set()
    if where is not None:
        from dataworkspaces.commands.where import where as chosen_by

        rows = chosen_by(rows, where, asked)
    if sort is not None:
        rows = sort_rows(rows, Order.parse(sort))
    if limit is not None:
        rows = _limited(rows, limit)
    table = make_table(rows, total)
    comes_from = None if state is None or state.is_snapshot else state.snapshot
    attested = _attestations(workspace, table.snapshots)
    table = choose(table, choice or Choice(), asked)._replace(comes_from=comes_from)
    return HistoryReport(table, branches, attested, experiments)


def _of_all_branches(snapshots: SnapshotWorkspaceMixin) -> tuple[list[SnapshotMetadata], dict[str, list[str]]]:
    """The snapshots that are here and on any branch, newest first, and by hash the branches that hold them."""
    from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph, SnapshotNode

    found = {snapshot.hashval: snapshot for snapshot in snapshots.list_snapshots()}
    branches: dict[str, list[str]] = {}
    for branch in snapshots.get_branches():
        for snapshot in snapshots.list_branch(branch):
            found.setdefault(snapshot.hashval, snapshot)
            branches.setdefault(snapshot.hashval, []).append(branch)
    graph = SnapshotGraph(map(SnapshotNode.of, found.values()))
    return [found[hashval] for hashval in graph.newest_first()], branches


def _read(reader: ExperimentReader, snapshots: Sequence[SnapshotMetadata], *, cached: bool) -> list[Experiment]:
    """Those of snapshots. Two experiments may hold the same, and yet say different things of it: they are no matter for
    a cache that knows them by what they hold."""
    if not cached:
        return [reader.read(snapshot) for snapshot in snapshots]
    cache = ExperimentCache(reader.workspace.get_machine_directory(), reader.workspace.resource_names)
    known = cache.get(snapshot.hashval for snapshot in snapshots)
    read = {s.hashval: reader.read(s) for s in snapshots if s.hashval not in known}
    cache.put({hashval: experiment for hashval, experiment in read.items() if experiment.complete})
    return [known.get(s.hashval) or read[s.hashval] for s in snapshots]


def _rows(
    reader: ExperimentReader,
    snapshots: Sequence[SnapshotMetadata],
    state: PresentState | None,
    *,
    cached: bool = True,
) -> list[Row]:
    """A row for each snapshot, and before them one for the present state, if that is none of the snapshots."""
    known = _read(reader, snapshots, cached=cached)
    experiments: list[tuple[SnapshotMetadata | None, Experiment]] = []
    if state is not None and not state.is_snapshot:
        present = reader.read(None)
        # Before the first snapshot parameters alone are no experiment.
        if any(part.metrics or (part.parameters and state.snapshot is not None) for part in present.parts):
            experiments.append((None, present))
    experiments += zip(snapshots, known, strict=True)
    _warn(reader.workspace, [experiment for _, experiment in experiments])
    experiments = [(s, e if s is None else with_sweep(s, e)) for s, e in experiments]
    present_snapshot = state.snapshot if state is not None and state.is_snapshot else None
    return make_rows(experiments, None if present_snapshot is None else present_snapshot.hashval)


def _attestations(workspace: Workspace, found: Iterable[SnapshotMetadata]) -> Mapping[str, Sequence[Attestation]]:
    """Most workspaces have none, and what reads them is imported by none of these."""
    if not workspace.list_document_directories(ATTESTATIONS):
        return {}
    from dataworkspaces.lineage.attestations import attestations_of_each

    return attestations_of_each(workspace, [snapshot.hashval for snapshot in found])


def _present_state(workspace: Workspace) -> PresentState | None:
    """None if that cannot be told, which is no reason to show no snapshots."""
    try:
        return present_state(workspace)
    except DwsError as e:
        workspace.interaction.warn(f"It is not known what has changed since the last snapshot: {e.message}")
        return None


def _warn(workspace: Workspace, experiments: Sequence[Experiment]) -> None:
    problems = [problem for experiment in experiments for problem in experiment.problems]
    if problems:
        more = f" (and {len(problems) - 1} more like this)" if len(problems) > 1 else ""
        workspace.interaction.warn(f"{problems[0]}{more}")


def _limited(rows: Sequence[Row], limit: int) -> list[Row]:
    """The first ``limit`` snapshots; the present state does not count."""
    shown: list[Row] = []
    count = 0
    for row in rows:
        count += row.snapshot is not None
        if count > limit:
            break
        shown.append(row)
    return shown
