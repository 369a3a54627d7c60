"""``dws clone``."""

from __future__ import annotations

import click

from dataworkspaces.cli.param_types import ResourceName
from dataworkspaces.cli.session import Session, batch_option, json_option, pass_session, verbose_option


@click.command()
@click.argument("repository", metavar="REPO")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(file_okay=False))
@click.option("--hostname", metavar="NAME", help="Names this copy of the workspace in its snapshots.")
@click.option("--only", metavar="R,R", type=ResourceName(many=True), help="Of the resources only these.")
@click.option("--skip", metavar="R,R", type=ResourceName(many=True), help="All resources but these.")
@click.option(
    "--same-places", is_flag=True,
    help="Use the directories of this machine that the workspace names, where they are: of your own workspaces only.",
)  # fmt: skip
@click.option("--trust", is_flag=True, help="Agree to contact all buckets, remotes and servers that it names.")
@json_option
@batch_option
@verbose_option
@pass_session
@click.pass_context
def clone(
    ctx: click.Context,
    session: Session,
    repository: str,
    directory: str | None,
    hostname: str | None,
    only: list[str] | None,
    skip: list[str] | None,
    same_places: bool,
    trust: bool,
    as_json: bool,
) -> None:
    """Bring the workspace at REPO, and its resources, to this machine.

    DIR defaults to the workspace's name. Resources that cannot be had now can be had later, with 'dws pull'; then the
    exit status is 1.

    \b
    Example:
      dws clone git@example.com:team/project.git
    """
    if only is not None and skip is not None:
        raise click.UsageError("--only and --skip exclude each other.")
    from dataworkspaces.cli.failures import print_error
    from dataworkspaces.commands.clone import clone_command
    from dataworkspaces.commands.sync import Selection
    from dataworkspaces.toolbox.hostname import default_hostname

    interaction = session.interaction()
    outcome = clone_command(
        repository,
        directory,
        hostname or default_hostname(),
        interaction,
        is_default_hostname=hostname is None,
        batch=session.batch,
        verbose=session.verbose,
        selection=None if only is None and skip is None else Selection(only, skip or ()),
        same_places=same_places,
        trust=trust,
    )
    if as_json:
        from dataworkspaces.cli.render import print_json

        print_json(outcome.to_json())
        ctx.exit(0 if outcome.is_complete else 1)
    interaction.tell(f"Workspace '{outcome.name}' is ready in {outcome.workspace_dir}")
    for name in outcome.cloned:
        interaction.tell(f"Resource '{name}': cloned")
    for error in outcome.missing.values():
        print_error(error)
    if not outcome.is_complete:
        names = ", ".join([*outcome.missing, *outcome.nowhere])
        interaction.warn(f"Not here yet: {names}. Once they can be had, 'dws pull' in the workspace brings them")
        ctx.exit(1)
