"""``dws steps``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from dataworkspaces.cli.param_types import StepName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.commands.rerun_plan import PlannedStep
    from dataworkspaces.workspace import Workspace


@click.group(invoke_without_command=True)
@click.option(
    "--export",
    "tool",
    type=click.Choice(["dvc", "make", "snakemake"]),
    help="Print the steps as a pipeline for another tool.",
)
@json_option
@common_options
@click.pass_context
def steps(ctx: click.Context, tool: str | None, as_json: bool) -> None:
    """List the recorded steps with their command lines, and what is out of date.

    \b
    Examples:
      dws steps forget first-try
      dws steps --export make > Makefile
    """
    if tool is not None and (as_json or ctx.invoked_subcommand is not None):
        raise click.UsageError("--export prints a file for another tool: it goes with nothing else")
    if ctx.invoked_subcommand is not None:
        return
    if tool is not None:
        _export(ctx.ensure_object(Session).open_workspace(reading=True), tool)
        return
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.steps import list_steps

    found = list_steps(ctx.ensure_object(Session).open_workspace(reading=True))
    if as_json:
        print_json(found.to_json()["steps"])
        return
    for step in found.steps:
        _show(step)
    if not found.steps:
        click.echo("No steps are recorded", err=True)


@steps.command(short_help="Forget a step, so that 'dws rerun' never runs it")
@click.argument("name", type=StepName())
@json_option
@common_options
@pass_session
def forget(session: Session, name: str, as_json: bool) -> None:
    """Forget the step NAME, so that 'dws rerun' never runs it again.

    Its files stay, but their origin is forgotten. Snapshots keep what they have of the step.

    \b
    Example:
      dws steps forget broken-idea
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.steps import forget_step
    from dataworkspaces.toolbox.names import some

    workspace = session.open_workspace()
    done = forget_step(workspace, name)
    if as_json:
        print_json(done.to_json())
    else:
        files = f"; what it wrote to {some(done.places)} stays" if done.places else ""
        workspace.interaction.tell(f"Forgot step {name}{files}")


def _export(workspace: Workspace, tool: str) -> None:
    from dataworkspaces.commands.pipeline_formats import export_steps
    from dataworkspaces.toolbox.names import some

    text, pipeline = export_steps(workspace, tool)
    click.echo(text, nl=False)
    warn = workspace.interaction.warn
    for name, reason in pipeline.left_out.items():
        warn(f"Step {name} is left out: {reason}")
    if pipeline.unseen:
        warn(f"No change of {some(pipeline.unseen)} is noticed, since it has no local directory")
    if pipeline.foreign:
        warn(f"The command lines of {some(pipeline.foreign)} came with the workspace: read them before you run them")


def _show(step: PlannedStep) -> None:
    from dataworkspaces.cli.text import escape, painted

    execution = step.execution
    state = "failed" if execution.has_failed else "out of date" if step.runs else "up to date"
    click.echo(f"{escape(execution.name)}: {painted(state, _LOOKS[state])}")
    command = execution.command
    click.echo(f"    {escape(shlex.join(command)) if command is not None else 'no command line is recorded'}")
    if execution.directory:
        click.echo(f"    in {escape(execution.directory)}")
    if not execution.inputs_told:
        click.echo("    inputs: not told (name them with --input; if there are none, say --no-input)")
    for reason in step.why:
        click.echo(f"    because {escape(reason)}")
    if execution.taken_from is not None:
        snapshot = escape(execution.taken_from["snapshot"][:7])
        click.echo(
            f"    taken from snapshot {snapshot}, where it ran at {escape(execution.taken_from['start_time'][:19])}"
        )
    if step.cached is not None:
        click.echo(f"    would be taken from {escape(step.cached.describe())}")


_LOOKS = {"failed": "red", "out of date": "yellow", "up to date": ""}
