"""``dws ls``, ``cat`` and ``cp``: the files of resources, now or as they were in a snapshot."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.toolbox.atomic import explain_os_error, written_beside
from dataworkspaces.workspace.absent import is_missing
from dataworkspaces.workspace.missing_type import resources_to_show

if TYPE_CHECKING:
    from dataworkspaces.operations.dws_filesystem import DwsFileSystem
    from dataworkspaces.workspace import Workspace


@dataclass(frozen=True)
class ListedFile:
    """:ivar name: ends with ``/`` for a directory; relative to what was listed.
    :ivar size: in bytes; None for a directory, and for a file whose size is not known.
    :ivar is_missing: of a resource: its place on this machine is not there."""

    name: str
    size: int | None
    is_missing: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "size": self.size}


@dataclass(frozen=True)
class Place:
    """:ivar path: as the protocol ``dws://`` has it: ``RESOURCE[@SNAPSHOT]/path``."""

    path: str

    @classmethod
    def parse(cls, text: str) -> Place | None:
        """Of ``RESOURCE[@SNAPSHOT]:[/]path``; None if it is a local path, which has no colon before its first ``/``."""
        name, colon, path = text.partition(":")
        if not colon or not name or "/" in name:
            return None
        return cls(f"{name}/{path.lstrip('/')}".rstrip("/"))


def required_place(text: str) -> Place:
    """Raises ConfigurationError for a local path."""
    place = Place.parse(text)
    if place is None:
        raise ConfigurationError(
            f"'{text}' does not name a file of a resource", hint="Write RESOURCE:PATH or RESOURCE@SNAPSHOT:PATH"
        )
    return place


def ls_command(workspace: Workspace, text: str | None, *, recursive: bool = False) -> list[ListedFile]:
    """What lies at a place; the resources that have files, without one. With ``recursive`` all files below it."""
    fs = _file_system(workspace)
    path = "" if text is None else required_place(text).path
    _check_there(fs, path, text)
    found = fs.find(path, detail=True).values() if recursive else fs.ls(path, detail=True)
    start = len(path) + 1 if path else 0
    listed = [_listed(entry, start) for entry in found]
    if path or recursive:
        return listed
    missing = {f"{resource.name}/" for resource in resources_to_show(workspace) if is_missing(resource)}
    return [replace(entry, is_missing=entry.name in missing) for entry in listed]


def _listed(entry: dict[str, Any], start: int) -> ListedFile:
    name = entry["name"][start:] or entry["name"].rpartition("/")[2]
    if entry["type"] == "directory":
        return ListedFile(f"{name}/", None)
    return ListedFile(name, entry["size"])


def cat_command(workspace: Workspace, text: str, output: IO[bytes]) -> None:
    """Write a file to ``output``."""
    fs = _file_system(workspace)
    path = required_place(text).path
    _check_file(fs, path, text)
    with fs.open(path, "rb") as source:
        shutil.copyfileobj(source, output, 1 << 20)


def cp_command(workspace: Workspace, source: str, target: str, *, recursive: bool = False) -> int:
    """Copy a file, or with ``recursive`` a directory, from or to a resource; one of the two may be local. How many
    files were copied. A directory that is there is copied into, as ``cp`` does it with a file."""
    fs = _file_system(workspace)
    from_place, to_place = Place.parse(source), Place.parse(target)
    if from_place is None and to_place is None:
        raise ConfigurationError("Neither argument names a file of a resource", hint="As in RESOURCE:path")
    pairs = _pairs(fs, from_place, Path(source), recursive)
    if pairs is None:
        raise ConfigurationError(f"'{source}' is a directory", hint="Use --recursive to copy a directory")
    name = source.rstrip("/").rpartition("/")[2].rpartition(":")[2]
    is_into = _is_directory(fs, to_place, Path(target)) and pairs[0:1] and pairs[0][1] == ""
    with workspace.interaction.progress("Copying", len(pairs)) as advance:
        for place, rel_path in pairs:
            goal = "/".join(filter(None, (name if is_into else "", rel_path)))
            _copy(fs, from_place is not None, place, to_place, Path(target), goal)
            advance(1)
    return len(pairs)


def _pairs(fs: DwsFileSystem, place: Place | None, local: Path, recursive: bool) -> list[tuple[str, str]] | None:
    """The files at a place, each with its path below it, which is ``""`` if the place is the file; None for a directory
    without ``recursive``."""
    if place is not None:
        _check_there(fs, place.path, place.path)
        if fs.isfile(place.path):
            return [(place.path, "")]
        start = len(place.path) + 1
        return [(path, path[start:]) for path in fs.find(place.path)] if recursive else None
    if not local.is_dir():
        return [(str(local), "")]
    files = sorted(path for path in local.rglob("*") if path.is_file())
    return [(str(path), path.relative_to(local).as_posix()) for path in files] if recursive else None


def _is_directory(fs: DwsFileSystem, place: Place | None, local: Path) -> bool:
    return local.is_dir() if place is None else fs.isdir(place.path)


def _copy(fs: DwsFileSystem, is_from: bool, path: str, place: Place | None, local: Path, goal: str) -> None:
    try:
        if place is None:
            _fetch(fs, path, _inside(local, goal) if goal else local)
        elif is_from:
            fs.cp_file(path, "/".join(filter(None, (place.path, goal))))
        else:
            fs.put_file(path, "/".join(filter(None, (place.path, goal))))
    except OSError as e:
        raise explain_os_error(e, "Copying") from e


def _fetch(fs: DwsFileSystem, path: str, target: Path) -> None:
    """To a local file, which is replaced as a whole or not at all; as with ``cp``, to where a link leads."""
    if target.exists() and not target.is_file():  # a device, say
        fs.get_file(path, str(target))
        return
    with written_beside(target.resolve()) as temporary:
        fs.get_file(path, str(temporary))


def _inside(directory: Path, rel_path: str) -> Path:
    """Names come from the resource: one must not lead elsewhere."""
    if ".." in rel_path.split("/"):
        raise ConfigurationError(f"'{rel_path}' leads out of {directory}")
    return directory / rel_path


def _check_there(fs: DwsFileSystem, path: str, text: str | None) -> None:
    """Raise NotFoundError, and let that of a resource or snapshot that is not there through."""
    fs._locate(path)
    if not fs.exists(path):
        raise NotFoundError(f"'{text}' does not exist", hint="'dws ls' lists what there is")


def _check_file(fs: DwsFileSystem, path: str, text: str) -> None:
    _check_there(fs, path, text)
    if not fs.isfile(path):
        raise ConfigurationError(f"'{text}' is a directory", hint=f"dws ls {text}")


def _file_system(workspace: Workspace) -> DwsFileSystem:
    from dataworkspaces.operations.dws_filesystem import DwsFileSystem

    return DwsFileSystem(workspace)
