"""Experiments: ``dws adopt`` and ``dws remove-experiment``, and what other commands do for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from dataworkspaces.cli.param_types import ExperimentName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session


@click.command()
@click.argument("name", type=ExperimentName())
@click.option("--dry-run", is_flag=True, help="Show which files would change, and do nothing.")
@json_option
@common_options
@pass_session
def adopt(session: Session, name: str, dry_run: bool, as_json: bool) -> None:
    """Take over an experiment: it becomes a snapshot here, and files of code and data become as they are in it.

    Refuses where that would overwrite work that no snapshot or experiment holds. The experiment itself stays until you
    remove it.

    \b
    Example:
      dws adopt svc/3
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import escape, plural, snapshot_name
    from dataworkspaces.commands.adopt import adopt_command, plan_adoption
    from dataworkspaces.errors import UserAbort

    workspace = session.open_workspace()
    plan = plan_adoption(workspace, name)
    if as_json:
        print_json(plan.to_json() if dry_run else adopt_command(workspace, plan).to_json())
        return
    verb = "Would change" if dry_run else "Will change"
    for resource in plan.restore.restored:
        for change in resource.changes or ():
            click.echo(f"{verb} {escape(resource.name)}: {change.status} {escape(change)}")
        if resource.changes is None:
            click.echo(f"{verb} {escape(resource.name)}; it is not known which files")
    if not plan.changes_files:
        click.echo("No file of code or data differs from the experiment")
    for left in plan.restore.left:
        if left.reason != "results are never restored":
            click.echo(f"{'Would leave' if dry_run else 'Will leave'} {escape(left.name)}: {escape(left.reason)}")
    if dry_run:
        return
    question = f"Change {plural(plan.count, 'file')}?"
    if plan.count and not workspace.interaction.confirm(question, default=True):
        raise UserAbort("nothing was changed")
    adopted = adopt_command(workspace, plan)
    workspace.interaction.tell(f"Experiment {name} is snapshot {snapshot_name(adopted.snapshot)} now")


@click.command("remove-experiment")
@click.argument("names", metavar="NAME…", nargs=-1, required=True, type=ExperimentName())
@click.option("--remote", is_flag=True, help="Remove it at the origin, and not here.")
@json_option
@common_options
@pass_session
def remove_experiment(session: Session, names: Sequence[str], remote: bool, as_json: bool) -> None:
    """Remove experiments. What only they needed is freed by the next 'dws gc'.

    NAME may be a pattern, such as 'trial*'.

    \b
    Example:
      dws remove-experiment svc/1 svc/2
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.kept_experiments import plan_removal, remove_experiments_command
    from dataworkspaces.errors import UserAbort
    from dataworkspaces.toolbox.names import some

    workspace = session.open_workspace()
    wanted = plan_removal(workspace, names, remote=remote)
    where = " at the origin" if remote else ""
    is_pattern = list(names) != wanted
    question = f"Remove {some(wanted)}{where}?"
    if is_pattern and not as_json and not workspace.interaction.confirm(question, default=True):
        raise UserAbort("nothing was removed")
    remove_experiments_command(workspace, wanted, remote=remote)
    if as_json:
        print_json({"removed": wanted, "remote": remote})
    else:
        workspace.interaction.tell(f"Removed {some(wanted)}{where}")


def take_experiment(session: Session, name: str, message: str, labels: Mapping[str, str], as_json: bool) -> None:
    """``dws snapshot --experiment``."""
    from dataworkspaces.cli.text import short_hash
    from dataworkspaces.commands.kept_experiments import take_experiment_command

    workspace = session.open_workspace()
    taken = take_experiment_command(workspace, name, message, labels)
    if as_json:
        from dataworkspaces.cli.render import print_json

        print_json(taken.to_json())
    elif taken.is_new:
        workspace.interaction.tell(f"Took experiment {name} ({short_hash(taken.snapshot.hashval)})")
    else:
        workspace.interaction.tell(f"Nothing has changed since experiment {name} was taken")


def push_experiments(session: Session, names: Sequence[str], as_json: bool) -> None:
    """``dws push --experiment``."""
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.kept_experiments import push_experiments_command
    from dataworkspaces.toolbox.names import some

    workspace = session.open_workspace()
    done = push_experiments_command(workspace, names)
    if as_json:
        print_json({"experiments": done})
    else:
        workspace.interaction.tell(f"Pushed {some(done)}")


def pull_experiments(session: Session, names: Sequence[str], trust: bool, as_json: bool) -> None:
    """``dws pull --experiment``."""
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.kept_experiments import pull_experiments_command
    from dataworkspaces.toolbox.names import some

    workspace = session.open_workspace()
    done = [each.name for each in pull_experiments_command(workspace, names, trust=trust)]
    if as_json:
        print_json({"experiments": done})
    else:
        workspace.interaction.tell(f"Fetched {some(done)}: see 'dws history --experiments'")
