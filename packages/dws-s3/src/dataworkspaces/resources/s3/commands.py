"""``dws s3``: commands for resources in S3."""

from __future__ import annotations

from typing import Any

import click

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.resources.s3.resource import S3Resource


@click.group()
def s3() -> None:
    """Manage resources in S3 buckets."""


_workspace_option = click.option(
    "--workspace-dir", type=click.Path(file_okay=False), metavar="DIR", help="The workspace."
)


def _opened(session: Any, name: str, workspace_dir: str | None) -> S3Resource:
    if workspace_dir is not None:
        session.workspace_dir = workspace_dir
    found = session.open_workspace().get_resource(name)
    if not isinstance(found, S3Resource):
        raise ConfigurationError(f"Resource '{name}' is of type {found.resource_type}, not s3")
    return found


@s3.command(short_help="Unpin a resource from its snapshot")
@click.argument("resource")
@_workspace_option
@click.pass_obj
def unpin(session: Any, resource: str, workspace_dir: str | None) -> None:
    """Unpin a resource from its snapshot, to see and write the present files of the bucket.

    \b
    Example:
      dws s3 unpin images
    """
    found = _opened(session, resource, workspace_dir)
    with found.workspace.transaction("s3 unpin"):
        was_pinned = found.unpin()
    done = "is no longer pinned to a snapshot" if was_pinned else "is not pinned to a snapshot"
    found.workspace.interaction.tell(f"Resource '{resource}' {done}: its files are the present ones")


@s3.command(hidden=True)
@click.argument("resource")
@_workspace_option
@click.pass_obj
def allow(session: Any, resource: str, workspace_dir: str | None) -> None:
    """Agree, on this machine, that snapshots move the objects of a results resource, which somebody else has added.

    As 'dws trust RESOURCE', which takes its place."""
    found = _opened(session, resource, workspace_dir)
    found.agree()
    found.workspace.interaction.tell(f"Snapshots move the objects of {found.bucket.place}")
