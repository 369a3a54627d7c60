"""The table of ``dws history``: on a terminal, in a pipe, as CSV, as Markdown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.cli.render import (
    Column,
    Table,
    columns_that_fit,
    markdown,
    on_terminal,
    print_table,
    terminal_width,
)
from dataworkspaces.cli.text import escape, number, one_line, plural, short_hash, snapshot_name, value_text
from dataworkspaces.commands.experiment_table import FIXED, ExperimentTable, Row, author_of
from dataworkspaces.commands.summaries import runs_of_snapshot
from dataworkspaces.toolbox.metrics import larger_is_better

if TYPE_CHECKING:
    from dataworkspaces.lineage.attestations import Attestation

NOW = "now"
"""In the place of a hash: the present state."""
_FIRST_METRICS, _FIRST_PARAMETERS = 2, 2
"""So many of each come before all others where there is little room."""
_WIDTH_OF_A_PIPE = 160
"""What a line holds that goes to a file or another program, unless the user names columns."""
_NESTED = 20_000
"""The rank of metrics within tables, such as those of each class, which come last."""


class _Column:
    """A column of the table: its name, how its values are written, and before which others it is shown."""

    def __init__(self, column: Column, value: Callable[[Row], Any], rank: int | None) -> None:
        self.column, self.value, self.rank = column, value, rank


def print_history(
    table: ExperimentTable,
    precision: int | None,
    *,
    named: bool = False,
    is_filtered: bool = False,
    branches: Mapping[str, Sequence[str]] | None = None,
    attestations: Mapping[str, Sequence[Attestation]] | None = None,
    are_experiments: bool = False,
) -> None:
    """The table, and how many snapshots there are. ``named``: the user named metrics or parameters, which then come
    before all else."""
    shown = _all_columns(table, precision, named)
    if branches is not None and table.chosen is None:
        shown.insert(2, _Column(Column("Branches"), lambda row: _branches_of(row, branches), None))
    _insert_attested(shown, table, attestations)
    if are_experiments:
        for column in shown:
            column.column = column.column._replace(name="Experiment") if column.column.name == "Tags" else column.column
    # Tables within tables are for programs, unless the user asks for them.
    is_asked_for = named or table.chosen is not None
    offered = [c for c in shown if is_asked_for or on_terminal() or not _is_nested(c.column.name)]
    rows = [[column.value(row) for column in offered] for row in table.rows]
    width = None if named else _WIDTH_OF_A_PIPE
    places = columns_that_fit([c.column for c in offered], rows, [c.rank for c in offered], width)
    fitting = [offered[i] for i in places]
    if rows:
        title = "Experiments beside the working line" if are_experiments else "History of snapshots"
        print_table(Table(title, [c.column for c in fitting], [[row[i] for i in places] for row in rows]))
    left = set(shown).difference(fitting)
    _print_what_is_left(table, [column.column.name for column in shown if column in left])
    count, what = len(table.snapshots), "experiment" if are_experiments else "snapshot"
    if is_filtered:
        click.echo(f"Showing {count} of {plural(table.total, what)}")
    elif count < table.total:
        click.echo(f"Showing first {plural(count, what)}")
    else:
        click.echo(f"{plural(table.total, what)} total")


def _branches_of(row: Row, branches: Mapping[str, Sequence[str]]) -> str:
    return "" if row.snapshot is None else ", ".join(branches.get(row.snapshot.hashval, ()))


def _print_what_is_left(table: ExperimentTable, hidden: list[str]) -> None:
    if hidden:
        text = f"{plural(len(hidden), 'more column')} (see --columns): "
        room = terminal_width() - len(text) - 3
        names = [name for i, name in enumerate(hidden) if len(", ".join(hidden[: i + 1])) <= room]
        click.echo(escape(text + ", ".join(names) + (", …" if len(names) < len(hidden) else "")))
    present = next((row.snapshot for row in table.rows if row.is_present), None)
    if present is not None:
        mark = "* the present state" if on_terminal() else "The present state"
        click.echo(f"{mark} is {escape(snapshot_name(present))}")
    if table.comes_from is not None:
        name = escape(snapshot_name(table.comes_from))
        click.echo(f"The present state has changed since {name}: see 'dws status'")


def _insert_attested(
    shown: list[_Column], table: ExperimentTable, attestations: Mapping[str, Sequence[Attestation]] | None
) -> None:
    """The column of who says to have reproduced a snapshot, if anybody does, before that of the time."""
    if attestations and table.chosen is None:
        names = [column.column.name for column in shown]
        column = _Column(Column("Reproduced", least=9), lambda row: _attested(row, attestations), 150)
        shown.insert(names.index("Created"), column)


def _attested(row: Row, attestations: Mapping[str, Sequence[Attestation]]) -> str:
    """The verdict of the latest, and who found it; that is somebody's word, which a signature may prove."""
    found = () if row.snapshot is None else attestations.get(row.snapshot.hashval, ())
    good = [each for each in found if each.problem is None]
    if not good:
        return f"unknown: {found[0].problem}" if found else ""
    more = f" (and {len(good) - 1} more)" if len(good) > 1 else ""
    return one_line(f"{good[0].verdict}: {good[0].by or 'an unknown person'}{more}")


def print_markdown(
    table: ExperimentTable, precision: int | None, attestations: Mapping[str, Sequence[Attestation]] | None = None
) -> None:
    """As Markdown, for a comment in a review."""
    shown = _all_columns(table, precision, False, marked=False)
    _insert_attested(shown, table, attestations)
    rows = [[column.value(row) for column in shown] for row in table.rows]
    click.echo(markdown(Table(None, [column.column for column in shown], rows)))


def print_csv(table: ExperimentTable, precision: int | None) -> None:
    """As CSV, with whole hashes and all digits."""
    import csv

    names = table.chosen or (*FIXED, *table.metric_names, *table.parameter_names, *table.label_names)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([escape(name) for name in names])
    for row in table.rows:
        values = row.values
        cells = [row.fixed(n) if n in FIXED and n not in values else values.get(n) for n in names]
        writer.writerow([_csv_cell(value, precision) for value in cells])


def _csv_cell(value: Any, precision: int | None) -> Any:
    if isinstance(value, float) and precision is not None:
        return number(value, precision)
    return escape(value) if isinstance(value, str) and sys.stdout.isatty() else value


def _all_columns(
    table: ExperimentTable, precision: int | None, named: bool, *, marked: bool | None = None
) -> list[_Column]:
    """All that there are to show."""
    if table.chosen is not None:
        return [_chosen_column(table, name, precision, marked) for name in table.chosen]
    columns = [_fixed_column(name, marked) for name in ("hash", "tags", "created")]
    values = [*_value_columns(table, precision, named)]
    about = [_fixed_column(name, marked) for name in ("author", "parents", "message")]
    # Who took them all need not be said of each.
    has = [len({author_of(snapshot) for snapshot in table.snapshots}) > 1]
    has += [any(column.value(row) for row in table.rows) for column in about[1:]]
    values += [
        _Column(Column(name, least=8), lambda row, name=name: row.labels.get(name, ""), 200 + place)  # type: ignore[misc]
        for place, name in enumerate(table.label_names)
    ]
    return [
        *columns,
        *values,
        *(column for column, is_there in zip(about, has, strict=True) if is_there or column is about[-1]),
    ]


def _value_columns(table: ExperimentTable, precision: int | None, named: bool) -> list[_Column]:
    found = []
    plain = [name for name in table.metric_names if not _is_nested(name)]
    first = [name for name in plain[:_FIRST_METRICS] if larger_is_better(name) is not None] or plain[:1]
    for place, name in enumerate(table.metric_names):
        later = _NESTED if _is_nested(name) else 1000
        rank = place if named or name in first else later + place
        found.append(_value_column(name, precision, rank, lambda row, name=name: row.metrics.get(name)))  # type: ignore[misc]
    for place, name in enumerate(table.parameter_names):
        rank = 100 + place if named or place < _FIRST_PARAMETERS else 10_000 + place
        found.append(
            _value_column(name, precision, rank, lambda row, name=name: row.parameters.get(name, ""))  # type: ignore[misc]
        )
    return found


def _is_nested(name: str) -> bool:
    """Whether it is in a table within a table, or of a run before the last: neither comes first. One dot
    may come from a subdirectory: ``svc.accuracy``."""
    return name.count(".") > 1 or name.startswith("runs/")


def _value_column(name: str, precision: int | None, rank: int | None, get: Callable[[Row], Any]) -> _Column:
    def shown(row: Row) -> str:
        value = get(row)
        if isinstance(value, float):
            return number(value, precision)
        return "" if value is None and name not in row.parameters else one_line(value_text(value))

    return _Column(Column(name, numeric=True, least=12), shown, rank)


def _message(row: Row) -> str:
    """The message of a snapshot, and whether the run whose results it holds did not come to its end."""
    states = {} if row.snapshot is None else runs_of_snapshot(row.snapshot)
    message = one_line(row.fixed("message") or "")
    return ": ".join([*dict.fromkeys(f"run {state}" for state in states.values()), *filter(None, [message])])


def _chosen_column(table: ExperimentTable, name: str, precision: int | None, marked: bool | None) -> _Column:
    if name in FIXED and name not in table.metric_names:
        column = _fixed_column(name, marked)
        return _Column(column.column, column.value, None)
    return _value_column(name, precision, None, lambda row: row.values.get(name))


def _fixed_column(name: str, marked: bool | None) -> _Column:
    if name == "hash":
        with_mark = on_terminal() if marked is None else marked

        def hash_of(row: Row) -> str:
            text = NOW if row.snapshot is None else short_hash(row.snapshot.hashval)
            if not with_mark:
                return text
            return f"{'*' if row.is_present or row.snapshot is None else ' '} {text}"

        return _Column(Column("  Hash" if with_mark else "Hash", fixed=True), hash_of, None)
    if name == "tags":
        return _Column(Column("Tags"), lambda row: () if row.snapshot is None else tuple(row.snapshot.tags), None)
    if name == "created":
        return _Column(Column("Created", fixed=True), _created, None)
    if name == "parents":
        return _Column(
            Column("Parents", fixed=True),
            lambda row: tuple(map(short_hash, row.snapshot.parents or ())) if row.snapshot else (),
            30_001,
        )
    if name == "message":
        return _Column(Column("Message", least=12), _message, 500)
    return _Column(Column(name.capitalize(), least=8), lambda row: row.fixed(name) or "", 30_000)


def _created(row: Row) -> str:
    """On a terminal without seconds, which tell little and take the place of others."""
    created: str = row.fixed("created") or ""
    return created[:16].replace("T", " ") if on_terminal() else created
