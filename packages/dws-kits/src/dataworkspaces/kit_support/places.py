"""How a kit finds the workspace, and the resources that its user names."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from dataworkspaces.errors import ConfigurationError, NotSupportedError, PathNotAResourceError
from dataworkspaces.toolbox.logs import log
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.workspace import (
    FileResourceMixin,
    Resource,
    ResourceRef,
    ResourceRoles,
    Workspace,
    find_and_load_workspace,
)

Place = str | os.PathLike[str] | ResourceRef
"""How a user names a place in a workspace: by the name of a resource, else a local path, or a ResourceRef."""


def open_workspace(workspace_dir: str | os.PathLike[str] | None, verbose: bool = False) -> Workspace:
    """The workspace at a directory, or (None) the one that holds the current directory.

    With ``verbose`` what is done with it is shown on the standard error."""
    if verbose:
        _show_log()
    path = None if workspace_dir is None else os.fspath(workspace_dir)
    return find_and_load_workspace(batch=True, verbose=verbose, uri_or_local_path=path)


def _show_log() -> None:
    log.setLevel(logging.DEBUG)
    if not log.hasHandlers():
        log.addHandler(logging.StreamHandler())


def as_file_resource(resource: Resource) -> FileResourceMixin:
    """The resource, as one that holds files; raises NotSupportedError if it does not."""
    if not isinstance(resource, FileResourceMixin):
        raise NotSupportedError(f"Resource '{resource.name}' ({resource.resource_type}) does not hold files")
    return resource


def find_input(workspace: Workspace, place: Place) -> ResourceRef:
    """The place that input is read from. Raises ConfigurationError if it is not there."""
    ref = _name_or_path(workspace, place)
    if isinstance(ref, str):
        # A mistyped name is a relative path too, and the current directory lies in some resource as a rule.
        if not Path(ref).expanduser().exists():
            raise _unknown(workspace, place, "input resource", workspace.get_resource_names())
        ref = workspace.map_local_path_to_resource(ref)
    if ref.subpath is not None:
        check_relative_path(ref.subpath, f"Input resource '{ref.name}'")
    workspace.validate_resource_name(ref.name, ref.subpath)
    return ref


def find_inputs(workspace: Workspace, places: Place | Sequence[Place] | None) -> list[ResourceRef]:
    """The places that input is read from: one, or several. None stands for the only resource with source data or, if
    there is none of these, the only one with intermediate data.

    Raises ConfigurationError if one is not there, or if there is not just one to choose."""
    if places is not None:
        several = isinstance(places, (list, set)) or (type(places) is tuple)
        refs = [
            find_input(workspace, place)
            for place in (cast(Sequence[Place], places) if several else [cast(Place, places)])
        ]
        return list(dict.fromkeys(refs))
    for role in (ResourceRoles.SOURCE_DATA_SET, ResourceRoles.INTERMEDIATE_DATA):
        names = [n for n in workspace.get_resource_names() if workspace.get_resource_role(n) == role]
        if len(names) == 1:
            return [ResourceRef(names[0])]
        if names:
            raise ConfigurationError(
                f"Workspace '{workspace.name}' has several resources with data: {', '.join(names)}",
                hint="Name the one that is read with input_resource",
            )
    raise ConfigurationError(
        f"Workspace '{workspace.name}' has no data resource that could be the input",
        hint="Add one with 'dws add', for instance 'dws add api-resource' for data that is not in files",
    )


def find_results(workspace: Workspace, place: Place | None) -> ResourceRef:
    """The place that results are written to; it need not exist yet. None stands for the only results resource.

    Raises ConfigurationError if it lies in no results resource, or if there is not just one to choose."""
    names = [n for n in workspace.get_resource_names() if workspace.get_resource_role(n) == ResourceRoles.RESULTS]
    if place is None:
        if len(names) == 1:
            return ResourceRef(names[0])
        if names:
            raise ConfigurationError(
                f"Workspace '{workspace.name}' has several results resources: {', '.join(names)}",
                hint="Name one of them with results_resource",
            )
        raise ConfigurationError(
            f"Workspace '{workspace.name}' has no results resource to write to", hint="Add one with 'dws add'"
        )
    ref = _name_or_path(workspace, place)
    if isinstance(ref, str):
        try:
            ref = workspace.map_local_path_to_resource(ref)
        except PathNotAResourceError:
            raise _unknown(workspace, place, "results resource", names) from None
    if ref.subpath is not None:
        check_relative_path(ref.subpath, f"Results resource '{ref.name}'")
    if workspace.get_resource_role(ref.name) != ResourceRoles.RESULTS:
        raise ConfigurationError(
            f"Results cannot be written to '{place}': resource '{ref.name}' has the role "
            f"{workspace.get_resource_role(ref.name)}",
            hint=f"Results resources: {', '.join(names) or 'none'}",
        )
    as_file_resource(workspace.get_resource(ref.name))
    return ref


def _name_or_path(workspace: Workspace, place: Place) -> ResourceRef | str:
    """The reference that a user means, or a local path if it can be nothing else."""
    if isinstance(place, tuple):
        ref = ResourceRef(*place)
        return ResourceRef(workspace.present_name(ref.name), ref.subpath)
    text = workspace.present_name(os.fspath(place))
    return ResourceRef(text) if text in set(workspace.get_resource_names()) else text


def _unknown(workspace: Workspace, place: Place, what: str, names: Iterable[str]) -> ConfigurationError:
    return ConfigurationError(
        f"Workspace '{workspace.name}' has no {what} '{place}', and no such path lies in one",
        hint=f"It has: {', '.join(names) or 'none'}",
    )
