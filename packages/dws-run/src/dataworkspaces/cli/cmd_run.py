"""``dws run``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.cli.param_types import ParameterType, parameters_by_name
from dataworkspaces.cli.session import Session, common_options, pass_session

if TYPE_CHECKING:
    from dataworkspaces.commands.run import RunOutcome
    from dataworkspaces.commands.run_cache_take import TakenRun


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--name", metavar="STEP", help="The name of the step (default: the name of the script or program).")
@click.option(
    "--input",
    "inputs",
    metavar="PATH",
    multiple=True,
    type=click.Path(),
    help="Data that the command reads (default: what its arguments name). May be repeated.",
)
@click.option("--no-input", is_flag=True, help="The command reads no data, so changes of data do not matter.")
@click.option(
    "--output",
    "outputs",
    metavar="PATH",
    multiple=True,
    type=click.Path(),
    help="What the command writes (default: whatever it changes in the resources). May be repeated.",
)
@click.option(
    "--code",
    metavar="PATH",
    multiple=True,
    type=click.Path(),
    help="Code that the command runs (default: the code resources that its arguments name).",
)
@click.option(
    "--param", "parameters", metavar="NAME=VALUE", multiple=True, type=ParameterType(), help="A parameter to record."
)
@click.option(
    "--params-file",
    "params_files",
    metavar="PATH[:KEY]",
    multiple=True,
    help="Read parameters from a file (YAML, JSON, TOML or Python literals): all of them, or only the given "
    "KEYs, separated by commas. Only these values make the step out of date. May be repeated.",
)
@click.option(
    "--results",
    metavar="DIR",
    type=click.Path(),
    help="A directory in a results resource. Its results.json gets the parameters, and the metrics from a "
    "metrics.json that the command writes there.",
)
@click.option(
    "--autolog",
    is_flag=True,
    help="Record what scikit-learn, Keras, PyTorch, XGBoost and LightGBM do in the command: parameters, metrics, "
    "models. The script stays as it is.",
)
@click.option("--force", is_flag=True, help="Run the command even if nothing has changed since its last success.")
@click.option(
    "--no-cache",
    is_flag=True,
    help="Run the command even if an earlier run did the same, and a snapshot has its outputs.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARGUMENTS]...")
@common_options
@pass_session
def run(session: Session, /, command: tuple[str, ...], parameters: tuple[tuple[str, Any], ...], **options: Any) -> None:
    """Run a command as a step of the pipeline, and record what it read, ran and wrote.

    Skips the command if its inputs, code, parameters and command line are the same as in its last success. If they are
    the same as in an earlier run that a snapshot holds, takes the outputs from there. The exit status is that of the
    command.

    \b
    Example:
      dws run --name features -- python code/features.py data/raw.csv
    """
    from dataworkspaces.cli.text import escape
    from dataworkspaces.commands.run import run_command
    from dataworkspaces.commands.run_request import RunRequest

    workspace = session.open_workspace(reading=True)
    request = RunRequest(command=command, parameters=parameters_by_name(parameters), **options)
    outcome = run_command(workspace, request, _tell_why)
    click.echo(escape(_describe(outcome)), err=True)  # stdout is the command's
    if outcome.exit_status:
        raise click.exceptions.Exit(outcome.exit_status)


def _tell_why(name: str, reasons: Sequence[str]) -> None:
    from dataworkspaces.cli.text import escape
    from dataworkspaces.toolbox.names import some

    click.echo(escape(f"Step {name} runs again: {some(reasons)}"), err=True)


def _describe(outcome: RunOutcome) -> str:
    from dataworkspaces.toolbox.names import some

    name, outputs = outcome.name, some(outcome.outputs)
    if outcome.skipped:
        return f"Step {name} is up to date, and was not run (--force runs it)"
    if outcome.taken is not None:
        return describe_taken(name, outcome.taken)
    if outcome.exit_status != 0:
        message = f"Step {name} failed with exit status {outcome.exit_status}"
        return f"{message}; unknown now: {outputs}" if outputs else message
    if not outputs:
        changed = "changed no resource" if not outcome.code else "wrote nothing but code"
        return f"Step {name} {changed}, so nothing is recorded"
    read = f"read {some(outcome.inputs)} and " if outcome.inputs else ""
    return f"Step {name} took {outcome.seconds:.1f} s, {read}wrote {outputs}"


def describe_taken(name: str, taken: TakenRun) -> str:
    from dataworkspaces.toolbox.names import some

    where = taken.run.describe()
    told = f"Step {name} did the same in {where}: took {some(taken.outputs)} from there (--no-cache runs it)"
    return f"{told}. What was there is now in {some(taken.kept)}" if taken.kept else told
