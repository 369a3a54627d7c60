"""``dws history``, also ``dws report history`` and ``dws log``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dataworkspaces.cli.pager import paged, pager_option
from dataworkspaces.cli.param_types import BranchName, WholeNumber, split_names
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.commands.history import HistoryReport

F = TypeVar("F", bound=Callable[..., Any])

limit_option = click.option(
    "--limit",
    metavar="N",
    type=WholeNumber(min=1),
    help="Show at most N snapshots: the newest, or the first after sorting.",
)


def _names(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(split_names(value))


def _history_options(function: F) -> F:
    options = [
        click.option(
            "--metrics", metavar="NAME,…", callback=_names, help="Show these metrics. 'macro*' and '*' are patterns."
        ),
        click.option(
            "--params", metavar="NAME,…", callback=_names, help="Show these parameters, even if they do not vary."
        ),
        click.option("--columns", metavar="NAME,…", callback=_names, help="Show exactly these columns, in this order."),
        click.option("--changed", is_flag=True, help="Show only metrics and parameters that differ between rows."),
        click.option(
            "--sort", metavar="NAME[:asc|desc]", help="Sort by this column (default order: best or smallest first)."
        ),
        click.option("--where", metavar="EXPR", help="Show only rows for which this SQL expression is true."),
        limit_option,
        click.option(
            "--branch", metavar="BRANCH", type=BranchName(), help="Show the snapshots of this branch instead."
        ),
        click.option("--all", "all_branches", is_flag=True, help="Show the snapshots of all branches."),
        click.option("--experiments", is_flag=True, help="Show the experiments beside the working line instead."),
        click.option("--sweep", metavar="NAME", help="Show the runs of this sweep (dws sweep) instead."),
        click.option("--precision", metavar="N", type=click.IntRange(0, 17), help="Digits after the decimal point."),
        click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with all digits."),
        click.option("--md", "as_markdown", is_flag=True, help="Print a table in Markdown."),
        pager_option,
        json_option,
        common_options,
    ]
    for option in reversed(options):
        function = option(function)
    return function


@click.command(short_help="List all experiments in one table")
@_history_options
@pass_session
def history(
    session: Session,
    metrics: tuple[str, ...] | None,
    params: tuple[str, ...] | None,
    columns: tuple[str, ...] | None,
    changed: bool,
    sort: str | None,
    where: str | None,
    limit: int | None,
    branch: str | None,
    all_branches: bool,
    experiments: bool,
    sweep: str | None,
    precision: int | None,
    as_csv: bool,
    as_markdown: bool,
    no_pager: bool,
    as_json: bool,
) -> None:
    """List all experiments in one table: each snapshot with its metrics, and the parameters that vary.

    Includes the parameters of all steps behind the results. A terminal shows as many columns as fit. The present state
    is marked if it matches a snapshot, and otherwise has a row of its own.

    \b
    Example:
      dws history --where 'accuracy > 0.9 and C < 1' --sort accuracy
    """
    from dataworkspaces.cli.history_table import print_csv, print_history, print_markdown
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.experiment_table import Choice
    from dataworkspaces.commands.history import history_report

    if as_csv + as_markdown + as_json > 1:
        raise click.UsageError("--csv, --md and --json cannot be used together.")
    if branch is not None and all_branches:
        raise click.UsageError("--branch and --all cannot be used together.")
    if (experiments or sweep is not None) and (branch is not None or all_branches):
        raise click.UsageError("--experiments and --sweep cannot be used with --branch or --all.")
    choice = Choice(metrics, params, columns, changed)
    workspace = session.open_workspace(reading=True)
    found = history_report(
        workspace, limit, choice, where=where, sort=sort, branch=branch, all_branches=all_branches,
        experiments=experiments, sweep=sweep,
    )  # fmt: skip
    if as_json:
        print_json(found.to_json())
    elif as_csv:
        print_csv(found.table, precision)
    elif as_markdown:
        print_markdown(found.table, precision, found.attestations)
    else:
        with paged(no_pager):
            named = bool(metrics or params)
            print_history(
                found.table,
                precision,
                named=named,
                is_filtered=where is not None,
                branches=found.branches,
                are_experiments=found.are_experiments,
                attestations=found.attestations,
            )


def print_snapshots(found: HistoryReport) -> None:
    """The table, for ``dws status --history``."""
    from dataworkspaces.cli.history_table import print_history

    print_history(found.table, None, attestations=found.attestations)
