"""Values that describe versions of resources and what lies between them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import IO, Literal, NamedTuple, Optional

from dataworkspaces.toolbox.file_info import FileInfo as FileInfo


class SnapshotVersion(NamedTuple):
    """A resource in a snapshot: what its content is, and what brings it back (None where nothing does)."""

    compare_hash: Optional[str]  # noqa: UP045
    restore_hash: Optional[str]  # noqa: UP045


class VersionFiles(ABC):
    """The files of a resource as they were in a version, to be read and nothing else.

    Paths are relative to the resource's root and separated by ``/``; the root is ``""``. Symbolic links are followed
    within the version. Raises ConfigurationError for what is not there, NotSupportedError for content that the version
    does not keep, with what would keep it."""

    @abstractmethod
    def ls(self, rel_path: str) -> list[str]:
        """The names of the entries directly below a directory, sorted.

        Raises NotFoundError if there is no such directory, UnavailableError if it cannot be read now."""

    @abstractmethod
    def get_file_info(self, rel_path: str) -> FileInfo:
        """What lies at a path.

        Raises NotFoundError if nothing lies there."""

    @abstractmethod
    def open(self, rel_path: str) -> IO[bytes]:
        """A file to read, which can seek.

        Raises NotFoundError if there is no such file."""

    # As in FileResourceMixin.

    reads_at_once: int = 1

    def list_infos(self, rel_path: str) -> list[tuple[str, FileInfo]]:
        return [(name, self.get_file_info(f"{rel_path}/{name}" if rel_path else name)) for name in self.ls(rel_path)]

    def read_range(self, rel_path: str, start: int, end: int | None) -> bytes:
        with self.open(rel_path) as file:
            file.seek(start)
            return file.read() if end is None else file.read(max(0, end - start))


class VersionElsewhere(NamedTuple):
    """A resource in a snapshot that is on another branch of the workspace only, and how to read what is stored of it
    there (see :meth:`Workspace.read_resource_state`)."""

    resource_name: str
    restore_hash: str
    read_state: Callable[[str], Optional[bytes]]  # noqa: UP045


class PresentContents(NamedTuple):
    """What lies at some places of a resource now.

    ``contents`` has a text for each, the same for the same content; None where nothing is, or nobody can tell
    cheaply. ``kept`` names what was kept of the whole resource, if you asked for it and no version holds it."""

    contents: list[Optional[str]]  # noqa: UP045
    kept: Optional[str] = None  # noqa: UP045


class FileChange(NamedTuple):
    """One file that differs. ``path`` is relative to the resource; ``old_path`` is where a renamed one was."""

    status: Literal["added", "deleted", "modified", "renamed"]
    path: str
    old_path: str | None = None

    def __str__(self) -> str:
        return f"{self.old_path} -> {self.path}" if self.old_path is not None else self.path


class ResourceChange(NamedTuple):
    """How a resource stands to the last snapshot.

    ``state`` is ``new`` where the last snapshot does not hold the resource, ``missing`` where its local data is not
    there, ``unknown`` where finding out would cost too much; ``details`` is a short text for people."""

    state: Literal["unchanged", "changed", "new", "missing", "unknown"]
    details: str = ""
