"""The files of a resource as they were in a snapshot, behind the contract that the present ones have."""

from __future__ import annotations

import io
from collections.abc import Set
from datetime import datetime
from re import Pattern
from typing import IO, TYPE_CHECKING, Any, NoReturn

from dataworkspaces.errors import MetadataError, NotFoundError, NotSupportedError, suppress_negative
from dataworkspaces.workspace.files import FileResourceMixin
from dataworkspaces.workspace.results import parse_results
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin
from dataworkspaces.workspace.versions import FileInfo, VersionFiles

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace


def files_at_snapshot(workspace: Workspace, resource_name: str, tag_or_hash: str) -> SnapshotFiles:
    """The files of a resource in a snapshot. Raises ConfigurationError if it does not hold the resource,
    NotSupportedError if the resource keeps no versions that can be read."""
    resource = workspace.get_resource(resource_name)
    resource_name = resource.name
    snapshots = workspace.as_snapshot_ws()
    snapshot = snapshots.get_snapshot_by_tag_or_hash(tag_or_hash)
    version = snapshots.get_snapshot_versions(snapshot.hashval).get(resource_name)
    if version is None:
        raise NotFoundError(f"Snapshot {tag_or_hash} does not hold resource '{resource_name}'")
    if not isinstance(resource, SnapshotResourceMixin) or not isinstance(resource, FileResourceMixin):
        raise NotSupportedError(f"Resource '{resource_name}' ({resource.resource_type}) has no files")
    what = f"Resource '{resource_name}' in snapshot {tag_or_hash}"
    try:
        taken = datetime.fromisoformat(snapshot.timestamp).astimezone()
    except (TypeError, ValueError, OverflowError) as e:
        raise MetadataError(
            f"Snapshot {tag_or_hash}: its time {snapshot.timestamp!r} is not a date", hint="dws fsck"
        ) from e
    return SnapshotFiles(resource.version_files(version), what, taken)


class SnapshotFiles(FileResourceMixin):
    """They can be read, and nothing else.

    :param what: names them in messages.
    :param taken: when, which stands for the times at which they were written."""

    def __init__(self, files: VersionFiles, what: str, taken: datetime | None = None) -> None:
        self._files = files
        self._what = what
        self._taken = taken
        self.reads_at_once = files.reads_at_once

    def ls(self, rel_path: str) -> list[str]:
        return self._files.ls(rel_path)

    def list_infos(self, rel_path: str) -> list[tuple[str, FileInfo]]:
        return self._files.list_infos(rel_path)

    def get_file_info(self, rel_path: str) -> FileInfo:
        return self._files.get_file_info(rel_path)._replace(modified=self._taken)

    def read_range(self, rel_path: str, start: int, end: int | None) -> bytes:
        return self._files.read_range(rel_path, start, end)

    def open(self, rel_path: str, mode: str) -> IO[Any]:
        """See :meth:`FileResourceMixin.open`. Text is UTF-8."""
        if any(letter in mode for letter in "wax+"):
            self._refuse()
        file = self._files.open(rel_path)
        return file if "b" in mode else io.TextIOWrapper(file, encoding="utf-8")

    def does_subpath_exist(self, subpath: str, must_be_file: bool = False, must_be_directory: bool = False) -> bool:
        if must_be_directory:
            with suppress_negative():
                self._files.ls(subpath)
                return not must_be_file
            return False
        with suppress_negative():
            return self._files.get_file_info(subpath).kind == "file" or not must_be_file
        return False

    def read_results_file(self, subpath: str) -> dict[str, Any]:
        return parse_results(self.read_range(subpath, 0, None), f"{self._what}: '{subpath}'")

    def _refuse(self) -> NoReturn:
        raise NotSupportedError(f"{self._what} is read-only", hint="Write to the resource, without a snapshot")

    def delete_file(self, rel_path: str) -> None:
        self._refuse()

    def upload_file(self, src_local_path: str, rel_dest_path: str) -> None:
        self._refuse()

    def add_results_file(self, data: dict[str, Any] | list[Any], rel_dest_path: str) -> None:
        self._refuse()

    def results_move_current_files(
        self, rel_dest_root: str, exclude_files: Set[str], exclude_dirs_re: Pattern[str]
    ) -> None:
        self._refuse()

    def results_copy_current_files(
        self, rel_dest_root: str, exclude_files: Set[str], exclude_dirs_re: Pattern[str]
    ) -> None:
        self._refuse()

    def results_undo_move(self, rel_dest_root: str, files: list[str]) -> None:
        self._refuse()
