"""Experiments as rows of one table: which columns there are, which of them vary, and the choice and order of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.commands.experiments import Experiment, Part
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.toolbox.flat import same
from dataworkspaces.toolbox.metrics import as_number, larger_is_better
from dataworkspaces.workspace.snapshot_metadata import AUTHOR

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata

FIXED = ("hash", "tags", "created", "message", "author", "parents", "host")
"""The columns that say which snapshot a row is."""
_OTHER_NAMES = {"parent": "parents", "tag": "tags", "timestamp": "created", "hostname": "host"}


class Row(NamedTuple):
    """An experiment.

    :ivar snapshot: None for the present state.
    :ivar is_present: whether the present state is this snapshot."""

    snapshot: SnapshotMetadata | None
    metrics: dict[str, Any]
    parameters: dict[str, Any]
    is_present: bool = False

    @property
    def labels(self) -> dict[str, str]:
        return {} if self.snapshot is None else self.snapshot.labels

    @property
    def values(self) -> dict[str, Any]:
        """Metrics, parameters and labels. A metric comes before a parameter of its name, and both before a label."""
        return {**self.labels, **self.parameters, **self.metrics}

    def fixed(self, name: str) -> Any:
        """The value of one of :data:`FIXED`, for programs."""
        snapshot = self.snapshot
        if snapshot is None:
            return None
        if name == "tags":
            return ", ".join(snapshot.tags)
        if name == "parents":
            return ", ".join(snapshot.parents or ())
        values = {
            "hash": snapshot.hashval, "created": snapshot.taken_at, "message": snapshot.description,
            "author": author_of(snapshot), "host": snapshot.hostname,
        }  # fmt: skip
        return values[name]


class ExperimentTable(NamedTuple):
    """Rows, the newest first or as they were sorted.

    :ivar metric_names: those of the rows, the most telling first.
    :ivar parameter_names: likewise; :attr:`varying` are those that differ between rows.
    :ivar total: how many snapshots there are, shown or not.
    :ivar chosen: the columns that the user named, in their order; None if none were.
    :ivar comes_from: the snapshot from which the present state comes, if it has changed since."""

    rows: tuple[Row, ...]
    metric_names: tuple[str, ...]
    parameter_names: tuple[str, ...]
    varying: frozenset[str]
    total: int
    chosen: tuple[str, ...] | None = None
    comes_from: SnapshotMetadata | None = None

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(_names(row.labels for row in self.rows))

    @property
    def snapshots(self) -> tuple[SnapshotMetadata, ...]:
        return tuple(row.snapshot for row in self.rows if row.snapshot is not None)


def author_of(snapshot: SnapshotMetadata) -> str:
    """Who took a snapshot; "" where nobody noted it."""
    found = snapshot.other.get(AUTHOR)
    return found if isinstance(found, str) else ""


def make_rows(
    experiments: Iterable[tuple[SnapshotMetadata | None, Experiment]], present: str | None = None
) -> list[Row]:
    """Name the values of experiments. What is in a results file is named as there, with its place before the name
    (``svc.accuracy``); what a step behind the results has, alike, with the step before the name where another column
    has that name (``prepare.seed``)."""
    read = list(experiments)
    owners: dict[str, set[str | None]] = {}
    for _, experiment in read:
        for part in experiment.parts:
            place = _place_of(part)
            owner = part.step if place is None else None
            for name in [*part.metrics, *part.parameters] if place in (None, "") else ():
                owners.setdefault(name, set()).add(owner)

    def named(values: dict[str, Any], step: str, place: str | None) -> dict[str, Any]:
        if place is None:
            return {f"{step}.{n}" if len(owners[n]) > 1 and step else n: v for n, v in values.items()}
        return {f"{place}.{name}": value for name, value in values.items()} if place else values

    rows = []
    for snapshot, experiment in read:
        metrics: dict[str, Any] = {}
        parameters: dict[str, Any] = {}
        for part in experiment.parts:  # of two executions of one step the latest comes first
            metrics = {**named(part.metrics, part.step, _place_of(part)), **metrics}
            parameters = {**named(part.parameters, part.step, _place_of(part)), **parameters}
        is_present = snapshot is not None and snapshot.hashval == present
        rows.append(Row(snapshot, _in_order(experiment, metrics, named), parameters, is_present))
    return rows


def _place_of(part: Part) -> str | None:
    """What a step wrote is named as in its file, also if a snapshot has moved that away."""
    return "" if part.place is None and part.wrote_results else part.place


def _in_order(experiment: Experiment, metrics: dict[str, Any], named: Any) -> dict[str, Any]:
    order = [n for part in experiment.parts for n in named(part.metrics, part.step, _place_of(part))]
    return {name: metrics[name] for name in dict.fromkeys(order)}


def make_table(rows: Sequence[Row], total: int) -> ExperimentTable:
    """The columns of rows, each kind with the most telling ones first."""
    metrics = _names(row.metrics for row in rows)
    parameters = _names(row.parameters for row in rows)
    # A metric whose direction is known is what an experiment is made for; what is nested is detail.
    metrics.sort(key=lambda n: ("." in n, larger_is_better(n) is None, -sum(n in row.metrics for row in rows)))
    parameters.sort(key=lambda n: -len(_distinct(row.parameters[n] for row in rows if n in row.parameters)))
    varying = {n for n in metrics if _varies([row.metrics.get(n) for row in _having(rows, "metrics", n)])}
    varying |= {n for n in parameters if _varies([row.parameters.get(n) for row in _having(rows, "parameters", n)])}
    return ExperimentTable(tuple(rows), tuple(metrics), tuple(parameters), frozenset(varying), total)


def _having(rows: Sequence[Row], kind: str, name: str) -> list[Row]:
    """The rows to compare: what the present state has not (yet) is no difference."""
    return [row for row in rows if row.snapshot is not None or name in getattr(row, kind)]


def _names(values: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in values for name in row))


def _distinct(values: Iterable[Any]) -> Counter[str]:
    return Counter(repr(value) for value in values)


def _varies(values: Sequence[Any]) -> bool:
    return len(values) > 1 and any(not same(values[0], value) for value in values[1:])


class Choice(NamedTuple):
    """Which columns the user wants: names, or patterns such as ``macro*``; None for those that suit.

    :ivar columns: all columns, in this order.
    :ivar changed: only those that differ between the rows."""

    metrics: tuple[str, ...] | None = None
    parameters: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    changed: bool = False


def choose(table: ExperimentTable, choice: Choice, asked: Collection[str] = ()) -> ExperimentTable:
    """The table with the columns that the user wants. Raises ConfigurationError for one that no row has.

    :param asked: parameters by which rows were chosen: they are of interest even where all rows have the same."""
    metrics = _matching(choice.metrics, table.metric_names, "--metrics", "metric")
    parameters = _matching(choice.parameters, table.parameter_names, "--params", "parameter")
    if parameters is None:
        parameters = [name for name in table.parameter_names if name in table.varying or name in asked]
    metrics = list(table.metric_names) if metrics is None else metrics
    if choice.changed:
        metrics, parameters = ([n for n in names if n in table.varying] for names in (metrics, parameters))
    known = (*FIXED, *table.metric_names, *table.parameter_names, *table.label_names)
    chosen = _matching(choice.columns, known, "--columns", "column")
    if chosen is not None and choice.changed:
        chosen = [name for name in chosen if name in FIXED or name in table.varying]
    return table._replace(
        metric_names=tuple(metrics),
        parameter_names=tuple(parameters),
        chosen=None if chosen is None else tuple(chosen),
    )


def _matching(wanted: Sequence[str] | None, known: Sequence[str], option: str, what: str) -> list[str] | None:
    if wanted is None:
        return None
    found: dict[str, None] = {}
    for name in wanted:
        is_pattern = any(c in name for c in "*?[")
        # 'macro*' is also what lies in a table: 'classification_report.macro avg.recall'.
        patterns = [name, f"*.{name}"] if is_pattern else [name]
        names = [name] if name in known else [n for n in known if any(fnmatchcase(n, p) for p in patterns)]
        names = names or [n for n in known if n.lower() in (name.lower(), _OTHER_NAMES.get(name.lower()))]
        if not names and not is_pattern:
            raise unknown_column(f"{option}: there is no {what} '{name}'", name, known)
        found.update(dict.fromkeys(names))
    return list(found)


def unknown_column(message: str, name: str, known: Iterable[str]) -> ConfigurationError:
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(name, names, n=3)
    near = near or [n for n in names if n.endswith(f".{name}")][:3]
    if near:
        return ConfigurationError(message, hint=f"Did you mean {' or '.join(near)}?")
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return ConfigurationError(message, hint=f"Available: {listed or 'none'}")


class Order(NamedTuple):
    """:ivar descending: None: the best first where the direction is known, else the least first."""

    name: str
    descending: bool | None = None

    @staticmethod
    def parse(text: str) -> Order:
        name, _, way = text.rpartition(":")
        if name and way.lower() in ("asc", "desc"):
            return Order(name, way.lower() == "desc")
        return Order(text)


def sort_rows(rows: Sequence[Row], order: Order) -> list[Row]:
    """Rows by a column; those that have no value in it are the last. Raises ConfigurationError if none has one."""
    known = [*FIXED, *_names(row.values for row in rows)]
    if not rows:
        return []
    (name,) = (_matching([order.name], known, "--sort", "column") or [order.name])[:1]
    descending = order.descending
    if descending is None:
        descending = larger_is_better(name) is True

    def value(row: Row) -> Any:
        return row.values[name] if name in row.values else row.fixed(name) if name in FIXED else None

    numbers = [(as_number(value(row)), row) for row in rows]
    texts = [(str(value(row)), row) for number, row in numbers if number is None and _is_text(value(row))]
    by_number = [(number, row) for number, row in numbers if number is not None]
    found = [row for _, row in sorted(by_number, key=lambda pair: pair[0], reverse=descending)]
    found += [row for _, row in sorted(texts, key=lambda pair: pair[0], reverse=descending)]
    return [*found, *(row for number, row in numbers if number is None and not _is_text(value(row)))]


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, bool)) and value != ""
