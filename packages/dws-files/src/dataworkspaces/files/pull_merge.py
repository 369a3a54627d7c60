"""What a pull makes of a directory of files: ours merged with each snapshot that is not in it, against what they have
in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataworkspaces.errors import DwsError, MetadataError, UnavailableError
from dataworkspaces.filetree import Entry, Tree
from dataworkspaces.filetree.merged_tree import Conflict, MergedTree, empty_tree, entry_at, merge_trees, rename_entry

if TYPE_CHECKING:
    from dataworkspaces.files.directory_ancestry import DirectoryAncestry
    from dataworkspaces.files.file_tree import FileTreeMixin

_LOOK_BACK = 50
"""Versions in which something is looked for that may be of an earlier one; snapshots that stand in for one whose files
are not to be had."""


@dataclass
class PullMerge:
    """:ivar tree: what the directory becomes. :ivar seen: the snapshots that are in it. :ivar merged: of these the ones
    that came now. :ivar failed: why others could not. :ivar moved_results: directories of our results, by where they
    were, that are elsewhere now."""

    tree: Tree
    seen: list[str]
    merged: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    failed: list[DwsError] = field(default_factory=list)
    moved_results: dict[str, str] = field(default_factory=dict)


def merge_heads(
    resource: FileTreeMixin, ancestry: DirectoryAncestry, present: Tree, fetch: Callable[[Tree], None]
) -> PullMerge:
    """Merge all that snapshots hold, and the directory does not.

    :param fetch: brings here what a tree needs; raises DwsError if it cannot. Then what that snapshot came after is
        taken, so far as it can be had."""
    graph, name = ancestry.graph, resource.name
    found = PullMerge(present, ancestry.seen(present.hashval))
    known = graph.ancestors(found.seen, name)
    pending = [head for head in ancestry.heads() if head not in known]
    tried: set[str] = set()
    while pending and len(tried) < _LOOK_BACK:
        head = pending.pop(0)
        if head in tried or head in graph.ancestors(found.seen, name):
            continue
        tried.add(head)
        try:
            trees = _Trees(resource, ancestry)
            merged = trees.merge(found.seen, found.tree, head)
            fetch(merged.tree)
        except DwsError as e:
            found.failed.append(e)
            if not _is_unavailable(e):
                pending += reversed(graph.sort(p for p in graph.parents(head, name) if p in graph))
            continue
        found.tree = merged.tree
        found.moved_results |= trees.moved
        found.conflicts += merged.conflicts
        found.seen = graph.newest_of([*found.seen, head], name)
        found.merged.append(head)
    return found


def _is_unavailable(error: DwsError) -> bool:
    return isinstance(error, UnavailableError) or isinstance(error.__cause__, UnavailableError)


class _Trees:
    """The trees of snapshots, and what two sides have in common."""

    def __init__(self, resource: FileTreeMixin, ancestry: DirectoryAncestry) -> None:
        self.resource = resource
        self.ancestry = ancestry
        self.graph = ancestry.graph
        self.moved: dict[str, str] = {}

    def merge(self, seen: Iterable[str], ours: Tree, head: str) -> MergedTree:
        seen = list(seen)
        theirs = self._tree(head)
        if theirs is None:
            raise MetadataError(
                f"Resource '{self.resource.name}': the workspace holds nothing of its version in snapshot {head[:7]}",
                hint="Whoever took it has to run: dws push",
            )
        if self.resource.as_resource().has_results_role():
            known, new = (self.graph.ancestors(side, self.resource.name) for side in (seen, [head]))
            theirs = self._separated(theirs, new - known)
            self.moved.clear()
            ours = self._separated(ours, known - new)
        is_old = self._is_of_earlier(head) if not seen else lambda _path, _entry: False
        return merge_trees(self.base(seen, [head]), ours, theirs, self._suffix(head), is_old)

    def _separated(self, tree: Tree, snapshots: Iterable[str]) -> Tree:
        """A tree with the results of these snapshots where they are now: a merge of the workspace gave others their
        directory."""
        workspace = self.resource.workspace.as_snapshot_ws()
        for snapshot in self.graph.sort(s for s in snapshots if s in self.graph):
            metadata = workspace.get_snapshot_metadata(snapshot)
            before, version = metadata.results_moved_from, self._tree(snapshot)
            if before is None or version is None or entry_at(version, before) != entry_at(tree, before):
                continue
            parent, _, name = metadata.relative_destination_path.rpartition("/")
            if parent == before.rpartition("/")[0]:
                renamed = rename_entry(tree, before, name)
                if renamed is not tree:  # so both are places in the tree, whoever wrote the metadata
                    self.moved[before] = metadata.relative_destination_path
                tree = renamed
        return tree

    def base(self, ours: Iterable[str], theirs: Iterable[str]) -> Tree:
        """What both sides came from. Of several, which merges of both sides have left, a merge."""
        graph, name = self.graph, self.resource.name
        common = graph.ancestors(ours, name) & graph.ancestors(theirs, name)
        newest, found = self._with_tree(graph.newest_of(common, name)), empty_tree()
        for number, (snapshot, tree) in enumerate(newest):
            known = [before for before, _ in newest[:number]]
            found = tree if not number else merge_trees(self.base(known, [snapshot]), found, tree, None).tree
        return found

    def _with_tree(self, snapshots: list[str]) -> list[tuple[str, Tree]]:
        """Snapshots, or what they came after, that have a version."""
        found: list[tuple[str, Tree]] = []
        pending, looked_at = list(snapshots), set[str]()
        while pending:
            snapshot = pending.pop(0)
            tree = self._tree(snapshot)
            if tree is not None:
                found.append((snapshot, tree))
            elif snapshot not in looked_at:
                pending += self.graph.parents(snapshot, self.resource.name)
            looked_at.add(snapshot)
        return found

    def _tree(self, snapshot: str) -> Tree | None:
        return self.resource.stored_tree(self.ancestry.version_of(snapshot))

    def _suffix(self, head: str) -> str:
        host = self.resource.workspace.as_snapshot_ws().get_snapshot_metadata(head).hostname
        return re.sub(r"[^A-Za-z0-9_-]+", "_", host)[:40] or "theirs"

    def _is_of_earlier(self, head: str) -> Callable[[str, Entry], bool]:
        """Whether an entry is what a version before had at that path: files that git brought, say."""
        name = self.resource.name
        ancestors = reversed(self.graph.sort(s for s in self.graph.ancestors([head], name) if s in self.graph))
        versions = list(dict.fromkeys(filter(None, map(self.ancestry.version_of, ancestors))))[:_LOOK_BACK]

        def is_old(path: str, entry: Entry) -> bool:
            trees = (self.resource.stored_tree(version) for version in versions)
            return any(tree is not None and entry_at(tree, path) == entry for tree in trees)

        return is_old
