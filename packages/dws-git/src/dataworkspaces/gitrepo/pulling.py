"""Bringing the commits of its origin to a repository that is a resource."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo import large_files
from dataworkspaces.gitrepo.advance import begin_merge, fast_forward, finish
from dataworkspaces.gitrepo.layout import head_commit
from dataworkspaces.gitrepo.merge import Merge, commit_merge, merge_commits
from dataworkspaces.gitrepo.objects import TreeEntry, build_tree, list_tree
from dataworkspaces.gitrepo.remote import ORIGIN, count_differences, fetch
from dataworkspaces.workspace.interaction import Interaction
from dataworkspaces.workspace.snapshot_resource import LINEAGE_FILE


@dataclass(frozen=True)
class Pulled:
    """How many commits only the origin had, and how many only we."""

    theirs: int
    ours: int


def pull_repository(
    root: Path, branch: str, interaction: Interaction, what: str, *, results: bool, exported: bool
) -> Pulled | None:
    """Fast-forward to the origin's branch, or merge with it; None if the origin has no such branch.

    :param results: whether snapshots move results in this repository.
    :param exported: whether a ``lineage.json`` at the root is made anew at each snapshot.

    Raises ConfigurationError, with the files' names, for files that are not committed and would be overwritten, and
    for conflicts; then it leaves a merge that the user finishes."""
    finish(root)
    theirs = fetch(root, branch, interaction, what)
    ours = head_commit(root)
    if theirs is None or ours is None:
        return None
    here, there = count_differences(root, ours, theirs)
    if there:
        large_files.check_programs_of_tree(root, theirs)
        if here:
            _merge(root, branch, ours, theirs, what, results, exported)
        else:
            fast_forward(root, theirs, what)
    large_files.set_up(root)  # also without new commits: an earlier pull may have ended before that
    large_files.fetch(root, interaction.progress)
    return Pulled(there, here)


def _merge(root: Path, branch: str, ours: str, theirs: str, what: str, results: bool, exported: bool) -> None:
    # Where snapshots move files, a file that moved is no renamed file.
    merge = merge_commits(root, "HEAD", f"{ORIGIN}/{branch}", follow_renames=not results)
    entries: dict[str, TreeEntry | None] = {}
    if results:
        entries |= _separate_results(root, ours, theirs, merge)
    if (exported or results) and LINEAGE_FILE in merge.conflicts:
        stages = merge.conflicts[LINEAGE_FILE]
        entries[LINEAGE_FILE] = stages.get(3) or stages.get(2)
    conflicts = {path: stages for path, stages in merge.conflicts.items() if path not in entries}
    merge = Merge(build_tree(root, merge.tree, entries), conflicts)
    message = "Merge the origin"
    if not conflicts:
        fast_forward(root, commit_merge(root, merge.tree, ours, theirs, message), what)
        return
    begin_merge(root, merge, theirs, message, what)
    raise ConfigurationError(
        f"{what}: both this copy and the origin changed: {', '.join(sorted(conflicts))}",
        hint=f"In {root}, edit these files (git has marked the places), 'git add' them and 'git commit', then "
        "dws pull; or go back with 'git merge --abort'",
    )


def _separate_results(root: Path, ours: str, theirs: str, merge: Merge) -> dict[str, TreeEntry | None]:
    """Results that two snapshots moved to the same place: ours go to another. A file that one side's snapshot moved
    away, and the other side has written again, stays."""
    entries: dict[str, TreeEntry | None] = {}
    shared = [posixpath.dirname(path) for path in merge.conflicts if path.startswith("snapshots/")]
    for place in {p for p in shared if f"{p}/{LINEAGE_FILE}" in merge.conflicts}:
        mine, other = (list_tree(root, commit, [place]) for commit in (ours, theirs))
        new = _free_place(root, ours, theirs, place)
        entries |= {**dict.fromkeys(mine), **other}
        entries |= {f"{new}/{path[len(place) + 1 :]}": entry for path, entry in mine.items()}
    for path, stages in merge.conflicts.items():
        if path not in entries and not {2, 3} <= stages.keys():
            entries[path] = stages.get(2) or stages.get(3)
    return entries


def _free_place(root: Path, ours: str, theirs: str, place: str) -> str:
    number = 2
    while any(list_tree(root, commit, [f"{place}-{number}"]) for commit in (ours, theirs)):
        number += 1
    return f"{place}-{number}"
