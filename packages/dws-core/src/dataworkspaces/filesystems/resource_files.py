"""File resources as file systems of fsspec, for every library that reads and writes through one."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, TypeVar

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.spec import AbstractFileSystem

from dataworkspaces.errors import NO_ANSWER, ConfigurationError, UnavailableError, suppress_negative
from dataworkspaces.filesystems.watchers import is_watched, tell
from dataworkspaces.toolbox.whole_writes import TextWriter
from dataworkspaces.workspace.files import FileResourceMixin
from dataworkspaces.workspace.resource import Resource
from dataworkspaces.workspace.resource_ref import ResourceRef
from dataworkspaces.workspace.versions import FileInfo

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace

T = TypeVar("T")
R = TypeVar("R")


class FileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The files of one resource or several.

    As in an object store, directories come and go with the files in them: making one does nothing. A link to a file
    counts as the file; a link to a directory can be read through, but a walk does not follow it.

    Missing files raise what they raise elsewhere in Python. What the resource forbids (a path that leads out of it,
    writing to one that is read-only) raises a DwsError.
    """

    root_marker = ""
    cachable = False

    @abstractmethod
    def _locate(self, path: str) -> tuple[FileResourceMixin | None, str]:
        """The files among which a path lies, and the path there; None for what is above all of them."""

    def _list_root(self) -> list[str]:
        """What lies above all files."""
        return []

    def _reference(self, path: str) -> tuple[Workspace, ResourceRef] | None:
        """How lineage names a path, and in which workspace; None if it does not."""
        return None

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        stripped = super()._strip_protocol(path)
        return stripped.lstrip("/") if isinstance(stripped, str) else stripped

    # -- looking -------------------------------------------------------------------------------------------------

    def ls(self, path: str = "", detail: bool = False, **kwargs: Any) -> Any:
        """The paths directly below ``path``, sorted; with ``detail`` a dictionary for each. A file lists itself."""
        path = self._strip_protocol(path)
        files, rel_path = self._locate(path)
        if files is None:
            found = [_told(name, FileInfo("directory")) for name in self._list_root()]
        elif files.does_subpath_exist(rel_path, must_be_directory=True):
            if not detail:
                return [f"{path}/{name}" if path else name for name in files.ls(rel_path)]
            found = _entries(files, path, rel_path)
        else:
            found = [self.info(path)]
        return found if detail else [entry["name"] for entry in found]

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **kwargs: Any
    ) -> Any:
        """The files below ``path``, sorted. Directories of one depth are listed at a time where that is faster."""
        if maxdepth is not None and maxdepth < 1:
            raise ValueError("maxdepth must be at least 1")
        path = self._strip_protocol(path)
        found = {path: self.info(path)} if withdirs and path and self.isdir(path) else {}
        level, depth = [path], 0
        while level and depth != maxdepth:
            listings = self._at_once(level, level, self._list_found if depth else self._list_or_none)
            entries = [entry for listing in listings for entry in listing]
            level = [entry["name"] for entry in entries if entry["type"] == "directory" and entry["name"] != path]
            found.update((entry["name"], entry) for entry in entries if withdirs or entry["type"] != "directory")
            depth += 1
        if not found and self.isfile(path):
            found[path] = {}  # as elsewhere in fsspec
        return {name: found[name] for name in sorted(found)} if detail else sorted(found)

    def _list_or_none(self, path: str) -> list[dict[str, Any]]:
        try:
            return list(self.ls(path, detail=True))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _list_found(self, path: str) -> list[dict[str, Any]]:
        """What lies in a directory that was just found, so that nobody need ask whether it is there."""
        files, rel_path = self._locate(path)
        with suppress_negative():
            return [] if files is None else _entries(files, path, rel_path)
        return self._list_or_none(path)

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Name, size and type: ``file``, ``directory``, or ``link`` for one that a walk does not follow."""
        path = self._strip_protocol(path)
        files, rel_path = self._locate(path)
        if files is None or rel_path == "":
            return _told(path, FileInfo("directory"))
        try:
            return _told(path, files.get_file_info(rel_path))
        except NO_ANSWER:
            raise
        except ConfigurationError:
            self._check_exists(path)
            raise

    def ukey(self, path: str) -> str:
        """Other content has another key, by which caches of fsspec know it: the size and the time say so, as for files
        elsewhere. Where nobody knows the time, no key comes twice."""
        path = self._strip_protocol(path)
        told, (files, rel_path) = self.info(path), self._locate(path)
        when = None if files is None or rel_path == "" else files.get_file_info(rel_path).modified
        key = (told, time.time_ns() if when is None else when.isoformat())
        return hashlib.sha256(repr(key).encode("utf-8", "surrogatepass")).hexdigest()

    def checksum(self, path: str) -> int:
        """As :meth:`ukey`, as a number."""
        return int(self.ukey(path), 16)

    def du(
        self, path: str, total: bool = True, maxdepth: int | None = None, withdirs: bool = False, **kwargs: Any
    ) -> Any:
        """Bytes of the files below ``path``, or by path. Raises UnavailableError where the size of one is not known."""
        sizes: dict[str, Any] = super().du(path, total=False, maxdepth=maxdepth, withdirs=withdirs, **kwargs)
        unknown = [name for name, size in sizes.items() if size is None]
        if unknown:
            raise UnavailableError(f"The size of '{unknown[0]}' is not known until it is read")
        return sum(sizes.values()) if total else sizes

    def modified(self, path: str) -> datetime:
        """When a file was written; at a snapshot when that was taken. Raises NotImplementedError where the resource
        does not tell."""
        path = self._strip_protocol(path)
        files, rel_path = self._file(path)
        with _missing_as_elsewhere(self, path):
            found = files.get_file_info(rel_path).modified
        if found is None:
            raise NotImplementedError(f"The time when '{path}' was written is not known")
        return found

    def exists(self, path: str, **kwargs: Any) -> bool:
        return self._has(path)

    def isfile(self, path: str) -> bool:
        return self._has(path, must_be_file=True)

    def isdir(self, path: str) -> bool:
        return self._has(path, must_be_directory=True)

    def _has(self, path: str, **kind: bool) -> bool:
        with suppress_negative():  # of a path that leads out of the resource, or a resource that is not there
            files, rel_path = self._locate(self._strip_protocol(path))
            return not kind.get("must_be_file") if files is None else files.does_subpath_exist(rel_path, **kind)
        return False

    def _check_exists(self, path: str) -> None:
        files, rel_path = self._locate(path)
        if files is not None and not files.does_subpath_exist(rel_path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    # -- reading and writing -------------------------------------------------------------------------------------

    def open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        """As the built-in ``open``, but binary unless ``mode`` says ``t``, or holds no ``b``. Text is UTF-8. A
        write that ends in an exception leaves what was there before."""
        if "b" not in mode:
            kwargs.setdefault("encoding", "utf-8")
            if "r" not in mode:
                options = {key: kwargs.pop(key) for key in ("encoding", "errors", "newline") if key in kwargs}
                return TextWriter(self.open(path, f"{mode.replace('t', '')}b", **kwargs), **options)
        return super().open(path, mode, **kwargs)

    def _open(self, path: str, mode: str = "rb", autocommit: bool = True, **kwargs: Any) -> IO[bytes]:
        if not autocommit:
            raise NotImplementedError("The file system of a resource has no transactions")
        files, rel_path = self._file(path)
        if "x" in mode and files.does_subpath_exist(rel_path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        if "r" not in mode and files.does_subpath_exist(rel_path, must_be_directory=True):
            raise _is_directory(path)
        self._tell(path, is_written="r" not in mode or "+" in mode)
        with _missing_as_elsewhere(self, path):
            return files.open(rel_path, mode)

    def _file(self, path: str) -> tuple[FileResourceMixin, str]:
        files, rel_path = self._locate(path)
        if files is None or not rel_path:
            raise _is_directory(path)
        return files, rel_path

    def _tell(self, path: str, *, is_written: bool) -> None:
        if is_watched() and (found := self._reference(self._strip_protocol(path))) is not None:
            tell(*found, is_written)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """The bytes of a file, or those from ``start`` to ``end``, which count as in a slice."""
        self._tell(path, is_written=False)
        return self._read(path, start, end)

    def _read(self, path: str, start: int | None = None, end: int | None = None) -> bytes:
        path = self._strip_protocol(path)
        files, rel_path = self._file(path)
        with _missing_as_elsewhere(self, path):
            if (start is not None and start < 0) or (end is not None and end < 0):
                size = files.get_file_info(rel_path).size
                if size is None:  # of what has to be read to know it
                    return files.read_range(rel_path, 0, None)[start:end]
                start, end, _ = slice(start, end).indices(size)
            if end is not None and end <= (start or 0):
                return b""
            return files.read_range(rel_path, start or 0, end)

    def cat(self, path: Any, recursive: bool = False, on_error: str = "raise", **kwargs: Any) -> Any:
        """The bytes of a file, or by path those of several, which are read at a time where that is faster."""
        paths = self.expand_path(path, recursive=recursive)
        if len(paths) == 1 and not isinstance(path, list) and paths[0] == self._strip_protocol(path):
            return self.cat_file(paths[0], **kwargs)
        paths = [found for found in paths if not recursive or not self.isdir(found)]
        found = self._each(paths, lambda one: self._read(one, **kwargs), on_error != "raise")
        pairs = zip(paths, found, strict=True)
        return {one: content for one, content in pairs if on_error != "omit" or not isinstance(content, Exception)}

    def cat_ranges(
        self,
        paths: list[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        on_error: str = "return",
        **kwargs: Any,
    ) -> list[Any]:
        """Ranges of files, which are read at a time where that is faster. Near ones are not joined."""
        if max_gap is not None:
            raise NotImplementedError
        starts = starts if isinstance(starts, list) else [starts] * len(paths)
        ends = ends if isinstance(ends, list) else [ends] * len(paths)
        if not len(paths) == len(starts) == len(ends):
            raise ValueError("paths, starts and ends have different lengths")
        ranges = list(zip(paths, starts, ends, strict=True))
        return self._each(ranges, lambda wanted: self._read(*wanted), on_error == "return")

    def _each(self, items: Sequence[T], do: Callable[[T], bytes], is_error_returned: bool) -> list[Any]:
        def attempt(item: T) -> Any:
            try:
                return do(item)
            except Exception as e:
                if not is_error_returned:
                    raise
                return e

        paths: list[Any] = [item[0] if isinstance(item, tuple) else item for item in items]
        for path in dict.fromkeys(paths):
            self._tell(path, is_written=False)
        return self._at_once(paths, items, attempt)

    def _at_once(self, paths: Sequence[str], items: Sequence[T], do: Callable[[T], R]) -> list[R]:
        """What ``do`` makes of items, which are at ``paths``; of the first one's files ``reads_at_once`` at a time."""
        files = self._locate(self._strip_protocol(paths[0]))[0] if paths else None
        workers = 1 if files is None else files.reads_at_once
        if workers == 1 or len(items) == 1:
            return [do(item) for item in items]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(do, items))

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
        files, rel_path = self._file(path)
        size = os.stat(lpath).st_size  # noqa: PTH116
        callback.set_size(size)
        self._tell(path, is_written=True)
        files.upload_file(os.fspath(lpath), rel_path)
        callback.relative_update(size)

    # -- deleting ------------------------------------------------------------------------------------------------

    def rm_file(self, path: str) -> None:
        path = self._strip_protocol(path)
        files, rel_path = self._file(path)
        self._check_exists(path)
        files.delete_file(rel_path)

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Delete files, and with ``recursive`` those below directories."""
        for found in self.expand_path(path, recursive=recursive, maxdepth=maxdepth):
            if not recursive or self.info(found)["type"] != "directory":
                self.rm_file(found)


class ResourceFileSystem(FileSystem):
    """The files of one resource. Paths are relative to its root, which is ``""`` (``/`` is taken for it too).

    :param resource: or its files at a snapshot, of which lineage learns nothing.
    :param again: opens it in another process, for which it is pickled: a function of a module, or a ``partial`` of it.
    """

    protocol = "dws-resource"

    def __init__(
        self, resource: FileResourceMixin, again: Callable[[], ResourceFileSystem | None] | None = None
    ) -> None:
        super().__init__()
        self.resource = resource
        self._again = again

    def __reduce__(self) -> tuple[Callable[[], ResourceFileSystem | None], tuple[()]]:
        if self._again is None:
            raise TypeError("The file system of a resource object cannot be pickled: use get_filesystem_for_resource()")
        return self._again, ()

    def _locate(self, path: str) -> tuple[FileResourceMixin | None, str]:
        return self.resource, path

    def _reference(self, path: str) -> tuple[Workspace, ResourceRef] | None:
        if not isinstance(self.resource, Resource):
            return None
        return self.resource.workspace, ResourceRef(self.resource.name, path or None)


def _entries(files: FileResourceMixin, path: str, rel_path: str) -> list[dict[str, Any]]:
    """What lies in a directory that is there."""
    return [_told(f"{path}/{name}" if path else name, info) for name, info in files.list_infos(rel_path)]


def _told(path: str, info: FileInfo) -> dict[str, Any]:
    """The size of a file is None if it is not known."""
    size = info.size if info.kind == "file" else info.size or 0
    return {"name": path, "size": size, "type": info.kind}


def _is_directory(path: str) -> IsADirectoryError:
    return IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)


@contextmanager
def _missing_as_elsewhere(fs: FileSystem, path: str) -> Iterator[None]:
    """Raise what Python raises elsewhere for a file that is not there. It is looked for only after an attempt to read
    it failed, since looking takes as long as reading."""
    try:
        yield
    except NO_ANSWER:
        raise
    except ConfigurationError as e:
        if fs.isfile(path):
            raise
        fs._check_exists(path)
        if fs.isdir(path):
            raise _is_directory(path) from e
        raise
