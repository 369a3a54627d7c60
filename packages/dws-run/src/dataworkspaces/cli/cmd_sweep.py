"""``dws sweep``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.cli.executor_option import executor_option
from dataworkspaces.cli.param_types import WholeNumber
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.commands.sweep import DoneRun
    from dataworkspaces.commands.sweep_plan import SweepPlan
    from dataworkspaces.workspace import Workspace

_RUNS = click.IntRange(1, 1_000_000)
_PATH = click.Path()


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--name", metavar="NAME", help="The name of the sweep; its runs are the experiments NAME/1, NAME/2, ….")
@click.option(
    "--param",
    "parameters",
    metavar="NAME=VALUES",
    multiple=True,
    help="Values to try: a list (0.1,1,10), a range (1..10, 0..1..0.1), or a distribution (uniform:0:1, "
    "loguniform:1e-4:1, int:1:9, logint:1:99, normal:0:1). NAME is a {NAME} in the command, or FILE:KEY. "
    "May be repeated.",
)
@click.option("--rows", metavar="FILE", type=_PATH, help="A run for each row of a file: CSV, or JSON lines.")
@click.option("--random", "count", metavar="N", type=_RUNS, help="Draw N runs instead of all combinations.")
@click.option("--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), help="Draw the same values again.")
@click.option("--optuna", metavar="N", type=_RUNS, help="Let optuna choose the values of N runs.")
@click.option("--metric", "goal", metavar="NAME:max|min", help="What optuna makes best.")
@click.option("--prune", is_flag=True, help="Let optuna end runs early, by the metric of their epochs.")
@click.option("--jobs", "-j", type=WholeNumber(1), metavar="N", help="Run N at a time (default: 1; 64 of an executor).")
@executor_option
@click.option("--resume", metavar="NAME", help="Go on with a sweep that was begun here, with its command.")
@click.option("--retry-failed", is_flag=True, help="Run those again that failed.")
@click.option("--step", metavar="STEP", help="The name of the step (default: the name of the script or program).")
@click.option("--input", "inputs", metavar="PATH", multiple=True, type=_PATH, help="As of 'dws run'.")
@click.option("--output", "outputs", metavar="PATH", multiple=True, type=_PATH, help="As of 'dws run'.")
@click.option("--code", metavar="PATH", multiple=True, type=_PATH, help="As of 'dws run'.")
@click.option("--results", metavar="DIR", type=_PATH, help="As of 'dws run'.")
@click.option("--dry-run", is_flag=True, help="Show what would run, and run nothing.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARGUMENTS]...")
@json_option
@common_options
@pass_session
def sweep(
    session: Session, /, command: tuple[str, ...], name: str | None, resume: str | None, jobs: int | None,
    executor: str | None, retry_failed: bool, dry_run: bool, as_json: bool, step: str | None, **options: Any,
) -> None:  # fmt: skip
    """Run a command for many parameters, each in a copy of the workspace, and keep each run as an experiment.

    Files and branches here stay as they are, and you can go on working. 'dws history --sweep NAME' compares the runs.
    The same command again goes on where an interrupted sweep ended. The exit status is 1 if a run failed.

    \b
    Example:
      dws sweep --name svc --param C=0.1,1,10 -- python code/train.py --C {C}
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.sweep import sweep_command

    workspace = session.open_workspace()
    plan = _plan(workspace, command, name, resume, step, options)
    if dry_run:
        _show(workspace, plan, as_json)
        return
    outcome = sweep_command(
        workspace,
        plan,
        jobs=jobs,
        retry=retry_failed,
        executor=executor,
        tell=lambda run: _tell(run, plan.total, as_json),
    )
    failed = outcome.count("failed") + outcome.count("unrecorded")
    if as_json:
        print_json(outcome.to_json())
    else:
        told = ", ".join(
            f"{count} {status}"
            for status in ("completed", "failed", "pruned", "unrecorded")
            if (count := outcome.count(status))
        )
        workspace.interaction.tell(f"Sweep {plan.name}: {told}; 'dws history --sweep {plan.name}' compares them")
    if failed:
        raise click.exceptions.Exit(1)


def _plan(
    workspace: Workspace, command: tuple[str, ...], name: str | None, resume: str | None, step: str | None,
    options: dict[str, Any],
) -> SweepPlan:  # fmt: skip
    from dataworkspaces.commands.sweep_plan import SweepRequest, continued, kept_plan, make_plan
    from dataworkspaces.commands.sweep_search import check_optuna, parse_goal

    if resume is not None:
        if command or name is not None or options["parameters"] or options["rows"]:
            raise click.UsageError("--resume has the command and the parameters of the sweep: give neither.")
        return kept_plan(workspace, resume)
    if name is None:
        raise click.UsageError("Give the sweep a name: --name NAME.")
    if options["optuna"] is not None:
        if options["count"] is not None or options["rows"] is not None:
            raise click.UsageError("--optuna cannot be used with --random or --rows.")
        check_optuna()
        parse_goal(options["goal"])
    elif options["goal"] is not None or options["prune"]:
        raise click.UsageError("--metric and --prune are for --optuna.")
    of_run = {"name": step, **{key: options.pop(key) for key in ("inputs", "outputs", "code", "results")}}
    of_run = {key: value for key, value in of_run.items() if value not in (None, ())}
    request = SweepRequest(command=command, options=of_run, **options)
    return continued(workspace, make_plan(workspace, name, request))


def _show(workspace: Workspace, plan: SweepPlan, as_json: bool) -> None:
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import escape, plural
    from dataworkspaces.commands.sweep import commands_of, done_runs

    done = done_runs(workspace, plan)
    runs = [(n, point, command) for n, point, command in commands_of(plan) if n not in done]
    if as_json:
        print_json({
            "sweep": plan.name,
            "total": plan.total,
            "done": sorted(done),
            "runs": [{"number": n, "parameters": point, "command": list(command)} for n, point, command in runs],
        })  # fmt: skip
        return
    for number, _point, command in runs:
        click.echo(f"Would run {escape(plan.experiment(number))}: {escape(shlex.join(command))}")
    if plan.request.optuna is not None:
        click.echo(f"Would run {plural(plan.total - len(done), 'trial')} with values that optuna chooses")
    if done:
        click.echo(f"{plural(len(done), 'run')} of {plan.total} are done already")


def _tell(run: DoneRun, total: int, as_json: bool) -> None:
    from dataworkspaces.cli.text import escape, one_line

    if run.status == "completed":
        return
    last = run.why.strip().rpartition("\n")[2]
    what = f"exit status {run.exit_status}" if run.exit_status is not None else "it could not be kept"
    click.echo(escape(one_line(f"Run {run.experiment} of {total} {run.status}: {what}: {last}".rstrip(": "))), err=True)
