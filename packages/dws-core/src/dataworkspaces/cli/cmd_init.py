"""``dws init``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dataworkspaces.cli.param_types import ROLES, NameList
from dataworkspaces.cli.session import Session, batch_option, pass_session, verbose_option

FAT_OPTIONS = ("git_fat_user", "git_fat_port", "git_fat_attributes")


@click.command()
@click.argument("name", required=False)
@click.option("--hostname", metavar="NAME", help="Names this copy of the workspace in its snapshots.")
@click.option(
    "--create-resources",
    type=NameList([*ROLES.values(), "all"]),
    metavar="ROLE,ROLE...|all",
    help="Make a subdirectory and resource for each of these roles.",
)
@click.option(
    "--scratch-directory",
    type=click.Path(file_okay=False),
    metavar="DIR",
    default="scratch",
    show_default=True,
    help="Directory for temporary data; it is never versioned.",
)
@click.option("--git-lfs-attributes", metavar="PAT,PAT", help="Keep files that fit these patterns in git-lfs.")
@click.option("--git-fat-remote", metavar="URL", help="Keep large files in git-fat, with this rsync remote.")
@click.option("--git-fat-user", metavar="USER", help="User name on the git-fat remote.")
@click.option("--git-fat-port", metavar="PORT", type=int, help="Port of the git-fat remote.")
@click.option("--git-fat-attributes", metavar="PAT,PAT", help="Files that are kept in git-fat.")
@batch_option
@verbose_option
@pass_session
def init(
    session: Session,
    /,
    name: str | None,
    hostname: str | None,
    create_resources: list[str] | None,
    scratch_directory: str,
    **backend_options: Any,
) -> None:
    """Make the current directory a workspace.

    An existing git repository is added to. NAME is the workspace's name; it defaults to that of the directory.
    """
    from dataworkspaces.commands.init import init_command
    from dataworkspaces.workspace.hostname import default_hostname

    given = {option: value for option, value in backend_options.items() if value is not None}
    if "git_fat_remote" not in given:
        for option in FAT_OPTIONS:
            if option in given:
                raise click.UsageError(f"--{option.replace('_', '-')} needs --git-fat-remote.")
    interaction = session.interaction()
    if hostname is None:
        hostname = interaction.ask(
            "Host name, which names this copy of the workspace", default=default_hostname(), option="--hostname"
        )
    outcome = init_command(
        Path.cwd(),
        name,
        hostname,
        create_resources or [],
        scratch_directory,
        interaction,
        batch=session.batch,
        verbose=session.verbose,
        **given,
    )
    interaction.tell(f"Workspace '{outcome.name}' is ready in {outcome.workspace_dir}")
    for resource in outcome.resources:
        interaction.tell(f"Created resource '{resource}'")
