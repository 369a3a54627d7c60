"""What differs between two states: which files, and the lines of one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.diff import diff_command
from dataworkspaces.commands.environment_difference import environment_difference
from dataworkspaces.errors import ConfigurationError, DwsError
from dataworkspaces.web import table_rows
from dataworkspaces.web.collected_warnings import warnings_of
from dataworkspaces.web.experiments import NOW
from dataworkspaces.web.files import checked, files_at
from dataworkspaces.workspace import ResourceRoles

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace

MOST_BYTES = 400_000
"""Of a file whose lines are compared, which takes longer than it is long."""
_MOST_FILES = 1000
_MOST_LINES = 4000


def difference(workspace: Workspace, first: str, second: str) -> dict[str, Any]:
    """The resources that differ, with their files; either may be :data:`NOW`, and then is taken for the later one."""
    if first == NOW:
        first, second = second, first
    found = diff_command(workspace, first, None if second == NOW else second)
    resources = [resource.to_json() for resource in found.resources]
    for resource in resources:
        files = resource["files"]
        resource["has_more"] = files is not None and len(files) > _MOST_FILES
        resource["files"] = None if files is None else files[:_MOST_FILES]
    return {
        "first": first,
        "second": second,
        "resources": resources,
        "environment": _environment(workspace, first, second),
        "warnings": warnings_of(workspace),
    }


def _environment(workspace: Workspace, first: str, second: str) -> list[dict[str, Any]]:
    snapshots = workspace.as_snapshot_ws()
    if not snapshots.supports_lineage():
        return []
    one, other = (None if at == NOW else snapshots.get_snapshot_by_tag_or_hash(at) for at in (first, second))
    try:
        return [change.to_json() for change in environment_difference(workspace, one, other)]
    except DwsError as e:
        workspace.interaction.warn(f"The environments cannot be compared: {e.message}")
        return []


def rows(workspace: Workspace, first: str, second: str, resource: str, paths: tuple[str, str]) -> dict[str, Any]:
    """The rows that differ, of two versions of a table; arguments as of :func:`lines`."""
    contents = [
        _content(workspace, at, resource, path, table_rows.MOST_BYTES)
        for at, path in zip((first, second), paths, strict=True)
    ]
    try:
        return {**table_rows.rows_that_differ(paths[1] or paths[0], *contents), "problem": ""}
    except ValueError as e:
        return {"problem": f"It cannot be compared by rows: {e}"}


def lines(workspace: Workspace, first: str, second: str, resource: str, paths: tuple[str, str]) -> dict[str, Any]:
    """The lines that differ, with three around each.

    :param paths: of the file in the first state and in the second; "" where it is not there."""
    texts = [_text(workspace, at, resource, path) for at, path in zip((first, second), paths, strict=True)]
    if any(text is None for text in texts):
        return {"lines": [], "problem": "It is not a string, or too large to be compared by lines"}
    one, other = ((text or "").splitlines() for text in texts)
    changed = list(difflib.unified_diff(one, other, n=3, lineterm=""))[2 : _MOST_LINES + 2]
    return {"lines": changed, "problem": ""}


def _text(workspace: Workspace, at: str, name: str, path: str) -> str | None:
    """None for what is not a string, or is too long."""
    content = _content(workspace, at, name, path, MOST_BYTES)
    if len(content) > MOST_BYTES or b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _content(workspace: Workspace, at: str, name: str, path: str, most: int) -> bytes:
    """At most a byte more than ``most``, by which one sees that there is more; of no file nothing."""
    if not path:
        return b""
    path = checked(path)
    if at != NOW and workspace.get_resource_role(name) == ResourceRoles.RESULTS:
        # A snapshot has moved its results to a directory of their own, where they still are.
        snapshot = workspace.as_snapshot_ws().get_snapshot_by_tag_or_hash(at)
        if not snapshot.relative_destination_path:
            raise ConfigurationError(f"Snapshot {at} has no results", hint="dws history lists those that have")
        at, path = NOW, f"{snapshot.relative_destination_path}/{path}"
    return files_at(workspace, at, name).read_range(path, 0, most + 1)
