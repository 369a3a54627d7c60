"""What a resource notes of a file system that cannot hold all of its versions: what was left out, and whether it keeps
executable bits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dataworkspaces.filetree import Tree
from dataworkspaces.filetree.limited_filesystems import keeps_modes, with_left_out, with_modes_of
from dataworkspaces.toolbox.atomic import read_json_object_if_any, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from dataworkspaces.files.file_tree import FileTreeMixin

_NOTE = "file_system.json"
_PLACE = "place"


class LackingFileSystem:
    """The note has these keys: ``place`` is the directory that it is about; ``version`` was recorded or restored last;
    ``left_out`` has the paths of it that could not be made; ``modes`` is false if executable bits are not kept. Without
    a note nothing lacks."""

    def __init__(self, resource: FileTreeMixin) -> None:
        self._resource = resource

    @property
    def _path(self) -> Path:
        return self._resource.workspace.get_resource_local_directory(self._resource.as_resource()) / _NOTE

    def _place(self) -> Any:
        place = os.path.realpath(self._resource.local_root())
        return self._resource.workspace.whereabouts.to_stored({_PLACE: place})[_PLACE]

    def _note(self) -> dict[str, Any]:
        """{} if there is none, or one of another directory."""
        note = read_json_object_if_any(self._path) or {}
        return note if note and note.get(_PLACE) == self._place() else {}

    def _write(self, note: Mapping[str, Any]) -> None:
        write_json(self._path, {**note, _PLACE: self._place()}, durable=True)

    def left_out(self) -> list[str]:
        return _left_out(self._note())

    def try_out(self) -> None:
        """Note whether executable bits are kept, before a version is recorded or restored."""
        note = self._note()
        root = self._resource.local_root()
        keeps = not root.is_dir() or keeps_modes(root)
        if note.get("modes", True) != keeps:
            self._write({**note, "modes": keeps})

    def note_version(self, version: str, left_out: Iterable[str] | None = None) -> None:
        """A version has been recorded, or restored but for ``left_out`` (None: what was left out is so still)."""
        note = self._note()
        paths = note.get("left_out", ()) if left_out is None else left_out
        new = {**note, "version": version, "left_out": sorted(paths)}
        if (note or left_out) and new != note:
            self._write(new)

    def recorded(self, tree: Tree, *, with_what_was_left_out: bool = True) -> Tree:
        """What a version holds whose files are those of a tree."""
        note: Mapping[str, Any] = self._note()
        if not note:
            return tree
        base = self._resource.stored_tree(note.get("version"))
        if note.get("modes") is False:
            tree = with_modes_of(tree, base)
        paths = _left_out(note) if with_what_was_left_out else []
        return with_left_out(tree, base, paths) if base is not None and paths else tree


def _left_out(note: Mapping[str, Any]) -> list[str]:
    return [str(path) for path in note.get("left_out", ())]
