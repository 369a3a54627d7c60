"""Where a copy of a workspace is, and what its places on this machine are once it has been moved or copied.

A place in the workspace's directory is stored relative to it, as ``{"in_workspace": PATH}``, and goes where the
directory goes. A note in the machine directory says where the workspace was when its places were written, so that one
that was copied with all its files (``cp -a``) is told from one that was moved: what lies outside belongs to the
original, and the copy never takes it for its own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from dataworkspaces.errors import MetadataError
from dataworkspaces.toolbox.atomic import read_json_object, write_json
from dataworkspaces.toolbox.names import METADATA_DIR, check_relative_path

__all__ = ["NOT_PLACED", "PLACES", "Whereabouts", "moved_with"]

State = Literal["new", "home", "moved", "copied"]

_NOTE = "place.json"
_IN_WORKSPACE = "in_workspace"
PLACES = ("my_local_path", "local_path")
"""The local parameters that name the directory of a resource (the second is that of git, and of release 1.6)."""
NOT_PLACED = "placed"


class Whereabouts:
    """:ivar lost: places that were asked for, and may be another copy's."""

    def __init__(self, root: Path | None, machine: Path) -> None:
        """:param root: the workspace's directory, without links; None for a workspace that has none.
        :param machine: where the note is."""
        self.root = root
        self.machine = machine
        self.lost: set[str] = set()

    @cached_property
    def _noted(self) -> dict[str, Any]:
        """Empty if there is no note, or none that can be understood: then nothing is known, as of a workspace that an
        earlier release made."""
        path = self.machine / _NOTE
        if self.root is None or not path.exists():
            return {}
        try:
            note = read_json_object(path, "root")
        except MetadataError:
            return {}
        return note if isinstance(note["root"], str) and note["root"].startswith("/") else {}

    @cached_property
    def state(self) -> State:
        """``copied`` if that is possible: what lies outside is then agreed to anew. A directory that is seen under
        another path, as in a container, has kept its inode."""
        if self.root is None or not self._noted:
            return "new"
        earlier = Path(self._noted["root"])
        if earlier == self.root:
            return "home"
        if (earlier / METADATA_DIR).is_dir():
            return "moved" if _is_same(earlier, self.root) else "copied"
        if self._noted.get("inode") == _inode(self.root):
            return "moved"
        return "moved" if self._noted.get("host") == os.uname().nodename else "copied"

    @property
    def earlier(self) -> Path | None:
        """Where the workspace was, if it is elsewhere now."""
        return Path(self._noted["root"]) if self.state in ("moved", "copied") else None

    def note(self) -> None:
        """The places are those of this copy from now on."""
        if self.root is not None:
            data = {"root": str(self.root), "host": os.uname().nodename, "inode": _inode(self.root)}
            write_json(self.machine / _NOTE, data, durable=True)
        self.__dict__.pop("_noted", None)
        self.__dict__.pop("state", None)

    # -- places ------------------------------------------------------------------------------------------------------

    def here(self, place: str) -> str | None:
        """An absolute place that was stored, as it is now. None if it may be another copy's."""
        if self.root is None or self.earlier is None:
            return place
        path = Path(place)
        for root in (self.earlier, self.root):
            if root in path.parents:
                return self._own(path.relative_to(root).as_posix())
        if self.state == "copied":
            self.lost.add(place)
            return None
        return place

    def _was_inside(self, place: str) -> bool:
        return self.earlier is not None and self.earlier in Path(place).parents

    def _own(self, relative: str) -> str | None:
        """A place in the workspace. A link that leads out of a copy leads to what is the original's."""
        assert self.root is not None
        path = f"{self.root}/{relative}" if relative else str(self.root)
        if self.state == "copied" and self.root not in Path(os.path.realpath(path)).parents:
            self.lost.add(path)
            return None
        return path

    def from_stored(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Local parameters of a resource with absolute places. One that may be another copy's is left out, and the
        resource has no place then.

        Raises MetadataError for a place that leads out of the workspace."""
        found: dict[str, Any] = {}
        for key, value in params.items():
            place: Any = value
            if isinstance(value, dict) and value.keys() == {_IN_WORKSPACE}:
                relative = value[_IN_WORKSPACE]
                if self.root is None or not isinstance(relative, str):
                    raise MetadataError(f"The place {value!r} of a resource is damaged")
                place = self._own(check_relative_path(relative, "The place of a resource"))
            elif isinstance(value, str) and value.startswith("/") and (key in PLACES or self._was_inside(value)):
                place = self.here(value)
            if place is None and value is not None:
                found[NOT_PLACED] = False
            else:
                found[key] = place
        return found

    def to_stored(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """As :meth:`from_stored` reads them: what lies in the workspace relative to it."""
        return {key: self._stored(value) for key, value in params.items()}

    def _stored(self, value: Any) -> Any:
        if self.root is None or not isinstance(value, str) or not value.startswith("/"):
            return value
        path = Path(os.path.normpath(value))
        if self.root not in path.parents:
            # The way to the workspace may be a link; one in the workspace stays, since it is a part of it.
            parents = [above for above in path.parents if os.path.realpath(above) == str(self.root)]
            if not parents:
                return value
            return {_IN_WORKSPACE: path.relative_to(parents[0]).as_posix()}
        return {_IN_WORKSPACE: path.relative_to(self.root).as_posix()}


def moved_with(root: Path, place: str, relative: str) -> str | None:
    """Where a resource is that lay at ``relative`` in its workspace, if ``place`` is of a time when the workspace, or
    the one that it was copied from, was elsewhere; None if ``place`` counts. For workspaces without a note."""
    path = Path(place)
    parts = Path(relative).parts
    if root in path.parents or path.parts[-len(parts) :] != parts or not (root / relative).is_dir():
        return None
    earlier = Path(*path.parts[: -len(parts)])
    if _is_same(earlier, root):
        return None
    return str(root / relative) if (earlier / METADATA_DIR).is_dir() or not path.exists() else None


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _inode(root: Path) -> int | None:
    try:
        return (root / METADATA_DIR).stat().st_ino
    except OSError:
        return None
