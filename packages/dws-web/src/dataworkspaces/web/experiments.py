"""The table of experiments, as the page reads it: columns, and for each row its values in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.experiment_table import Choice, ExperimentTable, Row, author_of
from dataworkspaces.commands.history import history_report
from dataworkspaces.commands.summaries import runs_of_snapshot
from dataworkspaces.commands.where import where
from dataworkspaces.lineage.jsonable import jsonable
from dataworkspaces.toolbox.metrics import larger_is_better
from dataworkspaces.web.collected_warnings import warnings_of

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace

NOW = "now"
"""Stands for the present state where a hash would stand."""


def experiments(workspace: Workspace) -> dict[str, Any]:
    """All of them, the newest first; before them the present state, if it is no snapshot."""
    return as_read(workspace, all_rows(workspace))


def all_rows(workspace: Workspace) -> ExperimentTable:
    """The table with all columns."""
    return history_report(workspace, choice=Choice(parameters=("*",))).table


def as_read(workspace: Workspace, table: ExperimentTable) -> dict[str, Any]:
    """A table as the page reads it."""
    columns = [_column("metric", name, name in table.varying) for name in table.metric_names]
    columns += [_column("parameter", name, name in table.varying) for name in table.parameter_names]
    return {
        "workspace": workspace.name,
        "columns": columns,
        "rows": [_row(row, table.metric_names, table.parameter_names) for row in table.rows],
        "comes_from": None if table.comes_from is None else table.comes_from.hashval,
        "warnings": warnings_of(workspace),
    }


def chosen(table: ExperimentTable, condition: str) -> list[str]:
    """The hashes of the rows for which a condition is true, :data:`NOW` for the present state; see ``dws history``."""
    rows = where(table.rows, condition)
    return [NOW if row.snapshot is None else row.snapshot.hashval for row in rows]


def _column(kind: str, name: str, varies: bool) -> dict[str, Any]:
    larger = larger_is_better(name) if kind == "metric" else None
    return {"kind": kind, "name": name, "larger": larger, "varies": varies}


def _row(row: Row, metrics: Sequence[str], parameters: Sequence[str]) -> dict[str, Any]:
    values = [jsonable(row.metrics.get(name)) for name in metrics]
    values += [jsonable(row.parameters.get(name)) for name in parameters]
    known = {"hash": NOW} if row.snapshot is None else about(row.snapshot)
    return {**known, "is_present": row.is_present or row.snapshot is None, "values": values}


def about(snapshot: SnapshotMetadata) -> dict[str, Any]:
    """What people know of a snapshot."""
    return {
        "hash": snapshot.hashval,
        "tags": list(snapshot.tags),
        "created": snapshot.taken_at,
        "message": snapshot.message,
        "author": author_of(snapshot),
        "host": snapshot.hostname,
        "labels": dict(snapshot.labels),
        "notes": [note.to_json() for note in snapshot.notes],
        "parents": list(snapshot.parents or ()),
        "runs": runs_of_snapshot(snapshot),
    }
