"""``dws report``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.cli.param_types import ResourceName, SnapshotName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.cli.render import Styled, Table
    from dataworkspaces.commands.report import ResultsReport
    from dataworkspaces.lineage.states import State
    from dataworkspaces.lineage.views import LineageRow


_OF_ALL = "value"
"""The column for what is no metric of a class, such as the accuracy in a classification report."""
_MOST_COLUMNS = 12
"""Of a table of metrics by class; what has more is none."""


class _Reports(click.Group):
    """Two of them are commands of their own, too, and each is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*self.commands, "history", "status"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "history":
            from dataworkspaces.cli.cmd_history import history

            return history
        if cmd_name == "status":
            from dataworkspaces.cli.cmd_status import status

            return status
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Reports)
@common_options
def report() -> None:
    """Show status, history, lineage or results of the workspace."""


@report.command(short_help="Show which step wrote each resource, and from what")
@click.option("--snapshot", metavar="SNAPSHOT", type=SnapshotName(), help="As of this snapshot (default: now).")
@json_option
@common_options
@pass_session
def lineage(session: Session, snapshot: str | None, as_json: bool) -> None:
    """Show where each resource comes from: the step that wrote it, and what that step read.

    Marks what is out of date, because inputs, code or parameters have changed, and what is unknown, because the step
    that wrote it failed.

    \b
    Example:
      dws report lineage --snapshot V1
    """
    from dataworkspaces.cli.render import Table, print_json, print_table
    from dataworkspaces.cli.text import to_the_second
    from dataworkspaces.commands.report import lineage_report

    found = lineage_report(session.open_workspace(reading=True), snapshot)
    if as_json:
        print_json(found.to_json())
        return
    title = f"Lineage for {snapshot or f'the present state of workspace {found.workspace}'}"
    columns = ["Resource", "Type", "Details", "Inputs"]
    rows: list[tuple[Any, ...]] = [
        (row.ref, row.shown_type, to_the_second(row.details), tuple(row.inputs or [_no_inputs(row)]))
        for row in found.rows
    ]
    if any(row.state.kind != "current" for row in found.rows):
        columns.append("State")
        rows = [(*row, _state(found_row.state)) for row, found_row in zip(rows, found.rows, strict=True)]
    if rows:
        print_table(Table(title, columns, rows))
    else:
        click.echo(f"{title}: none is recorded")


@report.command(short_help="Show parameters and metrics of the last runs")
@click.option("--snapshot", metavar="SNAPSHOT", type=SnapshotName(), help="Show the results of this snapshot.")
@click.option("--resource", metavar="NAME", type=ResourceName(), help="Show the results in this results resource.")
@json_option
@common_options
@pass_session
def results(session: Session, snapshot: str | None, resource: str | None, as_json: bool) -> None:
    """Show parameters and metrics of the last run of each step, or those in a snapshot.

    \b
    Example:
      dws report results --snapshot V1
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.report import results_report

    found = results_report(session.open_workspace(reading=True), snapshot, resource)
    if as_json:
        print_json(None if found is None else found.to_json())
    elif found is None:
        click.echo("No results were found")
    else:
        _print_results(found)
        for other in found.others:
            click.echo()
            _print_results(other)


@report.command(short_help="List runs, and where earlier ones were moved")
@json_option
@common_options
@pass_session
def runs(session: Session, as_json: bool) -> None:
    """List the runs whose results are here, and earlier runs that later ones moved aside.

    A run is completed, running or failed. Earlier runs stay in the listed directories until 'dws gc' removes them.

    \b
    Example:
      dws report runs
    """
    from dataworkspaces.cli.render import Column, Table, print_json, print_table
    from dataworkspaces.commands.runs import runs_report

    found = runs_report(session.open_workspace(reading=True))
    if as_json:
        print_json(found.to_json())
        return
    columns: list[Column | str] = ["Results", Column("Run", fixed=True), "Step", "State", "Files"]
    rows: list[list[Any]] = [
        [str(r.ref), r.run_id or "", r.step, r.status or "", len(r.files) if r.run_id else ""] for r in found.present
    ]
    rows += [[str(e.ref), e.run_id, e.step, "moved aside", str(e.files)] for e in found.earlier]
    if rows:
        print_table(Table("Runs", columns, rows))
    else:
        click.echo("No runs were found")


def _no_inputs(row: LineageRow) -> str:
    return "None" if row.inputs_told else "not told"


def _state(state: State) -> Styled:
    from dataworkspaces.cli.render import Styled

    if state.kind == "out of date":
        return Styled((f"out of date: {state.reasons[0]}", *state.reasons[1:]), "yellow")
    return Styled(state.kind, {"unknown": "red"}.get(state.kind, ""))


def _print_results(found: ResultsReport) -> None:
    from dataworkspaces.cli.render import key_value_table, print_table
    from dataworkspaces.cli.text import escape

    click.echo(f"Results file at {escape(found.location)}")
    tables = [
        key_value_table("General Properties", _properties(found.properties)),
        key_value_table("Parameters", found.parameters, exact=True),
        key_value_table("Metrics", found.metrics),
        *(metric_table(name, values) for name, values in found.metric_tables.items()),
    ]
    if found.history:
        tables.append(_history_table(found.history))
    for table in tables:
        if table.rows:
            click.echo()
            print_table(table)


def metric_table(name: str, values: Mapping[str, Any]) -> Table:
    """Metrics by class, such as a classification report: a row for each class, and a column for each metric. What is no
    such table is one of keys and values."""
    from dataworkspaces.cli.render import Column, Table, key_value_table
    from dataworkspaces.cli.text import value_text

    title = f"Metrics: {name}"
    classes = {key: value for key, value in values.items() if isinstance(value, Mapping) and value}
    names = list(dict.fromkeys(str(metric) for value in classes.values() for metric in value))
    if not classes or len(names) > _MOST_COLUMNS:
        return key_value_table(title, values)
    if len(classes) < len(values):
        names.append(_OF_ALL)
    rows: list[list[Any]] = []
    for key, value in values.items():
        given = {str(metric): number for metric, number in value.items()} if key in classes else {_OF_ALL: value}
        rows.append([key, *(value_text(given[name]) if name in given else "" for name in names)])
    return Table(title, ["", *(Column(n, numeric=True) for n in names)], rows)


def _properties(properties: dict[str, Any]) -> dict[str, Any]:
    """Of the run's files their names: hashes say nothing to people."""
    files = properties.get("files")
    if not isinstance(files, dict):
        return properties
    others = {key: value for key, value in properties.items() if key != "files"}
    return {**others, "files": ", ".join(files)} if files else others


def _history_table(history: dict[str, list[float | None]]) -> Table:
    """The metrics of a training by epoch, each as a small picture."""
    from dataworkspaces.cli.render import Table
    from dataworkspaces.cli.sparkline import sparkline

    rows = []
    for name, values in history.items():
        known = [value for value in values if value is not None]
        if known:
            numbers = [f"{number:.4g}" for number in (known[0], known[-1], min(known), max(known))]
            rows.append([name, sparkline(values), *numbers])
    epochs = max(len(values) for values in history.values())
    return Table(f"Metrics of {epochs} epochs", ["Metric", "Course", "First", "Last", "Least", "Greatest"], rows)
