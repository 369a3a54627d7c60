"""The resource type ``file``: how such resources are added, opened and cloned."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.filetree import BLAKE3
from dataworkspaces.resources.local_files_resource import LocalFilesResource, absolute_path
from dataworkspaces.workspace import ResourceFactory, Workspace
from dataworkspaces.workspace.atomic import read_json_object
from dataworkspaces.workspace.snapshot_resource import LINEAGE_FILE

if TYPE_CHECKING:
    import click


class LocalFilesFactory(ResourceFactory):
    command_name = "local-files"
    help = "a directory of files on this machine"
    takes_export = True
    takes_imported = True
    param_defs = LocalFilesResource.param_defs

    def get_click_params(self) -> list[click.Parameter]:
        import click

        return [
            click.Argument(["path"], metavar="PATH", type=click.Path()),
            click.Option(
                ["--compute-hash"],
                is_flag=True,
                help="Tell versions by the content of the files; without it, by their paths and sizes only.",
            ),
            click.Option(
                ["--restorable"],
                is_flag=True,
                help="Keep the content of each version, so that it can be restored. Includes --compute-hash.",
            ),
            click.Option(
                ["--remote"],
                metavar="URL",
                help="Where push sends the content of versions, and clone and pull get it: file://, s3://, sftp://, "
                "gs://, … Includes --restorable.",
            ),
        ]

    def from_command_line(
        self, role: str, name: str, workspace: Workspace, *args: Any, **kwargs: Any
    ) -> LocalFilesResource:
        """:param path: a directory that exists, unless ``create`` is true.
        :param compute_hash, restorable, remote, export, imported: see ``dws add local-files --help``."""
        place = absolute_path(kwargs["path"])
        if kwargs.get("create") and not os.path.lexists(place):
            place.mkdir()
        if not place.is_dir():
            what = "is not a directory" if place.exists() else "does not exist"
            raise ConfigurationError(f"{place} {what}", hint="Make the directory, then add it")
        _check_place(place, name, workspace)
        remote = kwargs.get("remote")
        restorable = bool(kwargs.get("restorable", False)) or remote is not None
        return LocalFilesResource(
            name,
            role,
            workspace,
            global_local_path=str(place),
            compute_hash=bool(kwargs.get("compute_hash", False)) or restorable,
            hash_function=BLAKE3.name,
            restorable=restorable,
            remote=None if remote is None else _checked_url(remote),
            relative_local_path=_path_in_workspace(place, workspace),
            export=bool(kwargs.get("export", False)),
            imported=bool(kwargs.get("imported", False)),
        )

    def from_json(
        self, params: dict[str, Any], local_params: dict[str, Any], workspace: Workspace
    ) -> LocalFilesResource:
        is_known = bool(local_params) or workspace.read_resource_local_params(str(params["name"])) is not None
        return LocalFilesResource.from_params(params, local_params if is_known else None, workspace)

    def has_local_state(self) -> bool:
        return True

    def clone(self, params: dict[str, Any], workspace: Workspace) -> LocalFilesResource:
        """Ask where the files are on this machine. They may be nowhere: then a later command asks for them.

        The place on the other machine is never taken without an answer, though it be here too: it may be any
        directory, and snapshots move results in it."""
        resource = LocalFilesResource.from_params(params, None, workspace)
        place = _place_in_clone(resource, workspace) or _ask_for_place(resource, workspace)
        if place is None:
            return resource
        _check_place(place, resource.name, workspace)
        resource.my_local_path = str(place)  # also if it is the original, which others can change
        if resource.remote_content is not None and _is_empty(place):
            # Before anything is there, so that the next pull completes what a kill leaves.
            workspace.ignore_local_path(place)
            workspace.write_resource_local_params(resource.name, resource.get_local_params())
            place.mkdir(parents=True, exist_ok=True)
            resource.remote_content.follow()
        return resource

    def suggest_name(self, workspace: Workspace, role: str, *args: Any, **kwargs: Any) -> str:
        """The directory's name, or for an imported resource the name that it was exported with."""
        place = absolute_path(kwargs["path"])
        if kwargs.get("imported") and (place / LINEAGE_FILE).is_file():
            return str(read_json_object(place / LINEAGE_FILE, "resource_name")["resource_name"])
        return place.name


def _place_in_clone(resource: LocalFilesResource, workspace: Workspace) -> Path | None:
    """Of a resource that lay in the workspace's directory and can be fetched: the same place here, if it is free."""
    own = workspace.get_workspace_local_path_if_any()
    if own is None or resource.relative_local_path is None or resource.remote_content is None:
        return None
    place = Path(own) / resource.relative_local_path
    root = Path(os.path.realpath(own))
    is_inside = root in Path(os.path.realpath(place)).parents
    return place if is_inside and (_is_empty(place) or not os.path.lexists(place)) else None


def _ask_for_place(resource: LocalFilesResource, workspace: Workspace) -> Path | None:
    """Where the user wants the files; None if nowhere yet, of which he is told."""
    remote = resource.remote_content
    original = resource.global_local_path
    fetched = "" if remote is None else f"; into a directory that is empty or new they are fetched from {remote.url}"
    answer = workspace.interaction.ask(
        f"Where are the files of resource '{resource.name}' on this machine (they were at {original}; empty: not "
        f"here{fetched})?",
        default="",
    )
    place = absolute_path(answer) if answer.strip() else None
    if place is not None and (place.is_dir() or (remote is not None and not os.path.lexists(place))):
        return place
    reason = f"{place} is no directory" if place else f"they were at {original} on another"
    then = f" DIRECTORY{'' if remote is None else ', then dws pull fetches them'}"
    workspace.interaction.warn(
        f"The files of resource '{resource.name}' are not on this machine: {reason}. Once they are: "
        f"dws config --resource {resource.name} my_local_path{then}"
    )
    return None


def _is_empty(place: Path) -> bool:
    return not os.path.lexists(place) or (place.is_dir() and not any(place.iterdir()))


def _checked_url(url: str) -> str:
    from dataworkspaces.filetree.remotes import check_url

    return check_url(url)


def _path_in_workspace(place: Path, workspace: Workspace) -> str | None:
    """Where a directory lies below the workspace's, so that a clone can have it there too; None if it lies outside."""
    own = workspace.get_workspace_local_path_if_any()
    if own is None or Path(own).resolve() not in place.resolve().parents:
        return None
    return place.resolve().relative_to(Path(own).resolve()).as_posix()


def _check_place(place: Path, name: str, workspace: Workspace) -> None:
    workspace.validate_local_path_for_resource(name, str(place))
    own = workspace.get_workspace_local_path_if_any()
    if own is None:
        return
    root, real = Path(own).resolve(), place.resolve()
    if root in real.parents and not {".git", ".dataworkspace"}.isdisjoint(real.relative_to(root).parts):
        raise ConfigurationError(f"{place} cannot be a resource: the workspace keeps its own files there")


FACTORY = LocalFilesFactory()
