"""What ``dws COMMAND --help`` says, of all distributions together."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from dataworkspaces.cli.main import dws


def _commands(group: click.Group, above: click.Context) -> Iterator[click.Context]:
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        assert command is not None
        context = click.Context(command, parent=above, info_name=name)
        if isinstance(command, click.Group):
            yield from _commands(command, context)
        elif not command.hidden:
            yield context


COMMANDS = list(_commands(dws, click.Context(dws, info_name="dws")))


@pytest.mark.parametrize("context", COMMANDS, ids=lambda context: context.command_path)
def test_each_command_has_an_example(context: click.Context) -> None:
    said = context.get_help()
    examples = said.partition("Example")[2].partition("Options:")[0]
    assert "dws " in examples
    assert str(context.info_name) in examples


@pytest.mark.parametrize("context", COMMANDS, ids=lambda context: context.command_path)
def test_an_option_has_one_name_in_all_commands(context: click.Context) -> None:
    """The names that release 1.6 had for the same stay, but are not the first."""
    first = {option.opts[0] for option in context.command.params if isinstance(option, click.Option)}
    assert not first & {"--leave", "--from", "--tag-or-hash"}


NUMBERS = [
    pytest.param(context, option, id=f"{context.command_path} {option.opts[0]}")
    for context in COMMANDS
    for option in context.command.params
    if isinstance(option.type, click.types.IntParamType | click.types.FloatParamType)
]


@pytest.mark.parametrize(("context", "option"), NUMBERS)
@pytest.mark.parametrize("value", ["9" * 400, "-1e400", "1e999", "nan", "many"])
def test_a_number_that_nothing_can_hold_is_refused(context: click.Context, option: click.Parameter, value: str) -> None:
    with pytest.raises(click.BadParameter) as refused:
        option.type_cast_value(context, value)
    assert "\n" not in refused.value.format_message()


def test_summaries_are_whole_on_80_columns() -> None:
    above = click.Context(dws, info_name="dws", terminal_width=80, max_content_width=80)
    groups = {name: dws.get_command(above, name) for name in ("report", "lineage", "steps", "s3", "env", "add")}
    for name, group in groups.items():
        assert isinstance(group, click.Group)
        said = group.get_help(click.Context(group, parent=above, info_name=name))
        assert "..." not in said.partition("Commands:")[2], said
    listed = dws.get_help(above).partition("Options:")[2].splitlines()
    assert not [line for line in listed if len(line) > 80 or line.endswith("...")]
