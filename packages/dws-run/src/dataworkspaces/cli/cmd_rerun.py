"""``dws rerun``."""

from __future__ import annotations

import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.cli.executor_option import executor_option
from dataworkspaces.cli.param_types import ParameterType, SnapshotName, StepName, WholeNumber, parameters_by_name
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from pathlib import Path

    from dataworkspaces.commands.rerun_plan import PlannedStep
    from dataworkspaces.commands.run_cache_take import TakenRun


@click.command()
@click.argument("target", required=False, metavar="[STEP|RESOURCE]", type=StepName())
@click.option(
    "--snapshot",
    "--from",
    "snapshot",
    metavar="SNAPSHOT",
    type=SnapshotName(),
    help="Replay the steps of this snapshot (default: the steps of the present state).",
)
@click.option("--force", is_flag=True, help="Run the named steps (default: all), even if they are up to date.")
@click.option(
    "--param",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    type=ParameterType(),
    help="Give a parameter of STEP another value, on its command line too. May be repeated.",
)
@click.option("--no-cache", is_flag=True, help="Take no outputs from earlier runs that did the same.")
@click.option(
    "--jobs",
    "-j",
    type=WholeNumber(1),
    metavar="N",
    help="Run up to N steps at a time (default: 1; 64 with --executor). A step whose outputs nobody named "
    "(dws run --output) runs alone here.",
)
@executor_option
@click.option("--dry-run", is_flag=True, help="Show what would run and why, but run nothing.")
@click.option("--yes", is_flag=True, help="Run command lines that came with the workspace without asking.")
@json_option
@common_options
@pass_session
def rerun(
    session: Session,
    target: str | None,
    snapshot: str | None,
    force: bool,
    parameters: tuple[tuple[str, Any], ...],
    no_cache: bool,
    jobs: int | None,
    executor: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Run the recorded command lines again, in the order of the graph: those behind a step or a resource (or all),
    where what they wrote is out of date. After one that fails, what does not read its outputs still runs.

    \b
    Example: dws rerun train --param C=10
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.rerun import Listener, rerun_command
    from dataworkspaces.commands.rerun_plan import plan_rerun
    from dataworkspaces.errors import ConfigurationError, UserAbort

    if as_json and not dry_run:
        raise ConfigurationError("--json needs --dry-run", hint="Add --dry-run")
    workspace = session.open_workspace(reading=True)
    values = parameters_by_name(parameters)
    plan = plan_rerun(workspace, target, snapshot, force=force, parameters=values, no_cache=no_cache)
    if as_json:
        print_json(plan.to_json())
        return
    if not plan.to_run:
        click.echo("All is up to date" if plan.steps else "No steps are recorded")
        return
    foreign = [step for step in plan.to_run if not step.is_own and step.obstacle is None]
    if dry_run or foreign:
        for step in plan.to_run:
            _show(step)
    if dry_run:
        return
    if foreign and not yes:
        question = (
            f"{len(foreign)} of these command lines came with the workspace and have never been run here. Run them?"
        )
        if not workspace.interaction.confirm(question, default=False, option="--yes"):
            raise UserAbort("Nothing was run")
    outcome = rerun_command(workspace, plan, Listener(_begin, _tell_taken, _show_printed), jobs=jobs, executor=executor)
    for name in outcome.spared:
        _tell(f"Step {name} is up to date after all: its inputs have not changed")
    for name, status in outcome.failed.items():
        _tell(f"Step {name} failed with exit status {status} (to leave it out from now on: dws steps forget {name})")
    if outcome.failed:
        for name, reason in outcome.left.items():
            _tell(f"Step {name} was skipped: {reason}")
        if outcome.ran:
            _tell(f"Ran {', '.join(outcome.ran)}")
        raise click.exceptions.Exit(next(iter(outcome.failed.values())))
    if outcome.ran or not (outcome.left or outcome.taken):
        _tell(f"Ran {', '.join(outcome.ran) or 'nothing'}")
    if outcome.left:
        *others, last = [f"Step {name} was skipped: {reason}" for name, reason in outcome.left.items()]
        for line in others:
            _tell(line)
        raise ConfigurationError(last, hint="Run the skipped steps yourself, then run 'dws rerun' again")


def _show(step: PlannedStep) -> None:
    from dataworkspaces.cli.text import escape

    execution = step.execution
    mark = "" if step.is_own else "  (came with the workspace)"
    click.echo(f"Step {escape(execution.name)}{mark}")
    click.echo(f"    {escape(_command(step))}")
    if execution.directory:
        click.echo(f"    in {escape(execution.directory)}")
    for reason in step.why:
        click.echo(f"    because {escape(reason)}")
    if step.cached is not None:
        click.echo(f"    would be taken from {escape(step.cached.describe())} (--no-cache runs it)")
    if step.obstacle is not None:
        click.echo(f"    cannot be run: {escape(step.obstacle)}")


def _command(step: PlannedStep) -> str:
    """As it would run here."""
    from dataworkspaces.commands.rerun_plan import command_here

    command = step.execution.command
    return "no command line is recorded" if command is None else shlex.join(command_here(command))


def _begin(step: PlannedStep) -> None:
    command = _command(step)
    _tell(f"Step {step.execution.name}: {command if len(command) <= 500 else command[:500] + ' ...'}")


def _tell_taken(name: str, taken: TakenRun) -> None:
    from dataworkspaces.cli.cmd_run import describe_taken

    _tell(describe_taken(name, taken))


def _show_printed(name: str, log: Path) -> None:
    """The command's own bytes, as they would have come."""
    if log.stat().st_size == 0:
        return
    _tell(f"Step {name} printed:")
    stream = sys.stdout.buffer
    with log.open("rb") as file:
        shutil.copyfileobj(file, stream)
    stream.flush()


def _tell(message: str) -> None:
    from dataworkspaces.cli.text import escape

    click.echo(escape(message), err=True)  # stdout is the commands'
