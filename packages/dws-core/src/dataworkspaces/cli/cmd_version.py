"""``dws version``."""

from __future__ import annotations

import click


@click.command()
def version() -> None:
    """Print the version of Data Workspaces."""
    from dataworkspaces.workspace.version import get_version

    click.echo(f"Data Workspaces version {get_version()}")
