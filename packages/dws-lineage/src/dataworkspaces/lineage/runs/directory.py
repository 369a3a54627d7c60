"""A directory of a results resource, wherever the resource keeps its files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.durability import flush_directories, make_directories
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.toolbox.atomic import explain_os_error, write_bytes
from dataworkspaces.toolbox.move_files import move_tree, remove_empty_directories
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import FileResourceMixin, LocalStateResourceMixin, ResourceRef, Workspace
from dataworkspaces.workspace.results import SNAPSHOTS_DIRS_RE

if TYPE_CHECKING:
    from dataworkspaces.lineage.runs.log import FileRecord

_MOST_BYTES_OF_A_LOG = 1 << 26


class ResultsDirectory:
    """Names are relative to it, with ``/``; one that leads out raises ConfigurationError."""

    def __init__(self, workspace: Workspace, ref: ResourceRef) -> None:
        resource = workspace.get_resource(ref.name)
        if not isinstance(resource, FileResourceMixin):
            raise ConfigurationError(f"Resource '{resource.name}' holds no files, so results cannot be written to it")
        self.ref = ref
        self.resource = resource
        self._workspace = workspace
        root = resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None
        self._root = None if root is None else Path(root)

    @property
    def is_here(self) -> bool:
        """Whether the resource has its files here, or needs none here."""
        return self._root is None or self._root.is_dir()

    def below(self, name: str) -> ResultsDirectory:
        return ResultsDirectory(self._workspace, ResourceRef(self.ref.name, self.path(name)))

    def path(self, name: str) -> str:
        """Relative to the resource."""
        check_relative_path(name, f"Results of resource '{self.ref.name}'")
        return f"{self.ref.subpath}/{name}" if self.ref.subpath else name

    def has(self, name: str) -> bool:
        return self.resource.does_subpath_exist(self.path(name))

    def has_file(self, name: str) -> bool:
        return self.resource.does_subpath_exist(self.path(name), must_be_file=True)

    def files(self) -> list[str]:
        """All files in it, but for those of snapshots."""
        if self._root is not None and not self._root.is_dir():
            return []
        prefix = f"{self.ref.subpath}/" if self.ref.subpath else ""
        found = self.resource.results_current_files(frozenset(), SNAPSHOTS_DIRS_RE)
        return [path[len(prefix) :] for path in found if path.startswith(prefix)]

    def status(self, name: str) -> object:
        """Something else once somebody has written the file."""
        path = self.path(name)
        if self._root is None:
            info = self.resource.get_file_info(path)
            return info.size, info.modified
        try:
            found = os.lstat(self._root / path)
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino

    def record(self, name: str) -> FileRecord:
        from dataworkspaces.lineage.runs.log import FileRecord

        hasher, size = hashlib.sha256(), 0
        with self._explained("Reading", name), self.resource.open(self.path(name), "rb") as file:
            while block := file.read(1 << 20):
                hasher.update(block)
                size += len(block)
        return FileRecord(size, hasher.hexdigest())

    def read(self, name: str) -> bytes | None:
        """A log, or None if there is none."""
        if not self.has_file(name):
            return None
        with self._explained("Reading", name), self.resource.open(self.path(name), "rb") as file:
            return bytes(file.read(_MOST_BYTES_OF_A_LOG))

    def append(self, name: str, line: bytes, whole: Callable[[], bytes]) -> None:
        """Add a line to a file that has all lines before it, and flush it; ``whole`` is all of it, for a resource whose
        files are replaced, and for a file that is not there."""
        path = self.path(name)
        with self._explained("Writing", name):
            if self._root is None or not self.has_file(name):
                self._put(path, whole())
                return
            with (self._root / path).open("ab", buffering=0) as file:
                file.write(line)
                os.fsync(file.fileno())

    def replace(self, name: str, content: bytes) -> None:
        """Write a file, as a whole."""
        with self._explained("Writing", name):
            self._put(self.path(name), content)

    def delete(self, name: str) -> None:
        self.resource.delete_file(self.path(name))
        self._tidy(name)

    def move(self, names: Iterable[str], target: ResultsDirectory) -> None:
        """Move files to another directory of the resource, in this order."""
        for name in names:
            if not self.has_file(name):
                continue
            with self._explained("Moving", name):
                if self._root is not None and target._root is not None:
                    move_tree(self._root / self.path(name), target._root / target.path(name))
                else:
                    self._copied(name, lambda copy, name=name: target.resource.upload_file(copy, target.path(name)))  # type: ignore[misc]
                    self.resource.delete_file(self.path(name))
            self._tidy(name)

    def take_out(self, names: Iterable[str], place: Path) -> None:
        """Move files to a directory of this machine, in this order. One that lies there already stays there: it came
        before this was cut short, and this one gets another name."""
        import shutil

        for name in names:
            if not self.has_file(name):
                continue
            target = _free(place / name)
            with self._explained("Moving", name):
                if self._root is not None:
                    move_tree(self._root / self.path(name), target)
                else:
                    make_directories(target.parent)
                    self._copied(name, lambda copy, target=target: shutil.copyfile(copy, target))  # type: ignore[misc]
                    flush_directories([target.parent])
                    self.resource.delete_file(self.path(name))
            self._tidy(name)

    def bring_back(self, place: Path) -> None:
        """The opposite. A file that has been written here meanwhile stays, and so does that of ``place``."""
        for file in sorted(path for path in place.rglob("*") if path.is_file() or path.is_symlink()):
            name = file.relative_to(place).as_posix()
            if self.has(name):
                continue
            with self._explained("Bringing back", name):
                if self._root is not None:
                    move_tree(file, self._root / self.path(name))
                else:
                    self.resource.upload_file(str(file), self.path(name))
                    file.unlink()

    def remove_if_empty(self, above: ResultsDirectory) -> None:
        """Remove it, and those above it up to a results directory, as far as they are empty."""
        if self._root is not None:
            remove_empty_directories(self._root / (self.ref.subpath or ""), self._root / (above.ref.subpath or ""))

    # -- inside --------------------------------------------------------------------------------------------------

    def _put(self, path: str, content: bytes) -> None:
        import tempfile

        if self._root is not None:
            self.resource.does_subpath_exist(path)  # raises for a path that a link leads out of the resource
            write_bytes(self._root / path, content, durable=True)
            return
        with tempfile.TemporaryDirectory(prefix="log-") as directory:
            copy = Path(directory) / path.rpartition("/")[2]
            copy.write_bytes(content)
            self.resource.upload_file(str(copy), path)

    def _copied(self, name: str, use: Callable[[str], object]) -> None:
        import shutil
        import tempfile

        scratch = Path(self._workspace.get_scratch_directory())
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="result-", dir=scratch) as directory:
            copy = Path(directory) / name.rpartition("/")[2]
            with self.resource.open(self.path(name), "rb") as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target)
            use(str(copy))

    def _tidy(self, name: str) -> None:
        if self._root is not None:
            start = self._root / (self.ref.subpath or "")
            remove_empty_directories((start / name).parent, start)

    def _explained(self, doing: str, name: str) -> _Explained:
        return _Explained(f"{doing} '{self.path(name)}' of resource '{self.ref.name}'")


class _Explained:
    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if isinstance(error, OSError):
            raise explain_os_error(error, self._doing) from error


def _free(path: Path) -> Path:
    number = 1
    found = path
    while is_present(found):
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found
