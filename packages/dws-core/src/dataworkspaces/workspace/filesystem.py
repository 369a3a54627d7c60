"""A file resource as a file system of fsspec, for every library that reads and writes through one."""

from __future__ import annotations

import errno
import os
import shutil
from typing import IO, Any

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.spec import AbstractFileSystem

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.workspace.files import FileResourceMixin


class ResourceFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The files of a resource. Paths are relative to its root, which is ``""`` (``/`` is taken for it too).

    As in an object store, directories come and go with the files in them: making one does nothing. A link to a file
    counts as the file; a link to a directory can be read through, but a walk does not follow it.

    Missing files raise what they raise elsewhere in Python. What the resource forbids (a path that leads out of it,
    writing to one that is read-only) raises a DwsError.
    """

    protocol = "dws-resource"
    root_marker = ""
    cachable = False

    def __init__(self, resource: FileResourceMixin) -> None:
        super().__init__()
        self.resource = resource

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        stripped = super()._strip_protocol(path)
        return stripped.lstrip("/") if isinstance(stripped, str) else stripped

    # -- looking -------------------------------------------------------------------------------------------------

    def ls(self, path: str = "", detail: bool = False, **kwargs: Any) -> Any:
        """The paths directly below ``path``, sorted; with ``detail`` a dictionary for each. A file lists itself."""
        path = self._strip_protocol(path)
        if self.resource.does_subpath_exist(path, must_be_directory=True):
            names = [f"{path}/{name}" if path else name for name in self.resource.ls(path)]
        else:
            self._check_exists(path)
            names = [path]
        return [self.info(name) for name in names] if detail else names

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Name, size and type: ``file``, ``directory``, or ``link`` for one that a walk does not follow."""
        path = self._strip_protocol(path)
        if path == "":
            return {"name": "", "size": 0, "type": "directory"}
        try:
            found = self.resource.get_file_info(path)
        except ConfigurationError:
            self._check_exists(path)
            raise
        return {"name": path, "size": found.size or 0, "type": found.kind}

    def exists(self, path: str, **kwargs: Any) -> bool:
        return self._has(path)

    def isfile(self, path: str) -> bool:
        return self._has(path, must_be_file=True)

    def isdir(self, path: str) -> bool:
        return self._has(path, must_be_directory=True)

    def _has(self, path: str, **kind: bool) -> bool:
        try:
            return self.resource.does_subpath_exist(self._strip_protocol(path), **kind)
        except ConfigurationError:  # a path that leads out of the resource
            return False

    def _check_exists(self, path: str) -> None:
        if not self.resource.does_subpath_exist(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    # -- reading and writing -------------------------------------------------------------------------------------

    def open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        """As the built-in ``open``, but binary unless ``mode`` says ``t``, or holds no ``b``. Text is UTF-8."""
        if "b" not in mode:
            kwargs.setdefault("encoding", "utf-8")
        return super().open(path, mode, **kwargs)

    def _open(self, path: str, mode: str = "rb", autocommit: bool = True, **kwargs: Any) -> IO[bytes]:
        if not autocommit:
            raise NotImplementedError("The file system of a resource has no transactions")
        if self.resource.does_subpath_exist(path, must_be_directory=True):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if "r" in mode:
            self._check_exists(path)
        elif "x" in mode and self.resource.does_subpath_exist(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        return self.resource.open(path, mode)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """The bytes of a file, or those from ``start`` to ``end``, which count as in a slice."""
        with self.open(path, "rb", **kwargs) as file:
            if start is None and end is None:
                return bytes(file.read())
            first, last, _ = slice(start, end).indices(file.seek(0, os.SEEK_END))
            file.seek(first)
            return bytes(file.read(max(0, last - first)))

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        if self.isdir(path1):
            return
        with self.open(path1, "rb") as source, self.open(path2, "wb") as target:
            shutil.copyfileobj(source, target)

    def put_file(
        self, lpath: str, rpath: str, callback: Any = DEFAULT_CALLBACK, mode: str = "overwrite", **kwargs: Any
    ) -> None:
        """Copy a local file into the resource, where it is never seen half written."""
        path = self._strip_protocol(rpath)
        if os.path.isdir(lpath):  # noqa: PTH112 - fsspec's paths are text
            return
        if mode == "create" and self.exists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        size = os.stat(lpath).st_size  # noqa: PTH116
        callback.set_size(size)
        self.resource.upload_file(os.fspath(lpath), path)
        callback.relative_update(size)

    # -- deleting ------------------------------------------------------------------------------------------------

    def rm_file(self, path: str) -> None:
        path = self._strip_protocol(path)
        self._check_exists(path)
        self.resource.delete_file(path)

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Delete files, and with ``recursive`` those below directories."""
        for found in self.expand_path(path, recursive=recursive, maxdepth=maxdepth):
            if not recursive or self.info(found)["type"] != "directory":
                self.rm_file(found)
