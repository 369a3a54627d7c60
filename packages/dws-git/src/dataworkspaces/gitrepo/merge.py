"""Merging two commits without touching the working tree."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.errors import ConfigurationError, ConflictError
from dataworkspaces.gitrepo.layout import how_to_fetch
from dataworkspaces.gitrepo.messages import commit_message
from dataworkspaces.gitrepo.plumbing import TreeEntry
from dataworkspaces.gitrepo.run import run_git


@dataclass(frozen=True)
class Merge:
    """What a merge gives.

    :ivar tree: of all files; those in conflict have git's markers in them.
    :ivar conflicts: by path, what base (1), ours (2) and theirs (3) have there.
    """

    tree: str
    conflicts: dict[str, dict[int, TreeEntry]]


def merge_commits(root: Path, ours: str, theirs: str) -> Merge:
    """Merge two commits as git does, which follows files that were renamed.

    Raises ConfigurationError if git is too old, or if they have no history in common."""
    arguments = [
        "-c",
        "merge.directoryRenames=false",
        "merge-tree",
        "--write-tree",
        "-z",
        "--no-messages",
        ours,
        theirs,
    ]
    done = run_git(root, arguments, ok=(0, 1, 128, 129), doing="Merging")
    if done.returncode == 129:
        raise ConfigurationError(
            f"{root} and its origin both have new commits, and this git is too old to merge them",
            hint="Install git 2.38 or newer",
        )
    if b"unrelated histories" in done.stderr:
        raise ConflictError(
            f"{root} and its origin have no history in common",
            hint=f"Check the URL of the origin (git remote -v), and fetch all history: {how_to_fetch(root)}",
        )
    if done.returncode == 128:
        run_git(root, arguments, doing="Merging")  # which raises
    tree, *records = os.fsdecode(done.stdout).split("\0")
    conflicts: dict[str, dict[int, TreeEntry]] = {}
    for record in filter(None, records):
        told, _, path = record.partition("\t")
        mode, name, stage = told.split(" ")
        conflicts.setdefault(path, {})[int(stage)] = TreeEntry(mode, name)
    return Merge(tree, conflicts)


def merge_base(root: Path, ours: str, theirs: str) -> str:
    """The best common ancestor; raises ConfigurationError if there is none."""
    done = run_git(root, ["merge-base", ours, theirs], ok=(0, 1), doing="Merging")
    if done.returncode:
        raise ConflictError(
            f"{root} and its origin have no history in common",
            hint=f"Check the URL of the origin (git remote -v), and fetch all history: {how_to_fetch(root)}",
        )
    return done.stdout.decode("ascii").strip()


def commit_merge(root: Path, tree: str, ours: str, theirs: str, message: str) -> str:
    """Make the commit of a merge; no branch moves."""
    done = run_git(
        root,
        ["commit-tree", tree, "-p", ours, "-p", theirs, "-m", commit_message(message)],
        doing="Committing the merge",
    )
    return done.stdout.decode("ascii").strip()
