"""How a workspace stands to its origin, as git knows it without asking: by the commit that it had when last seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataworkspaces.gitrepo.layout import current_branch, head_commit
from dataworkspaces.gitrepo.remote import count_differences, has_origin, tracked_commit
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.workspace import OriginState

if TYPE_CHECKING:
    from dataworkspaces.backends.git.sync import GitSync


def origin_state(workspace: GitSync) -> OriginState:
    root = workspace.paths.root
    branch, there_is_one = current_branch(root), has_origin(root)
    ours = head_commit(root)
    theirs = None if branch is None or not there_is_one else tracked_commit(root, branch)
    if ours is None or theirs is None:
        return OriginState(branch, there_is_one)
    ahead, behind = count_differences(root, ours, theirs)
    return OriginState(branch, there_is_one, ahead, behind, _new_snapshots(workspace, theirs, ours) if ahead else 0)


def _new_snapshots(workspace: GitSync, theirs: str, ours: str) -> int:
    root, directories = workspace.paths.root, workspace.paths.snapshot_metadata_in_git
    arguments = ["diff-tree", "-r", "--name-only", "--no-renames", "--diff-filter=A", theirs, ours, "--"]
    return len(run_git(root, [*arguments, *directories]).stdout.splitlines())
