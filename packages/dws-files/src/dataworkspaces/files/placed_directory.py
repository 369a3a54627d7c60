"""The capability of a file tree whose directory may be elsewhere on each machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, MetadataError, UnavailableError
from dataworkspaces.filetree import SHA1
from dataworkspaces.params import BoolType, ParamDef, StringType
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.toolbox.whereabouts import NOT_PLACED, moved_with
from dataworkspaces.workspace import LocalDirectoryMixin, Workspace


def absolute_path(text: str) -> Path:
    """The absolute path that a user meant. Links in it stay, since one may be led elsewhere on purpose."""
    path = Path(text).expanduser()
    return path.resolve() if ".." in path.parts else path.absolute()


def text_param(params: Mapping[str, Any], key: str) -> str | None:
    """A stored parameter that is a text or not there; raises MetadataError for anything else."""
    value = params.get(key)
    if value is not None and not isinstance(value, str):
        raise MetadataError(f"Resource '{params.get('name')}': '{key}' is {value!r:.100}, but should be a string")
    return value


class DirectoryType(StringType):
    """The absolute path of a directory on this machine."""

    name = "directory"

    def validate(self, value: Any) -> str | None:
        return None if isinstance(value, str) and Path(value).is_absolute() else "must be an absolute path"

    def parse(self, text: str) -> Any:
        path = absolute_path(text)
        if not path.is_dir():
            raise ValueError("is not a directory on this machine")
        return str(path)


GLOBAL_LOCAL_PATH_PARAM = ParamDef("global_local_path", None, True, "Where the files are by default", DirectoryType())
COMPUTE_HASH_PARAM = ParamDef("compute_hash", False, True, "Compare versions by content, not only by size", BoolType())
RESTORABLE_PARAM = ParamDef(
    "restorable", False, True, "Keep the content of versions, so that they can be restored", BoolType()
)
MY_LOCAL_PATH_PARAM = ParamDef("my_local_path", None, False, "Where the files are here", DirectoryType(), optional=True)


class PlacedDirectoryMixin(LocalDirectoryMixin):
    """Where the files of a resource are on this machine. Put the mixin before :class:`FileTreeMixin` in the bases.

    :ivar global_local_path: where they were when the resource was added, which may be on another machine.
    :ivar my_local_path: where they are here, if it is elsewhere.
    :ivar is_placed: whether the user of this machine has agreed to a place: ``global_local_path`` alone comes from
        whoever wrote the workspace, and snapshots write to the directory.
    :ivar relative_local_path: where they were in the workspace's directory, if they were there.
    """

    global_local_path: str
    my_local_path: str | None
    is_placed: bool
    relative_local_path: str | None
    needs_place = True
    """Whether its files are nowhere, as long as they have no place on this machine."""
    export: bool
    imported: bool
    workspace: Workspace
    compute_hash: bool
    hash_function: str
    restorable: bool

    def files_params(self) -> dict[str, Any]:
        """What is stored of the files for everybody: what release 1.6 wrote, and what it did not know where that is
        used."""
        params: dict[str, Any] = {
            "global_local_path": self.global_local_path,
            "compute_hash": self.compute_hash,
            "export": self.export,
            "imported": self.imported,
        }
        if self.compute_hash and self.hash_function != SHA1.name:
            params["hash_function"] = self.hash_function
        if self.restorable:
            params["restorable"] = True
        if self.relative_local_path is not None:
            params["relative_local_path"] = self.relative_local_path
        return params

    def place_params(self) -> dict[str, Any]:
        """What is kept of the place on this machine: it counts here from now on, whatever somebody else makes of
        ``global_local_path``."""
        place = self.my_local_path or (self.global_local_path if self.is_placed else None)
        return {NOT_PLACED: False} if place is None else {"my_local_path": place}

    def get_local_path_if_any(self) -> str | None:
        if self.my_local_path is not None:
            return self.my_local_path
        return self.global_local_path if self.is_placed and Path(self.global_local_path).is_dir() else None

    def _hidden_names(self) -> frozenset[str]:
        """A repository or workspace in the directory stays whole when results move. It counts as content all the
        same, as it did in release 1.6."""
        return frozenset({".git", ".dataworkspace"})

    def _place_if_missing(self) -> str:
        return self.my_local_path or self.global_local_path

    def _why_missing(self) -> str:
        is_there = Path(self._place_if_missing()).is_dir()
        return f"{self._place_if_missing()} is {_where_it_was(self.global_local_path) if is_there else 'not there'}"

    def _root(self) -> Path:
        place = self.get_local_path_if_any()
        if place is None or not Path(place).is_dir():
            has_place = bool(self.my_local_path or self.is_placed)
            why = "no directory here" if has_place else _where_it_was(self.global_local_path)
            restore = (
                f"; dws restore --only {self.name} SNAPSHOT brings it back" if has_place and self.restorable else ""
            )
            raise UnavailableError(
                f"Resource '{self.name}' is not on this machine: {self._place_if_missing()} is {why}",
                hint=f"Say where it is: dws config --resource {self.name} my_local_path DIRECTORY{restore}",
            )
        return super()._root()


def stored_files(
    params: Mapping[str, Any], local_params: Mapping[str, Any] | None, workspace: Workspace
) -> dict[str, Any]:
    """The attributes of :class:`PlacedDirectoryMixin` and :class:`FileTreeMixin` from stored parameters, to be passed
    on as keyword arguments.

    ``local_params`` is None if the resource has never been on this machine. Raises KeyError for a parameter that is
    missing, MetadataError or ConfigurationError for a bad path."""
    # Release 1.6 wrote the local parameter under its other name.
    mine = (local_params or {}).get("my_local_path") or (local_params or {}).get("local_path")
    for path in (params["global_local_path"], mine or "/"):
        if not isinstance(path, str) or not path.startswith("/") or "\0" in path:
            raise MetadataError(f"Resource '{params['name']}': {path!r} is not an absolute path")
    relative = text_param(params, "relative_local_path")
    if relative is not None:
        check_relative_path(relative, f"Resource '{params['name']}'")
    is_placed = local_params is not None and local_params.get(NOT_PLACED, True) is not False
    if is_placed:
        mine, is_placed = _place_here(params["global_local_path"], mine, relative, workspace)
    return {
        "global_local_path": params["global_local_path"],
        "my_local_path": mine,
        "is_placed": is_placed,
        "relative_local_path": relative,
        "compute_hash": bool(params.get("compute_hash", False)),
        "hash_function": str(params.get("hash_function", SHA1.name)),
        "restorable": bool(params.get("restorable", False)),
        "export": bool(params.get("export", False)),
        "imported": bool(params.get("imported", False)),
    }


def _place_here(original: str, mine: str | None, relative: str | None, workspace: Workspace) -> tuple[str | None, bool]:
    """The local path, and whether the resource has a place here, if the workspace may have been moved or copied."""
    whereabouts = workspace.whereabouts
    if whereabouts.root is None or whereabouts.state == "home":
        return mine, True
    if mine is None and whereabouts.earlier is not None:
        place = whereabouts.here(original)
        return (None, False) if place is None else (mine if place == original else place, True)
    if whereabouts.state == "new" and relative is not None:
        moved = moved_with(whereabouts.root, mine or original, relative)
        return mine if moved is None else moved, True
    return mine, True


# -- choosing a place ----------------------------------------------------------------------------------------------


def check_place(place: Path, name: str, workspace: Workspace) -> None:
    """Raise ConfigurationError if the files of resource ``name`` cannot be at ``place``."""
    workspace.validate_local_path_for_resource(name, str(place))
    own = workspace.get_workspace_local_path_if_any()
    if own is None:
        return
    root, real = Path(own).resolve(), place.resolve()
    if root in real.parents and not {".git", ".dataworkspace"}.isdisjoint(real.relative_to(root).parts):
        raise ConfigurationError(f"{place} cannot be a resource: the workspace keeps its own files there")


def path_in_workspace(place: Path, workspace: Workspace) -> str | None:
    """Where a path lies below the workspace's directory, so that a clone can have it there too; None if outside."""
    own = workspace.get_workspace_local_path_if_any()
    if own is None or Path(own).resolve() not in place.resolve().parents:
        return None
    return place.resolve().relative_to(Path(own).resolve()).as_posix()


def is_free(place: Path) -> bool:
    """Whether nothing, or an empty directory, is at a place."""
    return not is_present(place) or (place.is_dir() and not any(place.iterdir()))


def same_place_in_clone(resource: PlacedDirectoryMixin, *, merges: bool = False) -> Path | None:
    """Of a resource that lay in the workspace's directory: the same place here, if it is free.

    :param merges: whether files that came with the workspace itself may be there, a ``.gitkeep``, say."""
    own = resource.workspace.get_workspace_local_path_if_any()
    if own is None or resource.relative_local_path is None:
        return None
    place = Path(own) / resource.relative_local_path
    root = Path(os.path.realpath(own))
    if root not in Path(os.path.realpath(place)).parents:
        return None
    came = merges and place.is_dir() and not place.is_symlink() and resource.workspace.came_with_workspace(place)
    return place if came or is_free(place) else None


def _where_it_was(original: str) -> str:
    """What a place that nobody here has agreed to is."""
    if Path(original).is_dir():
        return "there, but nobody has confirmed that it belongs to the resource here"
    return "where it is on another"


def _elsewhere(original: str) -> str:
    """Whether the place of others is on this machine, too: a clone of one's own workspace."""
    if Path(original).is_dir():
        return "for others, and nobody has confirmed that directory for this machine (dws clone --same-places)"
    return "on another"


def ask_for_place(resource: PlacedDirectoryMixin, origin: str | None) -> Path | None:
    """Where the user of this machine wants the files; None if nowhere yet, of which he is told.

    :param origin: where they are fetched from into a directory that is empty or new; None if they cannot be."""
    interaction = resource.workspace.interaction
    original = resource.global_local_path
    if resource.workspace.takes_same_places and Path(original).is_dir():
        interaction.tell(f"The files of resource '{resource.name}' are at {original}, as where the workspace is from")
        return Path(original)
    fetched = "" if origin is None else f"; a new or empty directory is filled from {origin}"
    answer = interaction.ask(
        f"Where are the files of resource '{resource.name}' on this machine (they were at {original}; empty: not "
        f"here{fetched})?",
        default="",
    )
    place = absolute_path(answer) if answer.strip() else None
    if place is not None and (place.is_dir() or (origin is not None and not is_present(place))):
        return place
    reason = f"{place} is not a directory" if place else f"they were at {original} {_elsewhere(original)}"
    then = f" DIRECTORY{'' if origin is None else ', then dws pull fetches them'}"
    interaction.warn(
        f"The files of resource '{resource.name}' have no place on this machine: {reason}. Once they have: "
        f"dws config --resource {resource.name} my_local_path{then}"
    )
    return None
