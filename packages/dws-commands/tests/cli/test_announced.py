"""The commands are announced, and take what commands of a workspace take."""

from __future__ import annotations

import click
import pytest

from dataworkspaces import plugins
from dataworkspaces.cli import catalog
from dataworkspaces.testing.command_line import Run

OURS = [name for name, command in catalog.KNOWN.items() if command.distribution == "dws-commands"]


@pytest.mark.parametrize("name", OURS)
def test_each_known_command_is_announced_by_this_distribution(name: str) -> None:
    assert plugins.announced(plugins.COMMANDS)[name].distribution == "dws-commands"
    assert isinstance(plugins.load(plugins.COMMANDS, name), click.Command)


def test_each_announced_command_is_known() -> None:
    announced = plugins.announced(plugins.COMMANDS).values()
    assert {each.name for each in announced if each.distribution == "dws-commands"} == {*OURS}


@pytest.mark.parametrize("command", [name for name in OURS if name not in ("init", "clone", "schema")])
def test_a_command_takes_the_workspace(run: Run, command: str) -> None:
    assert "--workspace-dir DIR" in run(command, "--help").output


def test_a_command_without_workspace_does_not(run: Run) -> None:
    assert "--workspace-dir" not in run("init", "--help").output
