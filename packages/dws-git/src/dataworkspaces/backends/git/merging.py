"""Merging a workspace with its origin: metadata by meaning, results side by side, all else as git does."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.backends.git.metadata_merge import (
    Content,
    MetadataMerge,
    both_sides,
    merge_metadata,
    names_to_read,
)
from dataworkspaces.gitrepo.merge import Merge, merge_base, merge_commits
from dataworkspaces.gitrepo.objects import (
    TreeEntry,
    build_tree,
    changed_entries,
    list_tree,
    read_blobs,
    write_blobs,
)
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.workspace.factory import METADATA_DIR
from dataworkspaces.workspace.snapshot_resource import LINEAGE_FILE

_GITIGNORE = ".gitignore"
_FILE_MODE = "100644"


@dataclass(frozen=True)
class WorkspaceMerge:
    """A merge that is ready to be committed, or has conflicts in the user's own files.

    :ivar merge: the tree, and these conflicts.
    :ivar metadata: what became of the metadata."""

    merge: Merge
    metadata: MetadataMerge


@dataclass(frozen=True)
class ResultsDirectory:
    """A results resource in the workspace's repository."""

    path: str

    def holds(self, path: str) -> bool:
        return path.startswith(f"{self.path}/")


def merge_workspace(
    root: Path,
    ours: str,
    theirs: str,
    *,
    results: Sequence[ResultsDirectory],
    exported: Iterable[str],
    tags: Iterable[str],
    resource_names: Iterable[str],
) -> WorkspaceMerge:
    """Merge two commits of a workspace. Nothing but git's objects changes.

    :param results: where results lie in the repository.
    :param exported: directories of exported resources, whose ``lineage.json`` is made anew at each snapshot.
    :param tags, resource_names: all that there are here."""
    base = merge_base(root, ours, theirs)
    found = merge_commits(root, ours, theirs, follow_renames=False)
    within = [METADATA_DIR, _GITIGNORE]
    sides = both_sides(changed_entries(root, base, ours, within), changed_entries(root, base, theirs, within))
    blobs = read_blobs(root, names_to_read(sides))
    metadata = merge_metadata(sides, blobs.__getitem__, tags, resource_names)
    entries = _stored(root, metadata.contents)
    entries |= _results(root, ours, theirs, results, metadata, found)
    for directory in exported:
        path = posixpath.join(directory, LINEAGE_FILE)
        if path in found.conflicts:
            entries[path] = found.conflicts[path].get(3) or found.conflicts[path].get(2)
    conflicts = {path: stages for path, stages in found.conflicts.items() if path not in entries}
    if any(len(stages) < 3 for stages in conflicts.values()):
        without = [METADATA_DIR, *(directory.path for directory in results)]
        own = _merge_with_renames(root, base, ours, theirs, without)
        left = {path: stages for path, stages in own.conflicts.items() if path not in entries}
        if len(left) < len(conflicts):
            entries = {**list_tree(root, found.tree, without), **entries}
            found, conflicts = own, left
    tree = build_tree(root, found.tree, entries)
    return WorkspaceMerge(Merge(tree, conflicts), metadata)


def _stored(root: Path, contents: dict[str, Content]) -> dict[str, TreeEntry | None]:
    names = write_blobs(root, {path: content for path, content in contents.items() if isinstance(content, bytes)})
    return {
        path: TreeEntry(_FILE_MODE, names[path]) if isinstance(content, bytes) else content
        for path, content in contents.items()
    }


def _results(
    root: Path,
    ours: str,
    theirs: str,
    results: Sequence[ResultsDirectory],
    metadata: MetadataMerge,
    found: Merge,
) -> dict[str, TreeEntry | None]:
    """What lies in directories of results where git's merge is not what is wanted."""
    entries: dict[str, TreeEntry | None] = {}
    for directory in results:
        for old, new in metadata.moved_results.items():
            mine = list_tree(root, ours, [f"{directory.path}/{old}"])
            other = list_tree(root, theirs, [f"{directory.path}/{old}"])
            entries |= dict.fromkeys(mine)
            entries |= other
            prefix = f"{directory.path}/{old}/"
            entries |= {f"{directory.path}/{new}/{path[len(prefix) :]}": entry for path, entry in mine.items()}
        for kept, is_ours in metadata.kept_results.items():
            entries |= list_tree(root, ours if is_ours else theirs, [f"{directory.path}/{kept}"])
        for path, stages in found.conflicts.items():
            # One side's snapshot moved the file away, and the other has written it again.
            if directory.holds(path) and path not in entries and not {2, 3} <= stages.keys():
                entries[path] = stages.get(2) or stages.get(3)
    return entries


def _merge_with_renames(root: Path, base: str, ours: str, theirs: str, without: Sequence[str]) -> Merge:
    """Merge the user's own files, with renames followed. Metadata and results take no part in it: there, a file that
    moved is no renamed file."""
    own_base = _commit_without(root, base, without, [])
    sides = [_commit_without(root, commit, without, [own_base]) for commit in (ours, theirs)]
    return merge_commits(root, *sides, follow_renames=True)


def _commit_without(root: Path, commit: str, without: Sequence[str], parents: Sequence[str]) -> str:
    """A commit of the same files, but for some directories."""
    gone = dict.fromkeys(list_tree(root, commit, without))
    tree = build_tree(root, f"{commit}^{{tree}}", gone)
    options = [option for parent in parents for option in ("-p", parent)]
    done = run_git(root, ["commit-tree", tree, *options, "-m", "files of a workspace"], doing="Merging")
    return done.stdout.decode("ascii").strip()
