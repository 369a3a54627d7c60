"""How the environment in which steps would run now differs from that of a snapshot, in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataworkspaces.errors import DwsError
from dataworkspaces.lineage.recorded_environments import (
    package_changes,
    packages_of,
    present_records,
    step_environments,
)
from dataworkspaces.toolbox.logs import log
from dataworkspaces.toolbox.names import some

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace


def environment_change(workspace: Workspace, snapshot: SnapshotMetadata) -> str | None:
    """Of the latest step of the snapshot; None if it is the same, or if nobody can tell."""
    try:
        recorded = [each for each in step_environments(workspace, snapshot) if each.records]
        if not recorded:
            return None
        now = present_records(workspace)
        then = {kind: document for kind, document in recorded[0].records.items() if kind in now}
        if all(now[kind] == document for kind, document in then.items()):
            return None
        changes = package_changes(packages_of(workspace, then), packages_of(workspace, {k: now[k] for k in then}))
    except DwsError as e:  # which is no reason not to restore
        log.info("the environment of the snapshot is not compared: %s", e)
        return None
    return some(changes) if changes else None
