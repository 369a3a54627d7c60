"""``dws publish``, ``dws push`` and ``dws pull``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dataworkspaces.cli.param_types import ExperimentName, ResourceName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session, yes_option

if TYPE_CHECKING:
    from dataworkspaces.commands.sync import PullOutcome, Selection, SyncPlan

F = TypeVar("F", bound=Callable[..., Any])

_only = click.option("--only", metavar="R,R", type=ResourceName(many=True), help="Only these resources.")
_skip = click.option("--skip", metavar="R,R", type=ResourceName(many=True), help="All resources except these.")
_only_workspace = click.option("--only-workspace", is_flag=True, help="Only the workspace, no resources.")


_dry_run = click.option(
    "--dry-run", is_flag=True, help="Show which files would change in the resources, and do nothing."
)

_checksum = click.option(
    "--checksum", is_flag=True, help="Compare contents with the origins, where sizes and times are not enough (rclone)."
)


_experiment = click.option(
    "--experiment",
    metavar="NAME",
    type=ExperimentName(),
    multiple=True,
    help="Only this experiment, and nothing else; a pattern like 'trial*' names several. May be repeated.",
)


def _check_alone(option: str, others: bool) -> None:
    if others:
        raise click.UsageError(f"{option} cannot be used with options that choose what to send or fetch.")


def _selection(only: list[str] | None, skip: list[str] | None, only_workspace: bool) -> Selection:
    from dataworkspaces.commands.sync import Selection

    given = [
        option
        for option, is_given in (
            ("--only", only is not None),
            ("--skip", skip is not None),
            ("--only-workspace", only_workspace),
        )
        if is_given
    ]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} cannot be used together.")
    return Selection(only, skip or (), only_workspace)


@click.command()
@click.argument("remote_repo")
@_skip
@yes_option
@json_option
@common_options
@pass_session
def publish(session: Session, remote_repo: str, skip: list[str] | None, as_json: bool) -> None:
    """Make REMOTE_REPO, an empty git repository, the origin of the workspace, and send everything.

    Others copy the workspace with 'dws clone REMOTE_REPO'. The resources are pushed to their own origins first.

    \b
    Example:
      dws publish git@example.com:team/project.git
    """
    from dataworkspaces.commands.sync import publish_command

    outcome = publish_command(session.open_workspace(), remote_repo, _selection(None, skip, False))
    if as_json:
        from dataworkspaces.cli.render import print_json

        print_json(outcome.to_json())


@click.command()
@_only
@_skip
@_only_workspace
@_dry_run
@_checksum
@_experiment
@click.option("--repair", is_flag=True, help="Send contents again that remotes of local files have lost or damaged.")
@yes_option
@json_option
@common_options
@pass_session
@click.pass_context
def push(
    ctx: click.Context,
    session: Session,
    only: list[str] | None,
    skip: list[str] | None,
    only_workspace: bool,
    dry_run: bool,
    checksum: bool,
    experiment: tuple[str, ...],
    repair: bool,
    as_json: bool,
) -> None:
    """Send what is new here to the origins: the resources first, then the workspace.

    Checks everything before it sends anything. Refuses what is not committed or is behind its origin.

    \b
    Examples:
      dws push
      dws push --dry-run
    """
    from dataworkspaces.commands.sync import plan_push, push_command

    others = only is not None or skip is not None or only_workspace or dry_run or checksum
    if experiment:
        from dataworkspaces.cli.cmd_experiment import push_experiments

        _check_alone("--experiment", others or repair)
        push_experiments(session, experiment, as_json)
        return
    selection = _selection(only, skip, only_workspace)
    if dry_run:
        _show_plan(ctx, plan_push(session.open_workspace(reading=True), selection, checksum=checksum), "push", as_json)
        return
    outcome = push_command(session.open_workspace(), selection, repair=repair, checksum=checksum)
    if as_json:
        from dataworkspaces.cli.render import print_json

        print_json(outcome.to_json())


@click.command()
@_only
@_skip
@_only_workspace
@_dry_run
@_checksum
@click.option(
    "--checkout",
    "--from",
    "checkout",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Take the snapshots of a checkout (dws checkout) in this directory, and ask no origin.",
)
@_experiment
@click.option(
    "--trust",
    is_flag=True,
    help="Agree to contact all buckets, remotes and servers that the workspace names after the pull.",
)
@yes_option
@json_option
@common_options
@pass_session
@click.pass_context
def pull(
    ctx: click.Context,
    session: Session,
    only: list[str] | None,
    skip: list[str] | None,
    only_workspace: bool,
    dry_run: bool,
    checksum: bool,
    checkout: str | None,
    experiment: tuple[str, ...],
    trust: bool,
    as_json: bool,
) -> None:
    """Fetch what is new at the origins: the workspace, its resources, and new resources.

    Changes on both sides are merged. Only conflicts in your own files are left to you.

    \b
    Examples:
      dws pull
      dws pull --skip raw-data
    """
    from dataworkspaces.commands.sync import plan_pull, pull_command, pull_from_command

    others = only is not None or skip is not None or only_workspace or dry_run or checksum
    if experiment:
        from dataworkspaces.cli.cmd_experiment import pull_experiments

        _check_alone("--experiment", others or checkout is not None)
        pull_experiments(session, experiment, trust, as_json)
        return
    if checkout is not None and others:
        raise click.UsageError("--checkout cannot be used with options that choose what to pull.")
    selection = _selection(only, skip, only_workspace)
    if dry_run:
        _show_plan(ctx, plan_pull(session.open_workspace(reading=True), selection, checksum=checksum), "pull", as_json)
        return
    workspace = session.open_workspace()
    if checkout is not None:
        outcome = pull_from_command(workspace, checkout)
    else:
        outcome = pull_command(workspace, selection, trust=trust, checksum=checksum)
    if as_json:
        from dataworkspaces.cli.render import print_json

        print_json(outcome.to_json())
    else:
        for name in outcome.cloned:
            workspace.interaction.tell(f"Resource '{name}': cloned")
    _report_failures(outcome)
    if outcome.failed or outcome.conflicts:
        ctx.exit(1)


def _show_plan(ctx: click.Context, plan: SyncPlan, command: str, as_json: bool) -> None:
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import escape, plural

    if as_json:
        print_json(plan.to_json())
    else:
        for name, changes in plan.changes.items():
            if changes is None:
                told = "it is not known which files would change"
            else:
                told = f"{plural(len(changes), 'file')} would change" if changes else "nothing to do"
            click.echo(f"Would {command} {escape(name)}: {told}")
            for change in changes or ():
                click.echo(f"  {change.status:<8}  {escape(change)}")
    _report_failures(plan)
    if plan.failed:
        ctx.exit(1)


def _report_failures(outcome: PullOutcome | SyncPlan) -> None:
    for error in outcome.failed.values():
        from dataworkspaces.cli.failures import print_error

        print_error(error)
