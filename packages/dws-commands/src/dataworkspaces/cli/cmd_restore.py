"""``dws restore``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from dataworkspaces.cli.param_types import ResourceName, SnapshotName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

_LISTED = 5
"""So many resources are named with what was kept of them."""

if TYPE_CHECKING:
    from dataworkspaces.commands.restore import RestorePlan
    from dataworkspaces.workspace import FileChange


@click.command()
@click.argument("tag_or_hash", metavar="SNAPSHOT", type=SnapshotName())
@click.option("--only", metavar="R,R", type=ResourceName(many=True), help="Restore only these resources.")
@click.option(
    "--skip",
    "--leave",
    "leave",
    metavar="R,R",
    type=ResourceName(many=True),
    help="Restore all resources except these.",
)
@click.option("--strict", is_flag=True, help="Fail if a resource cannot be restored, instead of skipping it.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, file by file, and do nothing.")
@json_option
@common_options
@pass_session
def restore(
    session: Session,
    tag_or_hash: str,
    only: list[str] | None,
    leave: list[str] | None,
    strict: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Restore the resources to their state at a snapshot.

    Uncommitted work is committed first, and results stay as they are: nothing is lost.

    \b
    Examples:
      dws restore V1
      dws restore --only data V1
    """
    from dataworkspaces.cli.text import snapshot_name
    from dataworkspaces.commands.restore import plan_restore, restore_command
    from dataworkspaces.errors import UserAbort

    if only is not None and leave is not None:
        raise click.UsageError("--only and --skip cannot be used together.")
    workspace = session.open_workspace(reading=True)  # The plan is made before anything is locked.
    plan = plan_restore(workspace, tag_or_hash, only, leave, strict, list_files=dry_run)
    if as_json:
        from dataworkspaces.cli.render import print_json

        print_json(plan.to_json() if dry_run else restore_command(workspace, plan).to_json())
        return
    _print_plan(plan, dry_run)
    if dry_run or not plan.restored:
        return
    if not workspace.interaction.confirm("Restore these resources?", default=True):
        raise UserAbort("nothing was changed")
    outcome = restore_command(workspace, plan)
    workspace.interaction.tell(f"Restored {', '.join(outcome.restored)} to {snapshot_name(outcome.snapshot)}")
    if outcome.kept:
        workspace.interaction.tell(_what_was_kept(outcome.kept))
    if outcome.environment_change is not None:
        workspace.interaction.tell(f"The environment differs from that of the snapshot: {outcome.environment_change}")


def _what_was_kept(kept: Mapping[str, str]) -> str:
    """With the one command that brings it back, if that is installed."""
    from dataworkspaces import plugins
    from dataworkspaces.cli.text import short_hash

    versions = [f"{name} {short_hash(version)}" for name, version in kept.items()]
    shown = ", ".join(versions[:_LISTED]) + (f" and {len(versions) - _LISTED} more" if len(versions) > _LISTED else "")
    is_there = plugins.is_announced(plugins.COMMANDS, "undo-restore")
    return f"What was there is kept: {shown}{'; dws undo-restore brings it back' if is_there else ''}"


def _print_plan(plan: RestorePlan, dry_run: bool) -> None:
    from dataworkspaces.cli.text import escape, snapshot_name

    click.echo(f"Snapshot {escape(snapshot_name(plan.snapshot))} of {escape(plan.snapshot.taken_at)}")
    would = "Would restore" if dry_run else "Will restore"
    if not plan.restored:
        click.echo("There is nothing to restore")
    for resource in plan.restored:
        click.echo(f"  {would} {escape(resource.name)}{_summary(resource.changes, dry_run)}")
        for change in resource.changes or ():
            click.echo(f"    {change.status:<8}  {escape(change)}")
    for left in plan.left:
        click.echo(f"  {'Would leave' if dry_run else 'Will leave'} {escape(left.name)}: {escape(left.reason)}")


def _summary(changes: tuple[FileChange, ...] | None, dry_run: bool) -> str:
    """What is said of the files, if it was asked for."""
    from dataworkspaces.cli.text import plural

    if not dry_run:
        return ""
    if changes is None:
        return " (it is not known which files would change)"
    return f": {plural(len(changes), 'file')} would change" if changes else " (its files are as they were)"
