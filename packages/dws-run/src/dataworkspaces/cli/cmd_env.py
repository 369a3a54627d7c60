"""``dws env``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.cli.param_types import SnapshotName, StepName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.commands.environments import PlannedEnvironment, ShownEnvironment

step_option = click.option("--step", metavar="STEP", type=StepName(), help="Use the environment of this step.")
kind_option = click.option(
    "--kind",
    metavar="KIND",
    default="python",
    show_default=True,
    help="The kind of environment: python, conda, container.",
)


@click.group()
@common_options
def env() -> None:
    """Show, compare, export and recreate the environments in which steps ran.

    \b
    Examples:
      dws env show V1
      dws env create V1 .venv-v1
    """


@env.command(short_help="Show the environments of steps")
@click.argument("snapshot", metavar="[SNAPSHOT]", type=SnapshotName(), required=False)
@step_option
@json_option
@common_options
@pass_session
def show(session: Session, snapshot: str | None, step: str | None, as_json: bool) -> None:
    """Show the environments of the steps of a snapshot (default: of the present lineage), and what was installed.

    \b
    Example: dws env show V1
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.environments import show_environments

    found = show_environments(session.open_workspace(reading=True), snapshot, step)
    if as_json:
        print_json([each.to_json() for each in found])
        return
    if not found:
        click.echo("No environments are recorded", err=True)
    for number, each in enumerate(found):
        if number:
            click.echo()
        _print(each)


@env.command(short_help="Compare two environments")
@click.argument("before", metavar="SNAPSHOT", type=SnapshotName())
@click.argument("after", metavar="[SNAPSHOT]", type=SnapshotName(), required=False)
@step_option
@json_option
@common_options
@pass_session
def diff(session: Session, before: str, after: str | None, step: str | None, as_json: bool) -> None:
    """Compare the environments of two snapshots, or that of one snapshot with the present environment.

    \b
    Example: dws env diff V1
    """
    from dataworkspaces.cli.render import Table, print_json, print_table
    from dataworkspaces.cli.text import escape
    from dataworkspaces.commands.environments import diff_environments

    found = diff_environments(session.open_workspace(reading=True), before, after, step)
    if as_json:
        print_json(found.to_json())
        return
    if not found.changes and not found.settings:
        click.echo(f"The environments of {escape(found.before)} and {escape(found.after)} are the same")
        return
    if found.changes:
        rows = [(c.name, _version(c.before), _version(c.after), _what(str(c))) for c in found.changes]
        print_table(Table("Packages", ["Name", found.before, found.after, "Change"], rows))
    if found.settings:
        settings = [(name, _text(then), _text(now)) for name, then, now in found.settings]
        print_table(Table("Machine and settings", ["Name", found.before, found.after], settings))


@env.command(short_help="Write an environment for other programs")
@click.argument("snapshot", metavar="[SNAPSHOT]", type=SnapshotName(), required=False)
@step_option
@kind_option
@click.option("--format", metavar="FORMAT", help="pylock (default), requirements or json; of conda: explicit or json.")
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False), help="Where to write (default: stdout)."
)
@common_options
@pass_session
def export(
    session: Session, snapshot: str | None, step: str | None, kind: str, format: str | None, output: str | None
) -> None:
    """Write the environment of a snapshot for other programs: a pylock.toml, or a file of requirements.

    \b
    Example: dws env export V1 -o pylock.toml
    """
    from dataworkspaces.commands.environments import export_environment
    from dataworkspaces.toolbox.output import names_stdout, write_output

    text = export_environment(session.open_workspace(reading=True), snapshot, step, kind, format)
    if output is None or names_stdout(output):
        click.echo(text, nl=False)
    else:
        write_output(Path(output), text.encode("utf-8"))


@env.command(short_help="Create the environment of a snapshot again")
@click.argument("snapshot", metavar="SNAPSHOT", type=SnapshotName())
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False))
@step_option
@kind_option
@click.option("--without", metavar="NAME", multiple=True, help="Leave a package out. May be given several times.")
@click.option("--yes", is_flag=True, help="Install what came with the workspace without asking.")
@json_option
@common_options
@pass_session
def create(
    session: Session,
    snapshot: str,
    directory: str,
    step: str | None,
    kind: str,
    without: tuple[str, ...],
    yes: bool,
    as_json: bool,
) -> None:
    """Create the environment of a snapshot again, in the new directory DIR. uv creates Python environments.

    If somebody else recorded the environment, the command first shows what it would fetch, and from where.

    \b
    Example: dws env create V1 .venv-v1
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.environments import create_environment, plan_environment
    from dataworkspaces.errors import UserAbort

    workspace = session.open_workspace(reading=True)
    planned = plan_environment(workspace, snapshot, step, kind)
    if not planned.is_own:
        show_sources(planned, to_stderr=as_json)
        question = "This environment was recorded by somebody else. Install all that?"
        if not yes and not workspace.interaction.confirm(question, default=False, option="--yes"):
            raise UserAbort("Nothing was installed")
    made = create_environment(workspace, planned, Path(directory), without)
    if as_json:
        print_json(made.to_json())
        return
    same = f", {made.verified} of them with the very files that were recorded" if made.verified else ""
    workspace.interaction.tell(f"Made {directory}: {made.packages} packages{same}")
    for line in made.differences:
        workspace.interaction.tell(f"  not as recorded: {line}")


def show_sources(planned: PlannedEnvironment, *, to_stderr: bool) -> None:
    from dataworkspaces.cli.text import escape

    for source in planned.sources:
        click.echo(escape(f"From {source.address}:"), err=to_stderr)
        click.echo(f"    {escape(', '.join(source.what))}", err=to_stderr)


def _print(each: ShownEnvironment) -> None:
    from dataworkspaces.cli.render import Column, Table, print_table
    from dataworkspaces.cli.text import escape

    known = each.environment
    named = " and ".join(each.summaries.values())
    click.echo(escape(named or f"Python {known.python or '(unknown)'}; all that was installed is not recorded"))
    click.echo(f"  Steps:    {escape(', '.join(each.steps))}")
    if known.platform:
        click.echo(f"  Platform: {escape(known.platform)}")
    settings = known.settings
    for name, value in settings.items():
        if name != "variables":
            click.echo(f"  {escape(name.replace('_', ' ').capitalize() + ':'):<9} {escape(_text(value))}")
    variables = settings.get("variables")
    for name, value in (variables if isinstance(variables, dict) else {}).items():
        click.echo(f"  {escape(name)}={escape(_text(value))}")
    if each.problem is not None:
        click.echo(f"  {escape(each.problem)}")
    rows: list[tuple[Any, ...]] = [
        (p.name, p.version or "", ("editable " if p.editable else "") + (p.source or ""), "yes" if p.hashes else "")
        for p in each.packages
    ]
    if not rows and known.distributions:
        rows = [(name, version, "", "") for name, version in known.distributions.items()]
    if rows:
        print_table(Table(None, ["Name", Column("Version", fixed=True), "Source", Column("Hash", fixed=True)], rows))


def _version(package: Any) -> str:
    return "" if package is None else str(package.version or "")


def _what(text: str) -> str:
    return "" if "→" in text else text.partition(" ")[2]


def _text(value: Any) -> str:
    return "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
