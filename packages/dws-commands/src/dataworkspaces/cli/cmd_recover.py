"""``dws recover`` and ``dws unlock``: the ways out of what an earlier command left."""

from __future__ import annotations

import click

from dataworkspaces.cli.session import Session, common_options, json_option, pass_session


@click.command()
@click.option(
    "--abandon", is_flag=True, help="Set aside the record of how to finish it; all content stays where it is."
)
@json_option
@common_options
@pass_session
def recover(session: Session, abandon: bool, as_json: bool) -> None:
    """Complete or undo what an earlier command left unfinished, or give it up.

    Every command does this first. If it fails again and again, --abandon makes the workspace usable: it keeps the
    journal of the unfinished command, and says where everything is.

    \b
    Example:
      dws recover
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import escape
    from dataworkspaces.commands.recover import recover_before_opening, recover_command
    from dataworkspaces.errors import MetadataError, UnfinishedError

    try:
        workspace = session.open_workspace()
    except (MetadataError, UnfinishedError):
        before = recover_before_opening(session.place(), abandon=abandon)
        if before is None:
            raise
        found = before
    else:
        found = recover_command(workspace, abandon=abandon)
    if as_json:
        print_json(found.to_json())
        return
    click.echo(escape(f"{found.unfinished}: {found.outcome}" if found.unfinished else found.outcome.capitalize()))
    if found.kept_as is not None:
        click.echo(f"  it is kept as {escape(found.kept_as)}")
    for line in found.places:
        click.echo(f"  {escape(line)}")


@click.command()
@click.option("--force", is_flag=True, help="Do not ask.")
@json_option
@common_options
@pass_session
def unlock(session: Session, force: bool, as_json: bool) -> None:
    """Show who holds the lock of the workspace, and remove it if you say yes.

    Use it only for a stale lock, from another machine or from a container that is gone: two commands that change a
    workspace at once can damage it.

    \b
    Example:
      dws unlock
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import escape
    from dataworkspaces.errors import UserAbort
    from dataworkspaces.toolbox.lock_holder import describe_all, remove_lock

    workspace = session.open_workspace()
    directory = workspace.get_machine_directory()
    told = []
    for name, what, holder in list(describe_all(directory)):
        click.echo(escape(f"The lock of {what}: {holder.text}. {holder.advice}"), err=True)
        if not force and not workspace.interaction.confirm("Remove the lock?", default=False, option="--force"):
            raise UserAbort("the lock stays")
        removed = remove_lock(directory, holder, name)
        told.append({"lock": str(directory / name), "holder": holder.text, "is_alive": holder.is_alive,
                     "silent_seconds": holder.silent, "removed": removed})  # fmt: skip
    if as_json:
        print_json({"locks": told})
    elif not told:
        click.echo("The workspace is not locked")
    for each in () if as_json else told:
        click.echo("Removed the lock" if each["removed"] else "Another process holds the lock now, so it stays")
