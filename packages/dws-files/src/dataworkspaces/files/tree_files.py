"""The files of a version, to be read without restoring it."""

from __future__ import annotations

import posixpath
from typing import IO, TYPE_CHECKING

from dataworkspaces.errors import (
    ConfigurationError,
    MetadataError,
    NotFoundError,
    NotSupportedError,
    suppress_negative,
)
from dataworkspaces.filetree import Entry, Tree
from dataworkspaces.filetree.contents import object_of
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.workspace import FileInfo, VersionFiles

if TYPE_CHECKING:
    from dataworkspaces.files.file_tree import FileTreeMixin

_LINKS = 40


class TreeFiles(VersionFiles):
    """The files of a version of a resource. What they hold comes from the object store, or from the remote."""

    def __init__(self, resource: FileTreeMixin, tree: Tree) -> None:
        self._resource = resource
        self._tree = tree

    def ls(self, rel_path: str) -> list[str]:
        path, entry = self._find(rel_path)
        if entry.kind != "tree":
            raise ConfigurationError(f"{self._what}: '{path}' is not a directory")
        return sorted(found.name for found in self._tree.entries(entry.value))

    def get_file_info(self, rel_path: str) -> FileInfo:
        path, entry = self._find(rel_path, follow_last=False)
        if entry.kind == "link":
            with suppress_negative():  # it leads out, or nowhere
                _, target = self._find(path)
                if target.kind != "tree":
                    return FileInfo("file", _size(target))
            return FileInfo("link")
        return FileInfo("directory") if entry.kind == "tree" else FileInfo("file", _size(entry))

    def open(self, rel_path: str) -> IO[bytes]:
        path, entry = self._find(rel_path)
        if entry.kind == "tree":
            raise ConfigurationError(f"{self._what}: '{path}' is a directory")
        return self._content(path, entry)

    @property
    def _what(self) -> str:
        return f"Resource '{self._resource.name}' at version {self._tree.hashval[:7]}"

    def _content(self, path: str, entry: Entry) -> IO[bytes]:
        try:
            object_id = object_of(entry, path)
        except MetadataError:
            raise self._not_kept(path) from None
        store = self._resource.kept_content.store
        remote = self._resource.remote_content
        if store.missing([object_id]):
            if remote is not None:
                remote.fetch({object_id: path})
            elif not self._resource.restorable:
                raise self._not_kept(path)
        return store.open(object_id)

    def _not_kept(self, path: str) -> NotSupportedError:
        return NotSupportedError(
            f"{self._what} recorded no content of '{path}' that can be read",
            hint="Only versions of resources added with --restorable can be read",
        )

    def _find(self, rel_path: str, *, follow_last: bool = True) -> tuple[str, Entry]:
        """An entry and its path, with links in it resolved, within the tree. Raises ConfigurationError if there is
        none, or if a link leads out of the tree."""
        check_relative_path(rel_path, self._what)
        left = [part for part in rel_path.split("/") if part]
        done: list[str] = []
        entries = [Entry(self._tree.hashval, "tree", "")]
        links = 0
        while left:
            name = left.pop(0)
            inside = self._tree.entries(entries[-1].value) if entries[-1].kind == "tree" else []
            found = next((entry for entry in inside if entry.name == name), None)
            if found is None:
                raise NotFoundError(f"{self._what} has no '{rel_path}'")
            if found.kind == "link" and (left or follow_last):
                links += 1
                target = self._content("/".join([*done, name]), found).read().decode("utf-8", "surrogateescape")
                path = posixpath.normpath(posixpath.join(*done, target))
                if links > _LINKS or path.startswith(("/", "..")):
                    raise ConfigurationError(f"{self._what}: '{rel_path}' leads out of it, to {target!r}")
                left = [part for part in path.split("/") if part != "."] + left
                done, entries = [], entries[:1]
                continue
            done.append(name)
            entries.append(found)
        return "/".join(done), entries[-1]


def _size(entry: Entry) -> int | None:
    """In bytes; None for a version of release 1.6 that has hashes only."""
    size = entry.value.partition(":")[0]
    return int(size) if size.isdecimal() and (":" in entry.value or len(size) < 40) else None
