"""Trees of uncommitted code that steps ran: those that snapshots name travel with the repository."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataworkspaces.gitrepo.layout import enclosing_repository, git_directories, has_references_below
from dataworkspaces.gitrepo.run import run_git

KEPT_TREES = "refs/dws/trees"
"""Below it: trees of uncommitted code that a step ran, so that git does not collect them."""
FETCH_KEPT_TREES = f"+{KEPT_TREES}/*:{KEPT_TREES}/*"


def kept_trees(root: Path) -> list[str]:
    """The names of the trees that a repository keeps. Starts no process if there are none."""
    directories = git_directories(root)
    if not directories:
        return []
    if not has_references_below(directories[-1], KEPT_TREES):
        return []
    arguments = ["for-each-ref", "--format=%(objectname)", f"{KEPT_TREES}/"]
    return run_git(root, arguments).stdout.decode("ascii").split()


def refspecs_to_push(
    root: Path, directory: Path, lineage_directories: Sequence[str], commit: str = "HEAD"
) -> list[str]:
    """What to push beside the branch: the kept trees that lineage of snapshots names.

    :param directory: of a repository that holds a workspace, or a directory in it.
    :param lineage_directories: where that lineage is committed, relative to the directory.
    :param commit: there."""
    trees = kept_trees(root)
    if not trees or enclosing_repository(directory) is None:
        return []
    patterns = [option for tree in trees for option in ("-e", tree)]
    arguments = [
        "grep",
        "--no-line-number",
        "--no-column",
        "-h",
        "-o",
        "-F",
        *patterns,
        commit,
        "--",
        *lineage_directories,
    ]
    named = set(run_git(directory, arguments, ok=(0, 1)).stdout.decode("ascii", "replace").split())
    return [f"{KEPT_TREES}/{tree}:{KEPT_TREES}/{tree}" for tree in trees if tree in named]
