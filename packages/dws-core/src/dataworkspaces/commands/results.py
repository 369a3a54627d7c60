"""Finding the results files of runs: current ones, and those that snapshots keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import NotSupportedError
from dataworkspaces.workspace import FileResourceMixin, Resource, ResourceRoles

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace

RESULTS_FILE = "results.json"


@dataclass(frozen=True)
class FoundResults:
    """A results file.

    :ivar location: ``resource:/path``.
    :ivar snapshot: the snapshot that holds it; None for current results.
    """

    data: dict[str, Any]
    location: str
    snapshot: SnapshotMetadata | None


def find_results(
    workspace: Workspace, tag_or_hash: str | None = None, resource_name: str | None = None
) -> FoundResults | None:
    """The results of a snapshot; without one the current results or, if there are none, those of the most recent
    snapshot that has some. Of all results resources, or of one; the first that has a file counts."""
    names = results_resources(workspace) if resource_name is None else [resource_name]
    if resource_name is not None:
        workspace.validate_resource_name(resource_name, expected_role=ResourceRoles.RESULTS)
    if tag_or_hash is not None:
        snapshot = workspace.as_snapshot_ws().get_snapshot_by_tag_or_hash(tag_or_hash)
        return _first(workspace, names, snapshot)
    found = _first(workspace, names, None)
    if found is None:
        for snapshot in workspace.as_snapshot_ws().list_snapshots():
            found = _first(workspace, names, snapshot)
            if found is not None:
                break
    return found


def results_resources(workspace: Workspace) -> list[str]:
    """The names of the resources that hold results."""
    return [n for n in workspace.get_resource_names() if workspace.get_resource_role(n) == ResourceRoles.RESULTS]


def read_results(resource: Resource, snapshot: SnapshotMetadata | None) -> FoundResults | None:
    """The results file of one resource, or None if it has none."""
    if not isinstance(resource, FileResourceMixin):
        raise NotSupportedError(f"Resource '{resource.name}' ({resource.resource_type}) has no files")
    path = RESULTS_FILE
    if snapshot is not None:
        path = f"{snapshot.relative_destination_path}/{RESULTS_FILE}"
    if not resource.does_subpath_exist(path, must_be_file=True):
        return None
    return FoundResults(resource.read_results_file(path), f"{resource.name}:/{path}", snapshot)


def _first(workspace: Workspace, names: Sequence[str], snapshot: SnapshotMetadata | None) -> FoundResults | None:
    for name in names:
        found = read_results(workspace.get_resource(name), snapshot)
        if found is not None:
            return found
    return None
