"""How resources of the type ``rclone`` are added, opened and cloned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.files.placed_directory import (
    absolute_path,
    ask_for_place,
    check_place,
    is_free,
    path_in_workspace,
    same_place_in_clone,
)
from dataworkspaces.files.tracked import UNTRACK, offer_to_untrack, untrack_or_warn
from dataworkspaces.resources.rclone.address import parse_address
from dataworkspaces.resources.rclone.link import MASTERS, SYNC_MODES, Link
from dataworkspaces.resources.rclone.remote_files import check_is_there, is_there
from dataworkspaces.resources.rclone.resource import RcloneResource
from dataworkspaces.workspace import ResourceFactory, Workspace

if TYPE_CHECKING:
    import click


class RcloneFactory(ResourceFactory):
    command_name = "rclone"
    help = "a directory of files that rclone copies from, or to, a remote"
    example = "--role source-data mydrive:images ./images"
    takes_export = True
    takes_imported = True
    param_defs = RcloneResource.param_defs

    def get_click_params(self) -> list[click.Parameter]:
        import click

        return [
            click.Argument(["remote_origin"], metavar="REMOTE:PATH"),
            click.Argument(["local_path"], type=click.Path()),
            click.Option(
                ["--config"],
                metavar="FILE",
                type=click.Path(),
                help="The configuration file of rclone (default: rclone's own).",
            ),
            click.Option(
                ["--master"],
                type=click.Choice(MASTERS),
                default="none",
                show_default=True,
                help="Where files change: 'dws pull' copies them from a remote master, 'dws push' from a local one.",
            ),
            click.Option(
                ["--sync-mode"],
                type=click.Choice(SYNC_MODES),
                default="copy",
                show_default=True,
                help="sync also deletes files that the master does not have from the replica.",
            ),
            click.Option(["--size-only"], is_flag=True, help="Treat files of the same size as equal."),
            click.Option(
                ["--compute-hash"],
                is_flag=True,
                help="Tell versions by the content of the files; without it, by their paths and sizes only.",
            ),
            click.Option(
                ["--restorable"],
                is_flag=True,
                help="Keep the content of each version here, so that it can be restored. Includes --compute-hash.",
            ),
        ]

    def precheck(self, workspace: Workspace, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The remote's name, and what is there and here. Asks the remote, for one listing."""
        place = absolute_path(kwargs["local_path"])
        link = _checked(kwargs, place, place.name, workspace)
        if link.master == "remote" or (link.master == "none" and is_free(place)):
            check_is_there(link.rclone, link.address)
        return {UNTRACK: offer_to_untrack(place, workspace)}

    def from_command_line(
        self, role: str, name: str, workspace: Workspace, *args: Any, **kwargs: Any
    ) -> RcloneResource:
        """:param remote_origin: ``REMOTE:PATH``.
        :param local_path: a directory; it is made, and the files are fetched, if there is none.
        :param config, master, sync_mode, size_only, compute_hash, restorable, export, imported: see
            ``dws add rclone --help``."""
        place = absolute_path(kwargs["local_path"])
        link = _checked(kwargs, place, name, workspace)
        link.check_direction(role, is_exported=bool(kwargs.get("export")))
        restorable = bool(kwargs.get("restorable", False))
        resource = RcloneResource(
            name,
            role,
            workspace,
            link,
            global_local_path=str(place),
            my_local_path=str(place),
            compute_hash=bool(kwargs.get("compute_hash", False)) or restorable,
            restorable=restorable,
            relative_local_path=path_in_workspace(place, workspace),
            export=bool(kwargs.get("export", False)),
            imported=bool(kwargs.get("imported", False)),
        )
        if link.master == "local":
            _make_directory(link, workspace)
        if link.master != "local" and (is_free(place) or resource.arrival.is_incomplete()):
            resource.fetch()
        else:
            untrack_or_warn(place, workspace, untrack=bool(kwargs.get(UNTRACK)))
        return resource

    def from_json(self, params: dict[str, Any], local_params: dict[str, Any], workspace: Workspace) -> RcloneResource:
        is_known = bool(local_params) or workspace.read_resource_local_params(str(params["name"])) is not None
        return RcloneResource.from_params(params, local_params if is_known else None, workspace)

    def has_local_state(self) -> bool:
        return True

    def clone(self, params: dict[str, Any], workspace: Workspace) -> RcloneResource:
        """Fetch the files to the same place in the workspace, if that is free; else ask where they are, or should be.

        They may be nowhere: then they are read at the remote. Where the master is on another machine nothing is
        fetched: its files may be newer than those at the remote."""
        resource = RcloneResource.from_params(params, None, workspace)
        is_fetched = resource.link.master != "local"
        place = same_place_in_clone(resource) if is_fetched else None
        place = place or ask_for_place(resource, str(resource.link.address) if is_fetched else None)
        if place is None:
            return resource
        check_place(place, resource.name, workspace)
        resource.my_local_path = str(place)
        if is_fetched and is_free(place):
            # Recorded before anything is there, so that the next pull completes what a kill leaves.
            resource.fetch(before_placing=lambda: _record(resource, place))
        return resource

    def suggest_name(self, workspace: Workspace, role: str, *args: Any, **kwargs: Any) -> str:
        return absolute_path(kwargs["local_path"]).name


def _record(resource: RcloneResource, place: Path) -> None:
    resource.workspace.ignore_local_path(place)
    resource.workspace.write_resource_local_params(resource.name, resource.get_local_params())


def _checked(options: dict[str, Any], place: Path, name: str, workspace: Workspace) -> Link:
    """The link to a remote that there is; raises ConfigurationError also for a place that cannot be the resource's."""
    link = _link(options, workspace)
    if not is_free(place) and not place.is_dir():
        raise ConfigurationError(f"{place} is not a directory")
    if link.master == "local" and not place.is_dir():
        raise NotFoundError(f"{place} does not exist", hint="Make the directory, then add it")
    check_place(place, name, workspace)
    return _with_absolute_path(link)


def _link(options: dict[str, Any], workspace: Workspace) -> Link:
    address = str(parse_address(options["remote_origin"]))
    config = my_config = None
    if options.get("config") is not None:
        path = absolute_path(options["config"])
        if not path.is_file():
            raise ConfigurationError(f"The configuration of rclone {path} is not a file")
        config = path_in_workspace(path, workspace)
        if config is None:
            config = my_config = str(path)
    link = Link(
        workspace,
        address,
        config,
        options.get("master") or MASTERS[0],
        options.get("sync_mode") or SYNC_MODES[0],
        bool(options.get("size_only", False)),
        my_config,
    )
    return _agreed(link)


def _agreed(link: Link) -> Link:
    """Who adds a resource agrees to what it says."""
    return replace(link, agreed=link.agreement)


def _with_absolute_path(link: Link) -> Link:
    """A relative path of a remote that is this machine is meant from where the user is; rclone runs elsewhere."""
    kind, address = link.kind_of_remote(), link.address
    if kind != "local" or Path(address.path).is_absolute():
        return link
    return _agreed(replace(link, remote_origin=str(address._replace(path=str(absolute_path(address.path or "."))))))


def _make_directory(link: Link, workspace: Workspace) -> None:
    """On this machine, where files are to go: later, one that is missing is on a disk that is not mounted."""
    if link.kind_of_remote() == "local" and not is_there(link.rclone, link.address):
        link.rclone.read(["mkdir"], [str(link.address)], doing=f"Making {link.address}")
        workspace.interaction.tell(f"Made the directory {link.address}")


FACTORY = RcloneFactory()
