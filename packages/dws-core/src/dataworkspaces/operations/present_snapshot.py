"""From which snapshot the present state of this copy comes: the one that was taken or restored here last.

What has changed since is another question. Results are not restored, so their content alone does not tell two
snapshots apart of which one was restored: whoever takes a snapshot then means the one that was.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from dataworkspaces.toolbox.atomic import write_json
from dataworkspaces.toolbox.regular import read_regular

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace

_FILE = "present_snapshot.json"


def present_snapshot(workspace: Workspace) -> str | None:
    """Its hash; None if nobody knows. It may have been deleted."""
    with suppress(OSError, ValueError, RecursionError):
        noted = json.loads(read_regular(workspace.get_machine_directory() / _FILE))
        hashval = noted.get("hash") if isinstance(noted, dict) else None
        return hashval if isinstance(hashval, str) else None
    return None


def note_present_snapshot(workspace: Workspace, hashval: str | None) -> None:
    """Idempotent."""
    if present_snapshot(workspace) != hashval:
        write_json(workspace.get_machine_directory() / _FILE, {"hash": hashval})
