"""Commits that snapshots need, whatever becomes of the branch that they were made on.

A branch may be squashed, rebased or deleted once it is merged, and a detached HEAD is on none. References keep such
commits, and travel with the repository: whoever clones it can restore the snapshots that name them.
"""

from __future__ import annotations

from pathlib import Path

from dataworkspaces.gitrepo.layout import git_directories, has_references_below, head_commit, read_reference
from dataworkspaces.gitrepo.run import run_git

__all__ = ["FETCH_KEPT_COMMITS", "KEPT_COMMITS", "keep_commit", "keep_head", "refspecs_of_kept_commits"]

KEPT_COMMITS = "refs/dws/commits"
"""Below it: commits that snapshots refer to, each under its own name."""
FETCH_KEPT_COMMITS = f"+{KEPT_COMMITS}/*:{KEPT_COMMITS}/*"


def keep_head(root: Path) -> None:
    """What is checked out stays, with all that it came from. Idempotent; starts no process the second time."""
    head = head_commit(root)
    if head is not None:
        keep_commit(root, head)


def keep_commit(root: Path, commit: str) -> None:
    """The same for any commit."""
    if read_reference(root, f"{KEPT_COMMITS}/{commit}") is None:
        run_git(root, ["update-ref", f"{KEPT_COMMITS}/{commit}", commit], doing="Keeping what a snapshot needs")


def refspecs_of_kept_commits(root: Path) -> list[str]:
    """What to push beside a branch. Starts no process if there is nothing."""
    directories = git_directories(root)
    if not directories:
        return []
    if not has_references_below(directories[-1], KEPT_COMMITS):
        return []
    listed = run_git(root, ["for-each-ref", "--format=%(refname)", f"{KEPT_COMMITS}/"]).stdout
    return [f"{name}:{name}" for name in listed.decode("ascii").split()]
