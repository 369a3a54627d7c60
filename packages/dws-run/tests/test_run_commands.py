"""The commands are there, and say what they are."""

from __future__ import annotations

from importlib import import_module

import click
import pytest

from dataworkspaces import plugins
from dataworkspaces.cli import catalog


@pytest.mark.parametrize("name", ["run", "rerun"])
def test_command_is_announced_and_listed(name: str) -> None:
    module, _, attribute = plugins.announced(plugins.COMMANDS)[name].value.partition(":")
    assert isinstance(getattr(import_module(module), attribute), click.Command)
    assert catalog.listed()[name] == catalog.KNOWN[name].help
    assert name not in catalog.plugin_commands()
