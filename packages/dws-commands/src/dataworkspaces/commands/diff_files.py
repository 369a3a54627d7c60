"""Files that ``dws diff`` looks into: those of the results of two snapshots, and small files of parameters."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.results import directories_of_results
from dataworkspaces.errors import DwsError
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.workspace import FileChange, FileResourceMixin
from dataworkspaces.workspace.results import RESULTS_FILE, RUN_LOG_FILE

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace

SUFFIXES = (".yaml", ".yml", ".toml", ".json", ".ini", ".cfg", ".conf")
"""Of files that hold parameters."""
_LARGEST = 16_384
_MOST_LINES = 40
_MOST_FILES = 20
_MOST_RESULTS = 2000
_READ_AT_MOST = 2**24
_OF_THE_RUN = (LINEAGE_FILE, RUN_LOG_FILE)
"""These say when a run was, and differ between any two."""


@dataclass(frozen=True)
class ParameterFile:
    """What differs in a small file: lines that begin with ``-`` or ``+``."""

    resource: str
    path: str
    lines: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"resource": self.resource, "path": self.path, "lines": list(self.lines)}


def parameter_files(
    workspace: Workspace,
    one: SnapshotMetadata,
    other: SnapshotMetadata | None,
    changes: Mapping[str, tuple[FileChange, ...] | None],
) -> tuple[ParameterFile, ...]:
    """What differs in those of the changed files that are small and have the suffix of one with parameters. What cannot
    be read is left out: that it differs is said anyway."""
    from dataworkspaces.filesystems.snapshot_files import files_at_snapshot

    found: list[ParameterFile] = []
    for name, files in changes.items():
        wanted = [f for f in files or () if f.status == "modified" and f.path.endswith(SUFFIXES)]
        resource = workspace.get_resource(name) if name in workspace.get_resource_names() else None
        if not wanted or not isinstance(resource, FileResourceMixin) or resource.has_results_role():
            continue
        try:
            old = files_at_snapshot(workspace, name, one.hashval)
            new: FileResourceMixin = resource if other is None else files_at_snapshot(workspace, name, other.hashval)
            for change in wanted[:_MOST_FILES]:
                lines = _difference(_small_text(old, change.path), _small_text(new, change.path))
                if lines:
                    found.append(ParameterFile(name, change.path, lines))
        except (DwsError, OSError):
            continue
    return tuple(found)


def _small_text(files: FileResourceMixin, path: str) -> str | None:
    size = files.get_file_info(path).size
    if size is None or size > _LARGEST:
        return None
    try:
        return files.read_range(path, 0, None).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _difference(old: str | None, new: str | None) -> tuple[str, ...]:
    if old is None or new is None:
        return ()
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))[2:]
    lines = [line for line in lines if not line.startswith("@@")]
    return (*lines[:_MOST_LINES], "…") if len(lines) > _MOST_LINES else tuple(lines)


def results_changes(
    resource: FileResourceMixin,
    one: SnapshotMetadata,
    other: SnapshotMetadata | None,
    exclude: Collection[str],
    *,
    are_equal: bool,
) -> list[FileChange] | None:
    """How the files in the results directory of one snapshot differ from those of another, or from the current ones;
    None where there are too many to look at, or none of one of them.

    :param exclude: current files that no snapshot takes.
    :param are_equal: the values in the results files are equal, so that only the times in them differ."""
    first, second = _files(resource, one, ()), _files(resource, other, exclude if other is None else ())
    if not first or not second:
        return None
    found: list[FileChange] = []
    for path in sorted({*first, *second}):
        if path not in second:
            found.append(FileChange("deleted", path))
        elif path not in first:
            found.append(FileChange("added", path))
        elif not (are_equal and path.rpartition("/")[2] == RESULTS_FILE) and _differ(
            resource, first[path], second[path]
        ):
            found.append(FileChange("modified", path))
    return found


def _files(
    resource: FileResourceMixin, snapshot: SnapshotMetadata | None, exclude: Collection[str]
) -> dict[str, tuple[str, int | None]]:
    """The files of results: by their path in the results directory the path in the resource, and the size."""
    top = "" if snapshot is None else f"{snapshot.relative_destination_path}/"
    found: dict[str, tuple[str, int | None]] = {}
    for files in directories_of_results(resource, snapshot):
        for path, info in files.items():
            if path.rpartition("/")[2] not in _OF_THE_RUN and path not in exclude:
                found[path.removeprefix(top)] = (path, info.size)
        if len(found) > _MOST_RESULTS:
            return {}
    return found


def _differ(resource: FileResourceMixin, one: tuple[str, int | None], other: tuple[str, int | None]) -> bool:
    if one[1] != other[1]:
        return True
    if one[1] is not None and one[1] > _READ_AT_MOST:
        return True  # which is said rather than missed
    return resource.read_range(one[0], 0, None) != resource.read_range(other[0], 0, None)
