"""``dws clone``."""

from __future__ import annotations

import click

from dataworkspaces.cli.session import Session, batch_option, json_option, pass_session, verbose_option


@click.command()
@click.argument("repository", metavar="REPO")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(file_okay=False))
@click.option("--hostname", metavar="NAME", help="Names this copy of the workspace in its snapshots.")
@json_option
@batch_option
@verbose_option
@pass_session
def clone(session: Session, repository: str, directory: str | None, hostname: str | None, as_json: bool) -> None:
    """Bring the workspace at REPO, and its resources, to this machine.

    DIR defaults to the workspace's name. Resources that cannot be had now can be had later, with 'dws pull'.
    """
    from dataworkspaces.cli.failures import print_error
    from dataworkspaces.commands.clone import clone_command
    from dataworkspaces.workspace.hostname import default_hostname

    interaction = session.interaction()
    default = default_hostname()
    given = hostname
    if given is None:
        given = interaction.ask(
            "Host name, which names this copy of the workspace", default=default, option="--hostname"
        )
    outcome = clone_command(
        repository,
        directory,
        given,
        interaction,
        is_default_hostname=hostname is None and given == default,
        batch=session.batch,
        verbose=session.verbose,
    )
    if as_json:
        from dataworkspaces.cli.render import print_json

        print_json(outcome.to_json())
        return
    interaction.tell(f"Workspace '{outcome.name}' is ready in {outcome.workspace_dir}")
    for name in outcome.cloned:
        interaction.tell(f"Resource '{name}': cloned")
    for error in outcome.missing.values():
        print_error(error)
    if outcome.missing:
        interaction.warn(
            f"Not here yet: {', '.join(outcome.missing)}. Once they can be had, 'dws pull' in the workspace brings them"
        )
