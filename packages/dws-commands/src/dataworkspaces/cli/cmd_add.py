"""``dws add``: a subcommand for each installed resource type that has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.cli.param_types import ROLES, Role
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from dataworkspaces.workspace import Interaction, ResourceFactory

TYPES_WITH_ANOTHER_COMMAND = {"file": "local-files", "git-subdirectory": "git"}
"""For completion only, which may not load a type to ask for its command: elsewhere the factory says it."""


class AddGroup(click.Group):
    """Asks the resource types for their commands. One that cannot be loaded is left out, and named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        factories, _broken = _factories()
        return sorted(factories)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if ctx.resilient_parsing:
            return _incomplete_command(cmd_name)
        from dataworkspaces import plugins

        if plugins.is_announced(plugins.RESOURCES, cmd_name):
            factory = plugins.load(plugins.RESOURCES, cmd_name)
            if factory.command(cmd_name) == cmd_name:
                return _command(cmd_name, factory)
        factories, _broken = _factories()
        return _command(*factories[cmd_name]) if cmd_name in factories else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(_unknown_type(args[0]))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        factories, broken = _factories()
        with formatter.section("Resource types"):
            formatter.write_dl([(name, _sentence(factories[name][1].help)) for name in sorted(factories)])
        if broken:
            with formatter.section("Not available"):
                formatter.write_dl([(name, "cannot be loaded; 'dws plugins' says why") for name in broken])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from dataworkspaces import plugins
        from dataworkspaces.plugin_names import shown_names

        types = shown_names(plugins.RESOURCES)
        names = sorted({TYPES_WITH_ANOTHER_COMMAND.get(name, name) for name in types})
        items = [CompletionItem(name) for name in names if name.startswith(incomplete)]
        return items + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=AddGroup, subcommand_metavar="TYPE [ARGS]...", epilog="Run 'dws add TYPE --help' for the options of a type."
)
@common_options
def add() -> None:
    """Add a resource to the workspace: a collection of data, code or results with one role in the project."""


def _factories() -> tuple[dict[str, tuple[str, ResourceFactory]], list[str]]:
    """By command: stored type and factory; and the types that cannot be loaded."""
    from dataworkspaces import plugins
    from dataworkspaces.errors import PluginError

    found: dict[str, tuple[str, ResourceFactory]] = {}
    broken = []
    for resource_type in plugins.names(plugins.RESOURCES):
        try:
            factory = plugins.load(plugins.RESOURCES, resource_type)
        except PluginError:
            broken.append(resource_type)
            continue
        name = factory.command(resource_type)
        if name is not None:
            found.setdefault(name, (resource_type, factory))
    return found, broken


def _unknown_type(name: str) -> str:
    from difflib import get_close_matches

    from dataworkspaces import plugins

    factories, _broken = _factories()
    resource_type = {command: each for each, command in TYPES_WITH_ANOTHER_COMMAND.items()}.get(name, name)
    distribution = plugins.KNOWN_DISTRIBUTIONS.get((plugins.RESOURCES, resource_type))
    if distribution is not None and not plugins.is_announced(plugins.RESOURCES, resource_type):
        return f"Resource type '{name}' is not installed. Install it with: pip install {distribution}"
    near = get_close_matches(name, factories, n=2)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Available: {', '.join(sorted(factories))}."
    return f"No such resource type '{name}'. {hint}"


def _command(resource_type: str, factory: ResourceFactory) -> click.Command:
    """The click command of a type: its own parameters and the common ones."""

    @pass_session
    def run(
        session: Session,
        /,
        role: str | None,
        name: str | None,
        as_json: bool,
        arguments: tuple[str, ...] = (),
        **values: Any,
    ) -> None:
        from dataworkspaces.commands.add import add_command, is_numbered, precheck, resource_json

        workspace = session.open_workspace()
        if name is not None:
            workspace.check_new_resource_name(name)
        values = {**values, **precheck(workspace, factory, *arguments, **values)}
        if role is None:
            # Only source data is imported: there is nothing to ask.
            role = ROLES["s"] if values.get("imported") else _ask_role(workspace.interaction, factory)
        if name is None and not session.batch:
            name = workspace.suggest_resource_name(resource_type, role, *arguments, **values)
            if is_numbered(workspace, name):
                name = workspace.interaction.ask("Name of the resource", default=name)
        resource = add_command(workspace, resource_type, role, name, *arguments, **values)
        if as_json:
            from dataworkspaces.cli.render import print_json

            print_json(resource_json(resource))
            return
        workspace.interaction.tell(f"Added resource '{resource.name}' ({resource.resource_type}, {resource.role})")

    own = factory.get_click_params()
    if not own and factory.command_name == "":  # as the manual's, which says nothing of commands
        own = [click.Argument(["arguments"], nargs=-1)]
    command = click.command(
        factory.command(resource_type),
        params=[*own, *_common_params(factory)],
        help=_help(resource_type, factory),
    )(json_option(common_options(run)))
    return command


def _help(resource_type: str, factory: ResourceFactory) -> str | None:
    if not factory.help:
        return None
    text = _sentence(f"Add {factory.help}")
    example = f"\n\n\b\nExample:\n  dws add {factory.command(resource_type)} {factory.example}"
    return text + example if factory.example else text


def _common_params(factory: ResourceFactory) -> list[click.Parameter]:
    params: list[click.Parameter] = [
        click.Option(
            ["--role"],
            type=Role(factory.roles),
            help=f"{', '.join(factory.roles)}; or the first letter.",
        ),
        click.Option(["--name"], metavar="NAME", help="Name of the resource (default: a name from its place)."),
    ]
    if factory.takes_export:
        params.append(
            click.Option(["--export", "-e"], is_flag=True, help="Allow other workspaces to import the resource.")
        )
    if factory.takes_imported:
        params.append(
            click.Option(["--imported"], is_flag=True, help="The resource was exported by another workspace.")
        )
    return params


def _incomplete_command(name: str) -> click.Command:
    """What completion knows of a type without loading it: the common options, and that paths may follow."""
    return click.Command(
        name,
        params=[
            click.Option(["--role"], type=Role()),
            click.Option(["--name"]),
            click.Argument(["paths"], nargs=-1, type=click.Path()),
        ],
    )


def _ask_role(interaction: Interaction, factory: ResourceFactory) -> str:
    """Ask until the answer is a role that the type can have."""
    letters = {letter: role for letter, role in ROLES.items() if role in factory.roles}
    choices = ", ".join(f"{letter} = {role}" for letter, role in letters.items())
    while True:
        answer = interaction.ask(f"Role of the resource ({choices})", option="--role").lower()
        if answer in letters or answer in factory.roles:
            return letters.get(answer, answer)
        interaction.tell(f"'{answer}' is not one of them")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
