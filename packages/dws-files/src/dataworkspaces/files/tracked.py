"""Files that become a resource's, and that the workspace's git keeps too: each change of them would be committed,
whatever size they have."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from dataworkspaces.workspace import Workspace

UNTRACK = "untrack"
"""The argument of ``from_command_line`` with what the user has answered."""


def offer_to_untrack(place: Path, workspace: Workspace) -> bool:
    """Ask whether git should keep the files of a directory no longer; False where it keeps none, and without a user.
    For ``precheck``, before anything is locked."""
    count = _count(place, workspace)
    return count is not None and workspace.interaction.confirm(
        f"Git tracks {count} in {place}, and will continue to. Untrack them? The files stay here and their "
        "versions stay in git's history, but git removes the files from other copies of the workspace on their "
        "next pull",
        default=False,
    )


def untrack_or_warn(place: Path, workspace: Workspace, *, untrack: bool) -> None:
    """Do what the user wants, or say how it is done."""
    count = _count(place, workspace)
    if count is None:
        return
    if untrack:
        workspace.untrack(place)
        workspace.interaction.tell(f"Git no longer tracks {count} in {place}")
        return
    root = workspace.get_workspace_local_path_if_any() or "."
    relative = shlex.quote(os.path.relpath(os.path.realpath(place), os.path.realpath(root)))
    workspace.interaction.warn(
        f"Git tracks {count} in {place}, and will continue to. To stop that (the files stay): git rm -r "
        f"--cached --quiet {relative} && git commit --quiet -m 'Untrack data'"
    )


def _count(place: Path, workspace: Workspace) -> str | None:
    """In words; None if there is nothing but what keeps an empty directory in git."""
    tracked = workspace.tracked_files(place)
    if all(path.endswith("/.gitkeep") for path in tracked):
        return None
    return f"{len(tracked)} files" if len(tracked) > 1 else tracked[0]
