"""What differs between two states: which files, and the lines of one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.diff import diff_command
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.web.experiments import NOW
from dataworkspaces.web.files import checked, files_at
from dataworkspaces.web.telling import warnings_of
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
    return {"first": first, "second": second, "resources": resources, "warnings": warnings_of(workspace)}


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
    if not path:
        return ""
    path = checked(path)
    if at != NOW and workspace.get_resource_role(name) == ResourceRoles.RESULTS:
        # A snapshot has moved its results to a directory of their own, where they still are.
        snapshot = workspace.as_snapshot_ws().get_snapshot_by_tag_or_hash(at)
        if not snapshot.relative_destination_path:
            raise ConfigurationError(f"Snapshot {at} has no results", hint="dws history lists those that have")
        at, path = NOW, f"{snapshot.relative_destination_path}/{path}"
    content = files_at(workspace, at, name).read_range(path, 0, MOST_BYTES + 1)
    if len(content) > MOST_BYTES or b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None
