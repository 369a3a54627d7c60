"""``dws runs``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.cli.param_types import FromWorkspace
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.lineage.live import LiveEpoch, LiveRun
    from dataworkspaces.workspace import Workspace

_LAST_EPOCHS = 20
_SECONDS = 0.5
_LOOKS = {"running": "green", "failed": "red", "killed": "red"}


class RunName(FromWorkspace):
    """A run that has a live record, by its id or its step."""

    name = "run"

    def candidates(self, workspace: Workspace, ctx: click.Context) -> Iterable[str]:
        from dataworkspaces.lineage.live import live_runs

        found = live_runs(workspace)
        return dict.fromkeys([*(run.step for run in found), *(run.run_id for run in found)])


@click.command()
@click.argument("run", metavar="[RUN]", type=RunName(), required=False)
@click.option("--follow", is_flag=True, help="Print each epoch of RUN as it ends, until the run does.")
@json_option
@common_options
@pass_session
def runs(session: Session, run: str | None, follow: bool, as_json: bool) -> None:
    """List runs under way, and the last ones, with the metrics of their last epoch.

    With RUN, which is an id, its beginning, or a step, show the parameters and the epochs of that run. A run that was
    killed has the epochs that it had finished. Without RUN, --follow follows the latest one.

    \b
    Examples:
      dws runs
      dws runs train --follow
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.live import runs_by_name

    if follow and as_json:
        raise click.UsageError("--follow prints lines as they come, and --json one document: choose one of them")
    workspace = session.open_workspace(reading=True)
    found = runs_by_name(workspace, run)
    if as_json:
        print_json({"runs": [one.to_json() for one in found]})
    elif not found:
        click.echo("No runs were found")
    elif follow:
        _follow(workspace, found[0])
    elif run is not None:
        _print(found[0])
    else:
        _print_all(found)


def _print_all(found: Sequence[LiveRun]) -> None:
    from dataworkspaces.cli.render import Column, Styled, Table, print_table

    columns: list[Column | str] = [Column("Run", fixed=True), "Step", "State", "Started", "Epochs", "Last metrics"]
    rows: list[list[Any]] = [
        [
            one.run_id,
            one.step,
            Styled(one.status, _LOOKS.get(one.status, "")),
            f"{one.started:%Y-%m-%d %H:%M:%S}",
            len(one.epochs) or "",
            _metrics(one.epochs[-1]) if one.epochs else "",
        ]
        for one in found
    ]
    print_table(Table("Runs", columns, rows))


def _print(run: LiveRun) -> None:
    from dataworkspaces.cli.render import Column, Table, key_value_table, print_table
    from dataworkspaces.cli.text import escape, value_text

    click.echo(f"Run {escape(run.run_id)} of step {escape(run.step)}: {run.status}{_why(run)}")
    lasted = "" if run.ended is None else f", ended {run.ended:%Y-%m-%d %H:%M:%S}"
    click.echo(f"Started {run.started:%Y-%m-%d %H:%M:%S}{lasted}; process {run.process} on {escape(run.host)}")
    if run.parameters:
        click.echo()
        print_table(key_value_table("Parameters", run.parameters, exact=True))
    names = list(dict.fromkeys(name for epoch in run.epochs for name in epoch.metrics))
    if run.epochs:
        shown = run.epochs[-_LAST_EPOCHS:]
        rows = [[e.number, *(value_text(e.metrics[n]) if n in e.metrics else "" for n in names)] for e in shown]
        title = "Epochs" if len(shown) == len(run.epochs) else f"The last {len(shown)} of {len(run.epochs)} epochs"
        click.echo()
        print_table(Table(title, [Column("Epoch"), *(Column(n, numeric=True) for n in names)], rows))
    if run.system:
        last = run.system[-1]
        click.echo()
        print_table(key_value_table(f"System at {last.time:%H:%M:%S}", last.values))


def _why(run: LiveRun) -> str:
    from dataworkspaces.cli.text import escape

    return "" if run.error is None else f" ({escape(run.error)})"


def _follow(workspace: Workspace, run: LiveRun) -> None:
    import time

    from dataworkspaces.cli.text import escape
    from dataworkspaces.commands.live import follow, runs_by_name

    click.echo(f"Run {escape(run.run_id)} of step {escape(run.step)}")
    for epoch in follow(workspace, run, lambda: time.sleep(_SECONDS)):
        click.echo(f"epoch {epoch.number}: {_metrics(epoch)}")
    (run,) = runs_by_name(workspace, run.run_id)
    click.echo(f"{run.status}{_why(run)}")


def _metrics(epoch: LiveEpoch) -> str:
    from dataworkspaces.cli.text import escape, number

    return ", ".join(
        f"{escape(name)}={number(value) if isinstance(value, float) else escape(_short(value))}"
        for name, value in epoch.metrics.items()
    )


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
