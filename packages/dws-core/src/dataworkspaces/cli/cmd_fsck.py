"""``dws fsck``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.commands.fsck import IntegrityReport


@click.command()
@click.option("--repair", is_flag=True, help="Do what is safe: nothing is lost, and what is set aside is named.")
@json_option
@common_options
@pass_session
def fsck(session: Session, repair: bool, as_json: bool) -> None:
    """Check that the workspace is whole: metadata, snapshots, results, lineage, resources.

    Says what is wrong and what mends it. Without --repair nothing changes. The exit status is 1 if errors are left,
    and 0 if there is nothing, or warnings only.

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
        click.echo("The rest of the workspace can be checked once this is mended")
        return
    if any(problem.repair is not None for problem in report.problems):
        click.echo("'dws fsck --repair' does what is safe")
    click.echo(_UNREAD)


_LOOKS = {"error": "red", "warning": "yellow"}
_UNREAD = "What files hold was not read: 'dws verify' does that"
