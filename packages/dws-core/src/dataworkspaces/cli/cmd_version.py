"""``dws version``."""

from __future__ import annotations

import click

from dataworkspaces.cli.session import json_option


@click.command()
@json_option
def version(as_json: bool = False) -> None:
    """Print the version of Data Workspaces.

    \b
    Example:
      dws version --json
    """
    from dataworkspaces.toolbox.version import get_version

    if as_json:
        from dataworkspaces.cli.render import print_json

        print_json({"version": get_version()})
        return
    click.echo(f"Data Workspaces version {get_version()}")
