"""Capabilities of resources: a hierarchy of files, and state on this machine."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path
from re import Pattern
from typing import IO, TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace.operations import operations
from dataworkspaces.workspace.versions import FileChange, FileInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Set

    from dataworkspaces.workspace.unfinished import UnfinishedPart

    JSONDict = dict[str, Any]
    JSONList = list[Any]


class FileResourceMixin(ABC):
    """A resource that is a hierarchy of files (a git repository, a local directory, a bucket).

    Paths are relative to the resource's root and separated by ``/``; the root is ``""``. A path that leads out of
    the resource (absolute, with ``..``, or through a symbolic link) raises ConfigurationError from every method.
    """

    @abstractmethod
    def ls(self, rel_path: str) -> list[str]:
        """The names of the entries directly below ``rel_path``, sorted; ConfigurationError if it is not a directory."""

    @abstractmethod
    def open(self, rel_path: str, mode: str) -> IO[Any]:
        """Open a file as the built-in ``open`` does; directories above a file that is written are made.

        Raises ConfigurationError for a file to read that is not there, NotSupportedError for writing to a resource
        that is read-only."""

    @abstractmethod
    def does_subpath_exist(self, subpath: str, must_be_file: bool = False, must_be_directory: bool = False) -> bool:
        """Whether ``subpath`` is there (and of the kind asked for).

        Raises UnavailableError if that cannot be told now, and never says *no* then."""

    def get_file_info(self, rel_path: str) -> FileInfo:
        """What lies at a path. Raises ConfigurationError if nothing does. Override it where it can be recovered without
        opening the file."""
        if self.does_subpath_exist(rel_path, must_be_directory=True):
            return FileInfo("directory")
        with self.open(rel_path, "rb") as file:
            return FileInfo("file", file.seek(0, os.SEEK_END))

    reads_at_once: int = 1
    """How many files are best read at a time: more than one where reading is mostly waiting."""

    def list_infos(self, rel_path: str) -> list[tuple[str, FileInfo]]:
        """The entries directly below a directory, sorted by name. Override it where all of them can be had at once.

        Where keys make the directories, a name may be there twice: as a file, and as a directory."""
        return [(name, self.get_file_info(f"{rel_path}/{name}" if rel_path else name)) for name in self.ls(rel_path)]

    def read_range(self, rel_path: str, start: int, end: int | None) -> bytes:
        """The bytes of a file from ``start`` up to ``end``, or up to its end. Override it where a file need not be
        opened for that."""
        with self.open(rel_path, "rb") as file:
            file.seek(start)
            return bytes(file.read() if end is None else file.read(max(0, end - start)))

    @abstractmethod
    def delete_file(self, rel_path: str) -> None:
        """Delete a file. A file that is not there is no error, so that it may be called twice.

        Raises NotSupportedError if the resource is read-only."""

    @abstractmethod
    def upload_file(self, src_local_path: str, rel_dest_path: str) -> None:
        """Copy a local file into the resource, replacing what is there. The destination is never seen half
        written; may be called twice.

        Raises NotSupportedError if the resource is read-only, StorageError if there is no room, UnavailableError if
        it cannot be reached."""

    @abstractmethod
    def add_results_file(self, data: JSONDict | JSONList, rel_dest_path: str) -> None:
        """Write ``data`` as JSON to a path of the resource, replacing what is there, never half written.

        Used for ``results.json`` and ``lineage.json``.

        Raises what :meth:`upload_file` does."""

    @abstractmethod
    def read_results_file(self, subpath: str) -> JSONDict:
        """Read a JSON object. Raises ConfigurationError if there is no such file, or if it does not hold one."""

    @abstractmethod
    def results_move_current_files(
        self, rel_dest_root: str, exclude_files: Set[str], exclude_dirs_re: Pattern[str]
    ) -> None:
        """Move the current files to the directory ``rel_dest_root`` and make them read-only.

        Stays where it is: a file whose relative path is in ``exclude_files``, a directory whose relative path
        matches ``exclude_dirs_re``. If there is nothing to move, no directory is made. Each file is moved by one
        rename: after a crash each is at its old or at its new place, and :meth:`results_undo_move` brings all
        back. Raises ConfigurationError, before anything moves, if ``rel_dest_root`` exists."""

    @abstractmethod
    def results_copy_current_files(
        self, rel_dest_root: str, exclude_files: Set[str], exclude_dirs_re: Pattern[str]
    ) -> None:
        """As :meth:`results_move_current_files`, but the current files stay (for an exported resource).

        Raises what that does."""

    def results_undo_move(self, rel_dest_root: str, files: list[str]) -> None:
        """Bring back ``files`` (their old places) that a snapshot moved, or copied, to ``rel_dest_root``, and remove
        that directory. Idempotent. A file that stands at its old place again is left there; its other copy is then
        removed only if the two are equal, and the directory stays if anything is left in it.

        By default each file is copied back, and deleted where it was; override it where it can be moved."""
        operations().undo_move(self, rel_dest_root, files)

    def results_current_files(self, exclude_files: Set[str], exclude_dirs_re: Pattern[str]) -> list[str]:
        """The relative paths of the files that :meth:`results_move_current_files` would move, sorted."""
        found: list[str] = []
        pending = [""]
        while pending:
            directory = pending.pop()
            for name in self.ls(directory):
                path = f"{directory}/{name}" if directory else name
                if self.does_subpath_exist(path, must_be_directory=True):
                    if not exclude_dirs_re.match(path):
                        pending.append(path)
                elif path not in exclude_files:
                    found.append(path)
        return sorted(found)


class LocalStateResourceMixin(ABC):
    """A resource with state on this machine, which a new machine has to clone first."""

    needs_place: bool = False
    """Whether there is nothing of it here, as long as nobody has said where its files are on this machine."""

    compares_contents: bool = False
    """Set by ``--checksum`` of a push or a pull: compare the contents here with those at the origin, however long it
    takes, where sizes and times might be the same of files that are not."""

    def get_local_params(self) -> dict[str, Any]:
        """What is kept of the resource on this machine only (its path, say)."""
        return {}

    @abstractmethod
    def get_local_path_if_any(self) -> str | None:
        """The absolute path of the resource on this machine, or None if it has none. It need not exist.

        Raises nothing."""

    @abstractmethod
    def pull_precheck(self) -> None:
        """Raise ConfigurationError if :meth:`pull` would fail; changes nothing."""

    @abstractmethod
    def pull(self) -> bool | None:
        """Bring the origin's changes here. May be called twice. After a failure the local state is as before, or
        as after; never a mixture. True if the content is another now; None if that is not known.

        Raises UnavailableError if the origin does not answer, ConflictError if both sides have changed what cannot
        be merged."""

    def pull_conflicts(self) -> list[str]:
        """What the last :meth:`pull` found changed on both sides, and has left to the user, in words. Nothing of it is
        lost."""
        return []

    def unfinished_parts(self) -> Iterable[UnfinishedPart]:
        """What a :meth:`pull` that was cut short has left, if a note of the resource's own says how to finish it."""
        return ()

    @abstractmethod
    def push_precheck(self) -> None:
        """Raise ConfigurationError if :meth:`push` would fail; changes nothing here or there."""

    @abstractmethod
    def push(self) -> None:
        """Send local changes to the origin. May be called twice; the second time is idle.

        Raises UnavailableError if the origin does not answer, ConflictError if it has what is not here."""

    def plan_pull(self) -> list[FileChange] | None:
        """The files here that :meth:`pull` would change; None if the type cannot tell. Asks the origin, and changes
        nothing."""
        return None

    def plan_push(self) -> list[FileChange] | None:
        """The files at the origin that :meth:`push` would change; None if the type cannot tell. Asks the origin, and
        changes nothing."""
        return None

    def differences_from_origin(self) -> str:
        """In words, how the files here differ from those at the origin, or why that cannot be told; "" if they do not,
        or if the type has other means to tell it. Asks the origin, once."""
        return ""

    def has_unpushed_content(self) -> bool:
        """Whether the origin may lack something that is here, as far as can be told without asking it."""
        return False

    def validate_subpath_exists(self, subpath: str) -> None:
        """Raise ConfigurationError if the local path has no ``subpath``; override it where data is not in files."""
        local = self.get_local_path_if_any()
        name = getattr(self, "name", type(self).__name__)
        if local is None:
            raise ConfigurationError(f"Resource '{name}' has no local path, so '{subpath}' cannot be in it")
        if not is_present(Path(local) / subpath):
            raise NotFoundError(f"Resource '{name}' has no '{subpath}' (looked in {local})")
