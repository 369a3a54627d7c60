"""``dws init``."""

from __future__ import annotations

from typing import Any

import click

from dataworkspaces import plugins
from dataworkspaces.cli.param_types import ROLES, NameList, PluginName
from dataworkspaces.cli.session import Session, batch_option, json_option, pass_session, verbose_option


class InitCommand(click.Command):
    """Has the options of the backend that ``--backend`` names beside its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[__name__] = _backend_named(args)
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        own = super().get_params(ctx)
        if ctx.resilient_parsing:
            return own  # completion, which loads no plug-in
        factory = _factory(ctx)
        return own if factory is None else [*own, *factory.get_click_params()]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_help_text(ctx, formatter)
        about: str = getattr(_factory(ctx), "init_help", "")
        if about:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(about)


def _factory(ctx: click.Context) -> Any:
    """That of the backend; None if it cannot be loaded: whoever does more than to ask for help is told."""
    from dataworkspaces.errors import PluginError

    try:
        return plugins.load(plugins.BACKENDS, ctx.meta.get(__name__) or plugins.default_backend())
    except PluginError:
        return None


def _backend_named(args: list[str]) -> str:
    """The value of ``--backend``, which must be known before the other options are."""
    for number, arg in enumerate(args):
        if arg == "--backend" and number + 1 < len(args):
            return args[number + 1]
        if arg.startswith("--backend="):
            return arg.partition("=")[2]
    return plugins.default_backend()


@click.command(cls=InitCommand)
@click.argument("name", required=False)
@click.option(
    "--backend",
    metavar="BACKEND",
    type=PluginName(plugins.BACKENDS),
    default=plugins.default_backend,
    help="What keeps the workspace; 'dws plugins' lists what is installed. "
    "'dws init --backend BACKEND --help' shows its options.",
)
@click.option("--hostname", metavar="NAME", help="The name of this copy of the workspace in its snapshots.")
@click.option(
    "--create-resources",
    type=NameList([*ROLES.values(), "all"]),
    metavar="ROLE,ROLE...|all",
    help="Create a subdirectory and a resource for each of these roles.",
)
@click.option(
    "--scratch-directory",
    type=click.Path(file_okay=False),
    metavar="DIR",
    default="scratch",
    show_default=True,
    help="Directory for temporary data, which is never versioned.",
)
@json_option
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
    backend: str,
    as_json: bool,
    **backend_options: Any,
) -> None:
    """Make the current directory a workspace.

    NAME is the workspace's name; it defaults to that of the directory.

    \b
    Example:
      dws init --create-resources code,results
    """
    from dataworkspaces.commands.init import init_command
    from dataworkspaces.toolbox.hostname import default_hostname
    from dataworkspaces.workspace.workspace_uri import current_directory

    given = {option: value for option, value in backend_options.items() if value is not None}
    interaction = session.interaction()
    if hostname is None:
        hostname = interaction.ask(
            "Host name, which names this copy of the workspace", default=default_hostname(), option="--hostname"
        )
    outcome = init_command(
        current_directory(),
        name,
        hostname,
        [ROLES.get(role.lower(), role.lower()) for role in create_resources or []],
        scratch_directory,
        interaction,
        batch=session.batch,
        verbose=session.verbose,
        backend=backend,
        **given,
    )
    if as_json:
        from dataworkspaces.cli.render import print_json

        print_json(outcome.to_json())
        return
    interaction.tell(f"Workspace '{outcome.name}' is ready in {outcome.workspace_dir}")
    for resource in outcome.resources:
        interaction.tell(f"Created resource '{resource}'")
