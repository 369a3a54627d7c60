"""Merging a workspace with its origin: metadata by meaning, results side by side, all else as git does."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.backends.git.metadata_merge import Content, MetadataMerge, merge_metadata, names_to_read
from dataworkspaces.gitrepo.merge import Merge, merge_base, merge_commits
from dataworkspaces.gitrepo.objects import build_tree, write_blobs
from dataworkspaces.gitrepo.plumbing import TreeEntry, list_tree, read_blobs
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.gitrepo.sides import Sides, compare_sides, merge_contents, settle
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

_GITIGNORE = ".gitignore"
_FILE_MODE = "100644"


@dataclass(frozen=True)
class WorkspaceMerge:
    """A merge that is ready to be committed, or has conflicts in the user's own files.

    :ivar merge: the tree, and these conflicts.
    :ivar metadata: what became of the metadata."""

    merge: Merge
    metadata: MetadataMerge


def merge_workspace(
    root: Path,
    ours: str,
    theirs: str,
    *,
    prefix: str,
    results: Sequence[str],
    exported: Iterable[str],
    tags: Iterable[str],
    resource_names: Iterable[str],
) -> WorkspaceMerge:
    """Merge two commits of a workspace. Nothing but git's objects changes.

    :param ours, theirs: names of the commits, which also stand at git's marks in files.
    :param prefix: where the workspace lies in the repository: ``""``, or ``a/b/``.
    :param results: directories of results resources, relative to the root of the repository, as all paths of the merge.
    :param exported: directories of exported resources, whose ``lineage.json`` is made anew at each snapshot.
    :param tags, resource_names: all that there are here."""
    base = merge_base(root, ours, theirs)
    places = [f"{prefix}{METADATA_DIR}", f"{prefix}{_GITIGNORE}"]
    compared = compare_sides(root, base, ours, theirs, places)
    sides = {path.removeprefix(prefix): side for path, side in compared.items()}
    blobs = read_blobs(root, names_to_read(sides))
    metadata = merge_metadata(sides, blobs.__getitem__, tags, resource_names)
    apart = [places[0], *results]
    own = _merge_own_files(root, base, ours, theirs, apart)
    entries: dict[str, TreeEntry | None] = dict(list_tree(root, ours, apart))
    entries |= _stored(root, {f"{prefix}{path}": content for path, content in metadata.contents.items()})
    found, conflicts = _merge_results(root, base, ours, theirs, results, metadata)
    entries |= found
    conflicts |= {path: stages for path, stages in own.conflicts.items() if path not in entries}
    entries |= _with_labels(root, conflicts, entries, (ours, theirs))
    for path in [posixpath.join(directory, LINEAGE_FILE) for directory in exported]:
        if path in conflicts:
            stages = conflicts.pop(path)
            entries[path] = stages.get(3) or stages.get(2)
    return WorkspaceMerge(Merge(build_tree(root, own.tree, entries), conflicts), metadata)


def _stored(root: Path, contents: dict[str, Content]) -> dict[str, TreeEntry | None]:
    names = write_blobs(root, {path: content for path, content in contents.items() if isinstance(content, bytes)})
    return {
        path: TreeEntry(_FILE_MODE, names[path]) if isinstance(content, bytes) else content
        for path, content in contents.items()
    }


def _merge_results(
    root: Path, base: str, ours: str, theirs: str, results: Sequence[str], metadata: MetadataMerge
) -> tuple[dict[str, TreeEntry | None], dict[str, dict[int, TreeEntry]]]:
    """What changes in directories of results, compared with ours; and conflicts."""
    if not results:
        return {}, {}
    settled, unsettled = settle(compare_sides(root, base, ours, theirs, results))
    entries: dict[str, TreeEntry | None] = dict(settled)
    for directory in results:
        for old, new in metadata.moved_results.items():
            mine, other = (list_tree(root, commit, [f"{directory}/{old}"]) for commit in (ours, theirs))
            entries |= {**dict.fromkeys(mine), **other}
            prefix = f"{directory}/{old}/"
            entries |= {f"{directory}/{new}/{path[len(prefix) :]}": entry for path, entry in mine.items()}
        for kept, is_ours in metadata.kept_results.items():
            entries |= list_tree(root, ours if is_ours else theirs, [f"{directory}/{kept}"])
    left = {path: side for path, side in unsettled.items() if path not in entries}
    # One side's snapshot moved the file away, and the other side has written it again: it stays.
    entries |= {path: side.ours or side.theirs for path, side in left.items() if None in (side.ours, side.theirs)}
    left = {path: side for path, side in left.items() if path not in entries}
    merged, conflicts = merge_contents(root, left, (ours, theirs))
    return {**entries, **merged}, conflicts


def _with_labels(
    root: Path,
    conflicts: Mapping[str, dict[int, TreeEntry]],
    entries: Mapping[str, TreeEntry | None],
    labels: tuple[str, str],
) -> dict[str, TreeEntry]:
    """Files in conflict again, with marks that say whose lines are whose; git's have the names of our commits."""
    both = {path: s for path, s in conflicts.items() if path not in entries and {2, 3} <= s.keys()}
    sides = {path: Sides(stages.get(1), stages[2], stages[3]) for path, stages in both.items()}
    return merge_contents(root, sides, labels)[0]


def _merge_own_files(root: Path, base: str, ours: str, theirs: str, apart: Sequence[str]) -> Merge:
    """Merge the files that are neither metadata nor results, as git does."""
    own_base = _commit_without(root, base, apart, [])
    return merge_commits(root, *(_commit_without(root, commit, apart, [own_base]) for commit in (ours, theirs)))


def _commit_without(root: Path, commit: str, without: Sequence[str], parents: Sequence[str]) -> str:
    """A commit of the same files, but for some directories."""
    gone = dict.fromkeys(list_tree(root, commit, without))
    tree = build_tree(root, f"{commit}^{{tree}}", gone)
    options = [option for parent in parents for option in ("-p", parent)]
    done = run_git(root, ["commit-tree", tree, *options, "-m", "files of a workspace"], doing="Merging")
    return done.stdout.decode("ascii").strip()
