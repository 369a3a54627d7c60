"""The files below a directory of this machine, as a resource that has its files there offers them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.errors import (
    ConfigurationError,
    MetadataError,
    NotFoundError,
    NotSupportedError,
    UnavailableError,
    kind_of_os_error,
)
from dataworkspaces.toolbox import move_files
from dataworkspaces.toolbox.atomic import explain_os_error, read_json_object, to_json, write_bytes
from dataworkspaces.toolbox.file_info import FileInfo
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.toolbox.regular import is_present, status_if_any

if TYPE_CHECKING:
    from collections.abc import Sequence, Set
    from re import Pattern

__all__ = ["LocalDirectory"]

_PLACEHOLDERS = frozenset({".gitkeep", ".keep"})
"""By which people let git keep a directory: wherever such a file is, that is where it belongs."""


class LocalDirectory(NamedTuple):
    """Paths are relative to ``root`` and separated by ``/``; the root is ``""``. A symbolic link that leads to another
    place below it may be read and written through; one that leads out is refused. Results are listed and moved without
    following any link: there a link is a file.

    :ivar name: of the resource, for messages.
    :ivar hidden: names at the root that are no content (``.git``): never listed, read, written or moved.
    :ivar comes_with_files: the directory itself is there only as long as files are in it, so that without it there are
        none.
    :ivar check_content: raises the error for a path that is no content."""

    name: str
    root: Path
    hidden: Set[str] = frozenset()
    is_writable: bool = True
    comes_with_files: bool = False
    check_content: Callable[[str], None] | None = None

    def check_here(self) -> None:
        """Raise UnavailableError if the directory is away: then nobody knows what is in it."""
        if not self.comes_with_files and not self.root.is_dir():
            raise UnavailableError(
                f"Resource '{self.name}' is not on this machine: its directory {self.root} is not there",
                hint="If it is on a disk that is not mounted, mount it; else 'dws fsck' says what can be done",
            )

    # -- paths -----------------------------------------------------------------------------------------------

    def place(self, rel_path: str) -> Path:
        """The local path of an entry itself: a link in the last place is not followed."""
        what = f"Resource '{self.name}'"
        check_relative_path(rel_path, what)
        if rel_path.split("/", 1)[0] in self.hidden:
            raise ConfigurationError(f"{what}: '{rel_path}' is not part of its content")
        root = self.root
        path = root / rel_path
        if rel_path:
            self._check_inside(path.parent, rel_path, root)
        if self.check_content is not None:
            self.check_content(rel_path)
        return path

    def _follow(self, rel_path: str) -> Path:
        """The local path of what a relative path leads to."""
        path = self.place(rel_path)
        with self.explained("Looking at", rel_path):
            status = status_if_any(path, follow_links=False) if rel_path else None
        if status is not None and stat.S_ISLNK(status.st_mode):  # else it lies where its directory does
            self._check_inside(path, rel_path)
        return path

    def _check_inside(self, path: Path, rel_path: str, directory: Path | None = None) -> None:
        root = Path(os.path.realpath(self.root if directory is None else directory))
        real = Path(os.path.realpath(path))
        if real != root and root not in real.parents:
            raise ConfigurationError(f"Resource '{self.name}': '{rel_path}' leads out of it, to {real}")

    @contextmanager
    def explained(self, doing: str, rel_path: str = "") -> Iterator[None]:
        """Turn errors of the operating system into errors for the user."""
        try:
            yield
        except OSError as e:
            what = f"'{rel_path}' of resource '{self.name}'" if rel_path else f"resource '{self.name}'"
            raise explain_os_error(e, f"{doing} {what}") from e

    def _check_writable(self) -> None:
        if not self.is_writable:
            raise NotSupportedError(f"Resource '{self.name}' is read-only")

    # -- files -----------------------------------------------------------------------------------------------

    def ls(self, rel_path: str) -> list[str]:
        path = self._follow(rel_path)
        with self.explained("Listing", rel_path):
            status = status_if_any(path)
            if status is None or not stat.S_ISDIR(status.st_mode):
                self.check_here()
                where = f"'{rel_path}'" if rel_path else f"its place on this machine, {path},"
                raise ConfigurationError(f"Resource '{self.name}': {where} is not a directory")
            names = [entry.name for entry in path.iterdir()]
        hidden = self.hidden if rel_path == "" else frozenset()
        return sorted(name for name in names if name not in hidden)

    def open(self, rel_path: str, mode: str) -> IO[Any]:
        """As the built-in ``open``. Text is UTF-8. A file that is replaced is as it was until it is
        closed, and after a write that ends in an exception."""
        from dataworkspaces.toolbox.whole_writes import open_to_replace

        writing = any(letter in mode for letter in "wax+")
        if writing:
            self._check_writable()
        path = self._follow(rel_path)
        with self.explained("Opening", rel_path):
            # Opening a pipe would wait for somebody at its other end.
            status = status_if_any(path)
            if status is not None and not stat.S_ISREG(status.st_mode):
                raise ConfigurationError(f"Resource '{self.name}': '{rel_path}' is not a regular file")
            if "r" in mode and status is None:
                self.check_here()
                raise NotFoundError(f"Resource '{self.name}' has no file '{rel_path}'")
            if writing:
                path.parent.mkdir(parents=True, exist_ok=True)
            if "+" not in mode and ("w" in mode or "x" in mode):
                return open_to_replace(path, mode)
            return path.open(mode, encoding=None if "b" in mode else "utf-8")

    def does_subpath_exist(self, subpath: str, must_be_file: bool = False, must_be_directory: bool = False) -> bool:
        if subpath.split("/", 1)[0] in self.hidden:
            return False
        path = self._follow(subpath)
        with self.explained("Looking at", subpath):
            status = status_if_any(path)
            if status is None:
                self.check_here()
                return not must_be_file and not must_be_directory and path.is_symlink()
            is_directory = stat.S_ISDIR(status.st_mode)
            return not (must_be_directory and not is_directory) and not (must_be_file and is_directory)

    def infos(self, rel_path: str, names: Sequence[str]) -> list[tuple[str, FileInfo]]:
        """What entries of a directory are. Where the directory lies is looked at once for all."""
        place = self.place(rel_path)
        prefix = f"{rel_path}/" if rel_path else ""
        return [(name, self._info(place / name, f"{prefix}{name}")) for name in names]

    def get_file_info(self, rel_path: str) -> FileInfo:
        return self._info(self.place(rel_path), rel_path)

    def _info(self, place: Path, rel_path: str) -> FileInfo:
        with self.explained("Looking at", rel_path):
            status = status_if_any(place, follow_links=False)
            if status is None:
                self.check_here()
                raise NotFoundError(f"Resource '{self.name}' has no '{rel_path}'")
            if stat.S_ISLNK(status.st_mode):
                try:
                    self._check_inside(place, rel_path)
                except ConfigurationError:
                    return FileInfo("link")
                status = status_if_any(place)
                if status is None or not stat.S_ISREG(status.st_mode):
                    return FileInfo("link")
            elif stat.S_ISDIR(status.st_mode):
                return FileInfo("directory")
            return FileInfo("file", status.st_size, datetime.fromtimestamp(status.st_mtime, timezone.utc))

    def delete_file(self, rel_path: str) -> None:
        """A file that is not there is no error. Directories that lose their last entry are removed."""
        self._check_writable()
        with self.explained("Deleting", rel_path), suppress(FileNotFoundError, NotADirectoryError):
            place = self._place_of_file(rel_path)
            place.unlink()
            move_files.remove_empty_directories(place.parent, self.root)

    def upload_file(self, src_local_path: str, rel_dest_path: str) -> None:
        """Copy a local file here, never seen half written. Permissions are kept; a link is replaced."""
        self._check_writable()
        source = Path(src_local_path).expanduser()
        with self.explained(f"Uploading {source} to", rel_dest_path):
            if not source.is_file():
                raise ConfigurationError(f"{source} is not a file, so it cannot go to resource '{self.name}'")
            move_files.copy_file(source, self._place_of_file(rel_dest_path))

    def add_results_file(self, data: dict[str, Any] | list[Any], rel_dest_path: str) -> None:
        self._check_writable()
        with self.explained("Writing", rel_dest_path):
            write_bytes(self._place_of_file(rel_dest_path), to_json(data).encode("utf-8"))

    def _place_of_file(self, rel_path: str) -> Path:
        path = self.place(rel_path)
        if path.is_dir() and not path.is_symlink():
            raise ConfigurationError(f"Resource '{self.name}': '{rel_path}' is a directory, not a file")
        return path

    def read_results_file(self, subpath: str) -> dict[str, Any]:
        path = self._follow(subpath)
        with self.explained("Reading", subpath):
            status = status_if_any(path)
            if status is None or not stat.S_ISREG(status.st_mode):
                self.check_here()
                raise NotFoundError(f"Resource '{self.name}' has no file '{subpath}'")
        try:
            return read_json_object(path)
        except MetadataError as e:
            kind = kind_of_os_error(e.__cause__) if e.__cause__ is not None else ConfigurationError
            raise kind(f"Resource '{self.name}': {e.message}") from e

    # -- results ---------------------------------------------------------------------------------------------

    def results_current_files(self, exclude_files: Set[str], exclude_dirs_re: Pattern[str]) -> list[str]:
        root = self.root
        hidden = self.hidden
        found: list[str] = []
        pending = [""]
        with self.explained("Listing the results of"):
            while pending:
                directory = pending.pop()
                with os.scandir(root / directory) as entries:
                    for entry in entries:
                        if directory == "" and entry.name in hidden:
                            continue
                        path = f"{directory}/{entry.name}" if directory else entry.name
                        if not entry.is_dir(follow_symlinks=False):
                            if path not in exclude_files and entry.name not in _PLACEHOLDERS:
                                found.append(path)
                        elif not exclude_dirs_re.match(path):
                            pending.append(path)
        return sorted(found)

    def move_results(self, destination: Path, files: Sequence[str]) -> None:
        """:param destination: of :meth:`new_results_directory`."""
        with self.explained("Moving the results of"):
            move_files.move_out(self.root, destination, files)

    def copy_results(self, destination: Path, files: Sequence[str]) -> None:
        """:param destination: of :meth:`new_results_directory`."""
        with self.explained("Copying the results of"):
            for file in files:
                mode = (self.root / file).lstat().st_mode
                if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
                    raise ConfigurationError(
                        f"Resource '{self.name}': '{file}' is not a regular file, so no copy is made"
                    )
            move_files.copy_out(self.root, destination, files)

    def new_results_directory(self, rel_path: str) -> Path:
        """Where results can go; raises ConfigurationError if something is there."""
        self._check_writable()
        path = self.place(rel_path)
        if is_present(path):
            raise ConfigurationError(
                f"Resource '{self.name}' already contains '{rel_path}', so its results cannot go there"
            )
        return path

    def results_undo_move(self, rel_dest_root: str, files: list[str]) -> None:
        """Bring back files that moved, or were copied, to a directory, which goes, with the ``lineage.json`` that a
        snapshot adds and what a killed write left. Idempotent."""
        self._check_writable()
        destination = self.place(rel_dest_root)
        pairs = [(self.place(f"{rel_dest_root}/{file}"), self.place(file)) for file in files]
        with self.explained("Bringing back the results of"):
            move_files.undo_move(self.root, destination, pairs)

    def take_results_directory(self, rel_path: str, place: Path) -> None:
        """Move what a snapshot keeps below ``rel_path`` out of the directory, to where it can be brought back from.
        Idempotent."""
        path = self._results_directory(rel_path)
        with self.explained("Moving", rel_path):
            if is_present(path):
                # Cut short, an earlier move to another file system has left a whole copy.
                move_files.delete_tree(place)
                move_files.move_tree(path, place)
            move_files.remove_empty_directories(path.parent, self.root)

    def holds_results_directory(self, rel_path: str) -> bool:
        return is_present(self._results_directory(rel_path))

    def bring_back_results_directory(self, rel_path: str, place: Path) -> None:
        """Undo :meth:`take_results_directory`."""
        path = self._results_directory(rel_path)
        with self.explained("Bringing back", rel_path):
            move_files.move_tree(place, path)

    def _results_directory(self, rel_path: str) -> Path:
        """Raises ConfigurationError for a place where no snapshot puts results: the path comes from metadata, which
        somebody else may have written."""
        self._check_writable()
        if not rel_path.startswith("snapshots/"):
            raise ConfigurationError(f"Resource '{self.name}': '{rel_path}' is not a place of a snapshot's results")
        return self.place(rel_path)

    def delete_results_directory(self, rel_path: str) -> None:
        """Delete what a snapshot keeps below ``rel_path``, read-only as it is. Idempotent."""
        path = self._results_directory(rel_path)
        with self.explained("Deleting", rel_path):
            move_files.delete_tree(path)
            move_files.remove_empty_directories(path.parent, self.root)
