"""``dws clone``."""

from __future__ import annotations

import click

from dataworkspaces.cli.param_types import ResourceName
from dataworkspaces.cli.session import Session, batch_option, json_option, pass_session, verbose_option


@click.command()
@click.argument("repository", metavar="REPO")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(file_okay=False))
@click.option("--hostname", metavar="NAME", help="The name of this copy of the workspace in its snapshots.")
@click.option("--only", metavar="R,R", type=ResourceName(many=True), help="Only these resources.")
@click.option("--skip", metavar="R,R", type=ResourceName(many=True), help="All resources except these.")
@click.option(
    "--same-places", is_flag=True,
    help="Use directories that the workspace names and that exist on this machine. Only for your own workspaces.",
)  # fmt: skip
@click.option(
    "--trust", is_flag=True, help="Agree to contact all buckets, remotes and servers that the workspace names."
)
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
    """Copy the workspace at REPO, and its resources, to this machine.

    DIR defaults to the name of the workspace. If a resource is unavailable, the exit status is 1, and 'dws pull'
    fetches it later.

    \b
    Example:
      dws clone git@example.com:team/project.git
    """
    if only is not None and skip is not None:
        raise click.UsageError("--only and --skip cannot be used together.")
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
        from dataworkspaces.cli.failures import print_error

        print_error(error)
    if not outcome.is_complete:
        names = ", ".join([*outcome.missing, *outcome.nowhere])
        interaction.warn(f"Not here yet: {names}. 'dws pull' in the workspace fetches them once they are available")
        ctx.exit(1)
