"""``dws fsck``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.commands.fsck import IntegrityReport


@click.command()
@click.option("--repair", is_flag=True, help="Make safe repairs: nothing is lost, and whatever is set aside is named.")
@json_option
@common_options
@pass_session
def fsck(session: Session, repair: bool, as_json: bool) -> None:
    """Check that the workspace is intact: metadata, snapshots, results, lineage, resources.

    Says what is wrong and how to repair it. Changes nothing without --repair. The exit status is 1 if errors remain,
    and 0 if there are none, or only warnings.

    \b
    Examples:
      dws fsck
      dws fsck --repair
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.fsck import fsck_command

    interaction = session.interaction()
    report = fsck_command(session.place(), interaction, repair=repair, batch=session.batch, verbose=session.verbose)
    if as_json:
        print_json(report.to_json())
    else:
        _print_report(report)
    if report.errors:
        click.get_current_context().exit(1)


def _print_report(report: IntegrityReport) -> None:
    from dataworkspaces.cli.text import escape, painted, plural

    if report.repaired:
        click.echo("Repaired")
        for line in report.repaired:
            click.echo(f"  {escape(line)}")
        click.echo()
    area = None
    for problem in report.problems:
        if problem.area != area:
            area = problem.area
            click.echo(area.capitalize())
        severity = painted(f"{problem.severity}:", _LOOKS[problem.severity])
        click.echo(f"  {severity} {escape(problem.where)}: {escape(problem.what)}")
        click.echo(f"    {escape(problem.remedy)}")
    if not report.problems:
        click.echo("No problems found")
        click.echo(_UNREAD)
        return
    click.echo()
    found = [plural(report.errors, "error")] if report.errors else []
    found += [plural(report.warnings, "warning")] if report.warnings else []
    click.echo(", ".join(found))
    if not report.is_complete:
        click.echo("The rest of the workspace can be checked once this is repaired")
        return
    if any(problem.repair is not None for problem in report.problems):
        click.echo("'dws fsck --repair' makes the safe repairs")
    click.echo(_UNREAD)


_LOOKS = {"error": "red", "warning": "yellow"}
_UNREAD = "The content of files was not checked: 'dws verify' does that"
