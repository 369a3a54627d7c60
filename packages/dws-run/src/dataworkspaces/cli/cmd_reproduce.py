"""``dws reproduce``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataworkspaces.cli.executor_option import executor_option
from dataworkspaces.cli.param_types import RealNumber, SnapshotName, WholeNumber
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.cli.render import Table
    from dataworkspaces.commands.reproduce import ReproductionPlan
    from dataworkspaces.commands.reproduce_verdict import Reproduction
    from dataworkspaces.commands.rerun_graph import Execution
    from dataworkspaces.workspace import Workspace


@click.command()
@click.argument("tag_or_hash", metavar="SNAPSHOT", type=SnapshotName())
@click.argument("steps", metavar="[STEP...]", nargs=-1)
@click.option("--rtol", type=RealNumber(min=0), default=1e-9, show_default=True, help="Relative tolerance.")
@click.option("--atol", type=RealNumber(min=0), default=0.0, show_default=True, help="Absolute tolerance.")
@click.option(
    "--again", metavar="N", type=WholeNumber(min=2), help="Run N times, and say which outputs are never the same."
)
@click.option(
    "--env",
    "environment",
    type=click.Choice(["current", "recorded"]),
    default="current",
    show_default=True,
    help="What the steps run in: what is there, or the environments that they ran in, made again with uv.",
)
@click.option(
    "--without", metavar="NAME", multiple=True, help="Leave a package out of recorded environments. May be repeated."
)
@click.option(
    "-j",
    "--jobs",
    metavar="N",
    type=WholeNumber(min=1),
    default=1,
    show_default=True,
    help="Run up to N steps at a time, where none reads what another one writes.",
)
@executor_option
@click.option("--attest/--no-attest", default=True, show_default=True, help="Keep the verdict with the snapshot.")
@click.option("--html", metavar="FILE", type=click.Path(dir_okay=False), help="Write a page for a reviewer.")
@click.option("--yes", is_flag=True, help="Run command lines that came with the workspace, without being asked.")
@click.option("--md", "as_markdown", is_flag=True, help="Print Markdown.")
@json_option
@common_options
@pass_session
@click.pass_context
def reproduce(
    ctx: click.Context,
    session: Session,
    tag_or_hash: str,
    steps: tuple[str, ...],
    rtol: float,
    atol: float,
    again: int | None,
    environment: str,
    without: tuple[str, ...],
    jobs: int,
    executor: str | None,
    attest: bool,
    html: str | None,
    yes: bool,
    as_markdown: bool,
    as_json: bool,
) -> None:
    """Run the steps behind a snapshot's results again, in a checkout, and compare all that they write with it.

    Nothing changes here. The exit status is 0 if every output is identical, or equal within the tolerances.

    \b
    Example:
      dws reproduce V1
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.reproduce import HowToRun, plan_reproduction, reproduce_command
    from dataworkspaces.commands.reproduce_compare import Rules

    if as_markdown and as_json:
        raise click.UsageError("--md and --json cannot be used together.")
    workspace = session.open_workspace(reading=True)
    plan = plan_reproduction(workspace, tag_or_hash, steps, recorded=environment == "recorded", without=without)
    if not yes:
        _ask(workspace, plan)
    how = HowToRun(Rules(rtol, atol), again or 1, jobs, _begin)
    if executor is None:
        found = reproduce_command(workspace, plan, how)
    else:
        from dataworkspaces.commands.reproduce_far import reproduce_far

        click.echo(f"Running it at a worker of {executor}", err=True)
        found = reproduce_far(workspace, plan, how, executor)
    if html is not None:
        from dataworkspaces.commands.reproduce_html import page
        from dataworkspaces.toolbox.output import write_output

        write_output(Path(html), page(found).encode("utf-8"))
    if as_json:
        print_json(found.to_json())
    elif as_markdown:
        _print_markdown(found)
    else:
        _show(found)
    if attest:
        _keep(session, found, tells=not (as_json or as_markdown))
    ctx.exit(0 if found.is_reproduced else 1)


def _ask(workspace: Workspace, plan: ReproductionPlan) -> None:
    """What somebody else wrote is shown, and run or fetched only if the user says so."""
    from dataworkspaces.cli.cmd_env import show_sources
    from dataworkspaces.cli.text import escape
    from dataworkspaces.errors import UserAbort

    def agree(question: str) -> None:
        if not workspace.interaction.confirm(question, default=False, option="--yes"):
            raise UserAbort("Nothing was run")

    for execution in plan.foreign:
        click.echo(f"Step {escape(execution.name)}  (came with the workspace)", err=True)
        click.echo(f"    {escape(shlex.join(execution.line or ()))}", err=True)
    if plan.foreign:
        count = len(plan.foreign)
        agree(f"{count} of these command lines came with the workspace, and have never been run here. Run them?")
    environments = () if plan.environments is None else plan.environments.planned.values()
    foreign = [planned for planned in environments if not planned.is_own]
    for planned in foreign:
        show_sources(planned, to_stderr=True)
    if foreign:
        agree("The environment of these steps was recorded by somebody else. Install all that?")


def _keep(session: Session, found: Reproduction, *, tells: bool) -> None:
    """A verdict that cannot be kept is one all the same."""
    from dataworkspaces.commands.reproduce import keep_reproduction
    from dataworkspaces.errors import DwsError

    workspace = session.open_workspace()
    try:
        kept = keep_reproduction(workspace, found)
    except DwsError as e:
        workspace.interaction.warn(f"The verdict is not kept with the snapshot: {e.message}")
        return
    if tells and kept is not None:
        name = found.tags[0] if found.tags else found.snapshot[:7]
        workspace.interaction.tell(f"The verdict is kept with the snapshot; 'dws attest sign {name}' signs it")


def _begin(execution: Execution, command: tuple[str, ...]) -> None:
    from dataworkspaces.cli.text import escape

    text = shlex.join(command)
    click.echo(escape(f"Step {execution.name}: {text if len(text) <= 500 else text[:500] + ' ...'}"), err=True)


def _outputs(found: Reproduction, title: str | None = None) -> Table:
    from dataworkspaces.cli.render import Column, Table

    rows = [(output.output, output.step, output.verdict, "; ".join(output.remarks)) for output in found.outputs]
    return Table(title, [Column("Output"), Column("Step"), Column("Verdict"), Column("Details")], rows)


def _print_markdown(found: Reproduction) -> None:
    """For a comment in a review: the verdict, and what it is about."""
    from dataworkspaces.cli.render import in_markdown, markdown
    from dataworkspaces.cli.text import escape
    from dataworkspaces.commands.reproduce_verdict import environment_of, summary

    name = f"{in_markdown(found.snapshot_name)} ({found.snapshot[:7]})"
    click.echo(escape(f"**Snapshot {name} {found.in_words}**: {summary(found.counts)}"))
    click.echo()
    click.echo(markdown(_outputs(found)))
    notes = [f"Step {step.name}: {step.why}" for step in found.steps if step.why]
    notes += [f"Step {step.name} may differ since {reason}" for step in found.steps for reason in step.reasons]
    click.echo()
    for note in (*notes, f"Environment: {environment_of(found)}"):
        click.echo(f"- {escape(in_markdown(note))}")


def _show(found: Reproduction) -> None:
    from dataworkspaces.cli.render import print_table
    from dataworkspaces.cli.text import escape
    from dataworkspaces.commands.reproduce_verdict import environment_of, summary

    name = found.snapshot_name
    print_table(_outputs(found, f"Outputs of snapshot {name} ({found.snapshot[:7]})"))
    for step in found.steps:
        if step.why:
            click.echo(escape(f"Step {step.name}: {step.why}"))
        for line in step.log.splitlines()[-10:]:
            click.echo(f"    {escape(line)}")
        for reason in step.reasons:
            click.echo(escape(f"Step {step.name} may differ since {reason}"))
    click.echo(escape(f"Environment: {environment_of(found)}"))
    for made in found.environments:
        for line in made.differences:
            click.echo(escape(f"  not as recorded: {line}"))
    click.echo(escape(f"Snapshot {name} {found.in_words}: {summary(found.counts)}"))
