"""``dws s3``: commands for resources in S3."""

from __future__ import annotations

from typing import Any

import click

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.resources.s3.resource import S3Resource


@click.group()
def s3() -> None:
    """Resources in S3 buckets."""


@s3.command()
@click.argument("resource")
@click.option("--workspace-dir", type=click.Path(file_okay=False), metavar="DIR", help="The workspace.")
@click.pass_obj
def unpin(session: Any, resource: str, workspace_dir: str | None) -> None:
    """Let a resource go from the snapshot that it is at: the present files of the bucket are seen again, and can be
    written."""
    if workspace_dir is not None:
        session.workspace_dir = workspace_dir
    workspace = session.open_workspace()
    found = workspace.get_resource(resource)
    if not isinstance(found, S3Resource):
        raise ConfigurationError(f"Resource '{resource}' is of type {found.resource_type}, not s3")
    with workspace.transaction("s3 unpin"):
        was_pinned = found.unpin()
    done = "is no longer at a snapshot" if was_pinned else "is at no snapshot"
    workspace.interaction.tell(f"Resource '{resource}' {done}: its files are those of now")
