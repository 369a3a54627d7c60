"""The file capability of every resource whose files lie in a directory of this machine."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dataworkspaces.errors import NotFoundError, UnavailableError
from dataworkspaces.toolbox.local_directory import LocalDirectory
from dataworkspaces.workspace.files import FileResourceMixin, LocalStateResourceMixin
from dataworkspaces.workspace.versions import FileInfo

if TYPE_CHECKING:
    from collections.abc import Set
    from re import Pattern


class LocalDirectoryMixin(FileResourceMixin, LocalStateResourceMixin):
    """Implements :class:`FileResourceMixin` for files below :meth:`get_local_path_if_any`, by means of a
    :class:`~dataworkspaces.toolbox.local_directory.LocalDirectory`. Put the mixin before :class:`Resource` in the bases
    of a resource.
    """

    name: str

    # -- what a subclass can say -----------------------------------------------------------------------------

    def _hidden_names(self) -> Set[str]:
        """Names at the root that are no content (``.git``): never listed, read, written or moved."""
        return frozenset()

    def is_writable(self) -> bool:
        """Whether files can be written through this resource."""
        return True

    def _root(self) -> Path:
        """The local directory; raises UnavailableError if the resource is not on this machine."""
        local = self.get_local_path_if_any()
        if local is None:
            raise UnavailableError(f"Resource '{self.name}' has no directory on this machine")
        return Path(local)

    def _comes_with_files(self) -> bool:
        """Whether the directory itself is there only as long as files are in it, so that without it there are none."""
        return False

    # -- what a subclass can use -----------------------------------------------------------------------------

    def _in_directory(self) -> LocalDirectory:
        """The files where they are now."""
        return LocalDirectory(
            self.name, self._root(), self._hidden_names(), self.is_writable(), self._comes_with_files()
        )

    def _place(self, rel_path: str) -> Path:
        """The local path of an entry itself: a link in the last place is not followed."""
        return self._in_directory().place(rel_path)

    def _explained(self, doing: str, rel_path: str = "") -> AbstractContextManager[None]:
        """Turn errors of the operating system into errors for the user."""
        return self._in_directory().explained(doing, rel_path)

    def _delete_results_directory(self, rel_path: str) -> None:
        """Delete what a snapshot keeps below ``rel_path``, read-only as it is. Idempotent."""
        self._in_directory().delete_results_directory(rel_path)

    # -- files -----------------------------------------------------------------------------------------------

    def ls(self, rel_path: str) -> list[str]:
        return self._in_directory().ls(rel_path)

    def open(self, rel_path: str, mode: str) -> IO[Any]:
        """See :meth:`FileResourceMixin.open`. Text is UTF-8. A file that is replaced is as it was until it is
        closed, and after a write that ends in an exception."""
        return self._in_directory().open(rel_path, mode)

    def does_subpath_exist(self, subpath: str, must_be_file: bool = False, must_be_directory: bool = False) -> bool:
        return self._in_directory().does_subpath_exist(subpath, must_be_file, must_be_directory)

    def list_infos(self, rel_path: str) -> list[tuple[str, FileInfo]]:
        return self._in_directory().infos(rel_path, self.ls(rel_path))

    def get_file_info(self, rel_path: str) -> FileInfo:
        return self._in_directory().get_file_info(rel_path)

    def validate_subpath_exists(self, subpath: str) -> None:
        if not self.does_subpath_exist(subpath):
            raise NotFoundError(f"Resource '{self.name}' has no '{subpath}' (looked in {self._root()})")

    def delete_file(self, rel_path: str) -> None:
        """See :meth:`FileResourceMixin.delete_file`. Directories that lose their last entry are removed."""
        self._in_directory().delete_file(rel_path)

    def upload_file(self, src_local_path: str, rel_dest_path: str) -> None:
        """See :meth:`FileResourceMixin.upload_file`. Permissions are kept; a link is replaced."""
        self._in_directory().upload_file(src_local_path, rel_dest_path)

    def add_results_file(self, data: dict[str, Any] | list[Any], rel_dest_path: str) -> None:
        self._in_directory().add_results_file(data, rel_dest_path)

    def read_results_file(self, subpath: str) -> dict[str, Any]:
        return self._in_directory().read_results_file(subpath)

    # -- results ---------------------------------------------------------------------------------------------

    def results_current_files(self, exclude_files: Set[str], exclude_dirs_re: Pattern[str]) -> list[str]:
        return self._in_directory().results_current_files(exclude_files, exclude_dirs_re)

    def results_move_current_files(
        self, rel_dest_root: str, exclude_files: Set[str], exclude_dirs_re: Pattern[str]
    ) -> None:
        directory = self._in_directory()
        destination = directory.new_results_directory(rel_dest_root)
        directory.move_results(destination, self.results_current_files(exclude_files, exclude_dirs_re))

    def results_copy_current_files(
        self, rel_dest_root: str, exclude_files: Set[str], exclude_dirs_re: Pattern[str]
    ) -> None:
        directory = self._in_directory()
        destination = directory.new_results_directory(rel_dest_root)
        directory.copy_results(destination, self.results_current_files(exclude_files, exclude_dirs_re))

    def results_undo_move(self, rel_dest_root: str, files: list[str]) -> None:
        """See :meth:`FileResourceMixin.results_undo_move`. The ``lineage.json`` that a snapshot adds, and
        what a killed write left, go with the directory."""
        self._in_directory().results_undo_move(rel_dest_root, files)

    def take_results_directory(self, rel_path: str, place: Path) -> None:
        """Move what a snapshot keeps below ``rel_path`` out of the resource, to where it can be brought back from.
        Idempotent; there is nothing to move where the resource is not on this machine. Raises ConfigurationError as a
        deletion does."""
        local = self.get_local_path_if_any()
        if local is not None and Path(local).is_dir():
            self._in_directory().take_results_directory(rel_path, place)

    def holds_results_directory(self, rel_path: str) -> bool:
        return self._in_directory().holds_results_directory(rel_path)

    def bring_back_results_directory(self, rel_path: str, place: Path) -> None:
        """Undo :meth:`take_results_directory`."""
        self._in_directory().bring_back_results_directory(rel_path, place)
