"""Bringing the commits of its origin to a repository that is a resource."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo import large_files
from dataworkspaces.gitrepo.advance import begin_merge, fast_forward, finish
from dataworkspaces.gitrepo.elsewhere import link_large_files
from dataworkspaces.gitrepo.layout import head_commit
from dataworkspaces.gitrepo.merge import Merge, commit_merge, merge_base, merge_commits
from dataworkspaces.gitrepo.objects import build_tree
from dataworkspaces.gitrepo.plumbing import TreeEntry, list_tree
from dataworkspaces.gitrepo.remote import CHECKOUT, ORIGIN, count_differences, fetch
from dataworkspaces.gitrepo.sides import compare_sides, merge_contents, settle
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.workspace.trust import Consent


@dataclass(frozen=True)
class Pulled:
    """How many commits only the origin had, and how many only we."""

    theirs: int
    ours: int


def pull_repository(
    root: Path,
    branch: str,
    consent: Consent,
    what: str,
    *,
    results: bool,
    exported: bool,
    checkout: Path | None = None,
) -> Pulled | None:
    """Fast-forward to the origin's branch, or merge with it; None if the origin has no such branch.

    :param results: whether snapshots move results in this repository.
    :param exported: whether a ``lineage.json`` at the root is made anew at each snapshot.
    :param checkout: the directory of a checkout, to pull from instead of the origin.

    Raises ConfigurationError, with the files' names, for files that are not committed and would be overwritten, and
    for conflicts; then it leaves a merge that the user finishes."""
    interaction = consent.interaction
    finish(root)
    theirs = fetch(root, branch, interaction, what, checkout)
    ours = head_commit(root)
    if theirs is None or ours is None:
        return None
    here, there = count_differences(root, ours, theirs)
    if there:
        large_files.check_programs_of_tree(root, theirs)
        if here:
            remote = ORIGIN if checkout is None else CHECKOUT
            _merge(root, f"{remote}/{branch}", ours, theirs, what, results, exported)
        else:
            fast_forward(root, theirs, what)
    if checkout is not None:
        link_large_files(checkout, root)
        large_files.complete_restore(root, consent)
        return Pulled(there, here)
    large_files.set_up(root)  # also without new commits: an earlier pull may have ended before that
    large_files.fetch(root, consent, interaction.progress)
    return Pulled(there, here)


def _merge(root: Path, other: str, ours: str, theirs: str, what: str, results: bool, exported: bool) -> None:
    labels = ("HEAD", other)
    merge = _merge_results(root, ours, theirs, labels) if results else merge_commits(root, *labels)
    if exported and LINEAGE_FILE in merge.conflicts:
        stages = merge.conflicts[LINEAGE_FILE]
        tree = build_tree(root, merge.tree, {LINEAGE_FILE: stages.get(3) or stages.get(2)})
        merge = Merge(tree, {path: s for path, s in merge.conflicts.items() if path != LINEAGE_FILE})
    message = "Merge the origin"
    if not merge.conflicts:
        fast_forward(root, commit_merge(root, merge.tree, ours, theirs, message), what)
        return
    begin_merge(root, merge, theirs, message, what)
    raise ConfigurationError(
        f"{what}: this copy and the origin both changed {', '.join(sorted(merge.conflicts))}",
        hint=f"In {root}, edit these files (git has marked the conflicts), run 'git add' and 'git commit', then "
        "dws pull; or go back with 'git merge --abort'",
    )


def _merge_results(root: Path, ours: str, theirs: str, labels: tuple[str, str]) -> Merge:
    """Results lie side by side. Where two snapshots moved theirs to the same place, ours go to another. A file that one
    side's snapshot moved away, and the other side has written again, stays."""
    settled, unsettled = settle(compare_sides(root, merge_base(root, ours, theirs), ours, theirs))
    entries: dict[str, TreeEntry | None] = dict(settled)
    for place in sorted({posixpath.dirname(path) for path in unsettled if _is_lineage_of_snapshot(path)}):
        mine, other = (list_tree(root, commit, [place]) for commit in (ours, theirs))
        new = _free_place(root, ours, theirs, place)
        entries |= {**dict.fromkeys(mine), **other}
        entries |= {f"{new}/{path[len(place) + 1 :]}": entry for path, entry in mine.items()}
    left = {path: side for path, side in unsettled.items() if path not in entries}
    entries |= {path: side.ours or side.theirs for path, side in left.items() if None in (side.ours, side.theirs)}
    merged, conflicts = merge_contents(root, {p: s for p, s in left.items() if p not in entries}, labels)
    return Merge(build_tree(root, ours, {**entries, **merged}), conflicts)


def _is_lineage_of_snapshot(path: str) -> bool:
    return path.startswith("snapshots/") and posixpath.basename(path) == LINEAGE_FILE


def _free_place(root: Path, ours: str, theirs: str, place: str) -> str:
    number = 2
    while any(list_tree(root, commit, [f"{place}-{number}"]) for commit in (ours, theirs)):
        number += 1
    return f"{place}-{number}"
