"""The files of a commit or tree, read from git's objects without a checkout."""

from __future__ import annotations

import io
import os
import posixpath
import re
from functools import cached_property
from pathlib import Path
from typing import IO

from dataworkspaces.errors import ConfigurationError, NotFoundError, NotSupportedError, suppress_negative
from dataworkspaces.gitfat import placeholder
from dataworkspaces.gitrepo.layout import objects_directory
from dataworkspaces.gitrepo.objects import BlobReader
from dataworkspaces.gitrepo.plumbing import LINK, SUBMODULE, TreeEntry, list_tree
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.workspace import FileInfo, VersionFiles

_LINKS = 40
_LARGEST_POINTER = 1024
_LFS_RE = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-.*\n)*oid sha256:([0-9a-f]{64})\nsize (\d+)\n"
)


class GitVersionFiles(VersionFiles):
    """Files that git-lfs or git-fat keeps are those that it has on this machine.

    :param root: of the repository.
    :param tree: the name of a commit or tree, which is checked.
    :param what: names the resource and the version in messages."""

    def __init__(self, root: Path, tree: str, what: str) -> None:
        self._root = root
        self._tree = tree
        self._what = what

    @cached_property
    def _entries(self) -> dict[str, TreeEntry]:
        return list_tree(self._root, self._tree, sizes=True)

    @cached_property
    def _directories(self) -> dict[str, set[str]]:
        """What lies directly in each."""
        found: dict[str, set[str]] = {"": set()}
        for path in self._entries:
            while path:
                above, _, name = path.rpartition("/")
                known = above in found
                found.setdefault(above, set()).add(name)
                if known:
                    break
                path = above
        return found

    @cached_property
    def _blobs(self) -> BlobReader:
        return BlobReader(self._root)

    def ls(self, rel_path: str) -> list[str]:
        path = self._resolve(rel_path)
        if path not in self._directories:
            raise NotFoundError(f"{self._what} has no directory '{rel_path}'")
        return sorted(self._directories[path])

    def get_file_info(self, rel_path: str) -> FileInfo:
        path = self._resolve(rel_path, follow_last=False)
        entry = self._entries.get(path)
        if entry is None:
            self._check_there(path, rel_path)
            return FileInfo("directory")
        if entry.mode == LINK:
            entry = None
            with suppress_negative():  # it leads out, or nowhere
                entry = self._entries.get(self._resolve(path))
        if entry is None or entry.mode == SUBMODULE:
            return FileInfo("link")
        size = entry.size or 0
        if size > _LARGEST_POINTER:
            return FileInfo("file", size)
        return FileInfo("file", _kept_size(self._blobs.read(entry.name), size))

    def open(self, rel_path: str) -> IO[bytes]:
        entry = self._file(rel_path)
        content = self._blobs.read(entry.name)
        place = self._place_of_large_file(content) if len(content) <= _LARGEST_POINTER else None
        if place is None:
            return io.BytesIO(content)
        try:
            return place.open("rb")
        except FileNotFoundError:
            raise NotSupportedError(
                f"{self._what}: the content of '{rel_path}' is not on this machine",
                hint=f"git -C {self._root} lfs fetch origin {self._tree}, or git fat pull",
            ) from None

    def _file(self, rel_path: str) -> TreeEntry:
        path = self._resolve(rel_path)
        entry = self._entries.get(path)
        if entry is None or entry.mode == SUBMODULE:
            self._check_there(path, rel_path)
            raise ConfigurationError(f"{self._what}: '{rel_path}' is a directory")
        return entry

    def _check_there(self, path: str, rel_path: str) -> None:
        if path not in self._directories and path not in self._entries:
            raise NotFoundError(f"{self._what} has no '{rel_path}'")

    def _resolve(self, rel_path: str, *, follow_last: bool = True) -> str:
        """The path with links in it resolved. Raises ConfigurationError for one that leads out of the version."""
        check_relative_path(rel_path, self._what)
        left = [part for part in rel_path.split("/") if part]
        done = ""
        links = 0
        while left:
            path = posixpath.join(done, left.pop(0))
            entry = self._entries.get(path)
            if entry is None or entry.mode != LINK or not (left or follow_last):
                done = path
                continue
            links += 1
            target = os.fsdecode(self._blobs.read(entry.name))
            reached = posixpath.normpath(posixpath.join(done, target))
            if links > _LINKS or reached == ".." or reached.startswith(("/", "../")):
                raise ConfigurationError(f"{self._what}: '{rel_path}' leads out of it, to {target!r}")
            left = [part for part in reached.split("/") if part != "."] + left
            done = ""
        return done

    def _place_of_large_file(self, content: bytes) -> Path | None:
        """Where git-lfs or git-fat keeps what a pointer stands for; None if the content is no pointer."""
        objects = objects_directory(self._root)
        if objects is None:
            return None
        if found := _LFS_RE.fullmatch(content):
            name = found[1].decode("ascii")
            return objects.parent / "lfs" / "objects" / name[:2] / name[2:4] / name
        fat = placeholder.parse(content)
        return None if fat is None else objects.parent / "fat" / "objects" / fat.sha1


def _kept_size(content: bytes, size: int) -> int | None:
    """The size of what a pointer stands for, or of the content itself."""
    if found := _LFS_RE.fullmatch(content):
        return int(found[2])
    fat = placeholder.parse(content)
    return size if fat is None else fat.size
