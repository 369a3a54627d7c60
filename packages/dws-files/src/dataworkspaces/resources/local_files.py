"""The resource type ``file``: how such resources are added, opened and cloned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.files.placed_directory import (
    absolute_path,
    ask_for_place,
    check_place,
    is_free,
    path_in_workspace,
    same_place_in_clone,
)
from dataworkspaces.files.tracked import UNTRACK, offer_to_untrack, untrack_or_warn
from dataworkspaces.filetree import BLAKE3
from dataworkspaces.resources.local_files_resource import LocalFilesResource
from dataworkspaces.toolbox.atomic import read_json_object
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.workspace import ResourceFactory, Workspace

if TYPE_CHECKING:
    import click


class LocalFilesFactory(ResourceFactory):
    command_name = "local-files"
    help = "a directory of files on this machine"
    example = "--role source-data --restorable ./images"
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

    def precheck(self, workspace: Workspace, *args: Any, **kwargs: Any) -> dict[str, Any]:
        place = absolute_path(kwargs["path"])
        if not (kwargs.get("create") and is_free(place)):
            _check_is_directory(place)
        check_place(place, place.name, workspace)
        if kwargs.get("remote") is not None:
            _checked_url(kwargs["remote"])
        return {UNTRACK: offer_to_untrack(place, workspace)}

    def from_command_line(
        self, role: str, name: str, workspace: Workspace, *args: Any, **kwargs: Any
    ) -> LocalFilesResource:
        """:param path: a directory that exists, unless ``create`` is true.
        :param compute_hash, restorable, remote, export, imported: see ``dws add local-files --help``."""
        place = absolute_path(kwargs["path"])
        if kwargs.get("create") and is_free(place):
            place.mkdir(exist_ok=True)
        _check_is_directory(place)
        check_place(place, name, workspace)
        remote = kwargs.get("remote")
        restorable = bool(kwargs.get("restorable", False)) or remote is not None
        resource = LocalFilesResource(
            name,
            role,
            workspace,
            global_local_path=str(place),
            compute_hash=bool(kwargs.get("compute_hash", False)) or restorable,
            hash_function=BLAKE3.name,
            restorable=restorable,
            remote=None if remote is None else _checked_url(remote),
            relative_local_path=path_in_workspace(place, workspace),
            export=bool(kwargs.get("export", False)),
            imported=bool(kwargs.get("imported", False)),
        )
        untrack_or_warn(place, workspace, untrack=bool(kwargs.get(UNTRACK)))
        return resource

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
        remote = resource.remote_content
        same = None if remote is None else same_place_in_clone(resource, merges=True)
        place = same or ask_for_place(resource, None if remote is None else remote.url)
        if place is None:
            return resource
        check_place(place, resource.name, workspace)
        resource.my_local_path = str(place)  # also if it is the original, which others can change
        if remote is not None and (place == same or is_free(place)):
            # Before anything is there, so that the next pull completes what a kill leaves.
            workspace.ignore_local_path(place)
            workspace.write_resource_local_params(resource.name, resource.get_local_params())
            place.mkdir(parents=True, exist_ok=True)
            remote.follow()
        return resource

    def suggest_name(self, workspace: Workspace, role: str, *args: Any, **kwargs: Any) -> str:
        """The directory's name, or for an imported resource the name that it was exported with."""
        place = absolute_path(kwargs["path"])
        if kwargs.get("imported") and (place / LINEAGE_FILE).is_file():
            return str(read_json_object(place / LINEAGE_FILE, "resource_name")["resource_name"])
        return place.name


def _check_is_directory(place: Path) -> None:
    if not place.is_dir():
        what = "is not a directory" if place.exists() else "does not exist"
        raise ConfigurationError(f"{place} {what}", hint="Make the directory, then add it")


def _checked_url(url: str) -> str:
    from dataworkspaces.filetree.remotes import check_url

    return check_url(url)


FACTORY = LocalFilesFactory()
