"""From which snapshot the present state of this copy comes: the one that was taken or restored here last.

What has changed since is another question. Results are not restored, so their content alone does not tell two
snapshots apart of which one was restored: whoever takes a snapshot then means the one that was.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from dataworkspaces.errors import DwsError
from dataworkspaces.toolbox.atomic import read_json_object, write_json

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace

_FILE = "present_snapshot.json"


def present_snapshot(workspace: Workspace) -> str | None:
    """Its hash; None if nobody knows. It may have been deleted."""
    with suppress(OSError, DwsError):
        hashval = read_json_object(workspace.get_machine_directory() / _FILE, "hash")["hash"]
        return hashval if isinstance(hashval, str) else None
    return None


def note_present_snapshot(workspace: Workspace, hashval: str | None) -> None:
    """Idempotent."""
    if present_snapshot(workspace) != hashval:
        write_json(workspace.get_machine_directory() / _FILE, {"hash": hashval})
