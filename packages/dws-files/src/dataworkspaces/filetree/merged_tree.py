"""Merging two trees that came from a common one, file by file.

What only one side changed is taken from it. What both changed, each in its way, is kept twice: ours under its name,
theirs beside it. Nothing that is in either tree is lost, unless the other side deleted or replaced it, and this side
left it as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dataworkspaces.filetree.manifest import Entry, manifest_name
from dataworkspaces.filetree.tree import NewManifests, Tree

_NAME_BYTES = 255
"""Of a name, at most, in the file systems in use."""


@dataclass(frozen=True)
class Conflict:
    """Something that both sides changed. ``path`` holds what was there on our side, or what the one side changed that
    the other deleted; ``copy`` is where theirs is, None if there is only one."""

    path: str
    copy: str | None = None

    def __str__(self) -> str:
        return f"{self.path} (theirs: {self.copy})" if self.copy is not None else f"{self.path} (deleted on one side)"


@dataclass
class MergedTree:
    """:ivar tree: reads the new manifests, and those of both sides. :ivar conflicts: by path."""

    tree: Tree
    conflicts: list[Conflict] = field(default_factory=list)


def empty_tree() -> Tree:
    """A tree without entries."""
    return Tree(manifest_name(b""), {manifest_name(b""): b""}.get)


def entry_at(tree: Tree, path: str) -> Entry | None:
    """What lies at a path; None if nothing does."""
    entry: Entry | None = Entry(tree.hashval, "tree", "")
    for part in path.split("/"):
        if entry is None or not _is_tree(entry):
            return None
        entry = tree.by_name(entry.value).get(part)
    return entry


def rename_entry(tree: Tree, path: str, new_name: str) -> Tree:
    """The tree with another name for what lies at a path; the same if nothing does, or if something has that name."""
    made = NewManifests(tree)
    *parents, name = path.split("/")
    levels = [tree.by_name(tree.hashval)]
    for part in parents:
        found = levels[-1].get(part)
        if found is None or not _is_tree(found):
            return tree
        levels.append(tree.by_name(found.value))
    if name not in levels[-1] or new_name in levels[-1] or "/" in new_name or new_name in ("", ".", ".."):
        return tree
    levels[-1][new_name] = levels[-1].pop(name)._replace(name=new_name)
    for number in range(len(levels) - 1, -1, -1):
        hashval = made.add(levels[number].values())
        if number:
            above = levels[number - 1]
            above[parents[number - 1]] = above[parents[number - 1]]._replace(value=hashval)
    return Tree(hashval, made.read)


def merge_trees(
    base: Tree,
    ours: Tree,
    theirs: Tree,
    suffix: str | None,
    is_old: Callable[[str, Entry], bool] = lambda _path, _entry: False,
) -> MergedTree:
    """Merge ``theirs`` into ``ours``. Directories that two of the three have in common are not read.

    :param suffix: what the name of theirs gets at a conflict; None to have ours alone, for a tree that is only a base.
    :param is_old: whether something of ours is of an earlier version of theirs, though it is not in ``base``."""
    return _Merger(base, ours, theirs, suffix, is_old).merge()


class _Merger:
    def __init__(
        self, base: Tree, ours: Tree, theirs: Tree, suffix: str | None, is_old: Callable[[str, Entry], bool]
    ) -> None:
        self.base, self.ours, self.theirs = base, ours, theirs
        self.suffix = suffix
        self.is_old = is_old
        self.made = NewManifests(ours, theirs)
        self.conflicts: list[Conflict] = []

    def merge(self) -> MergedTree:
        root = self._directory("", self.base.hashval, self.ours.hashval, self.theirs.hashval)
        return MergedTree(Tree(root, self.made.read), sorted(self.conflicts, key=lambda conflict: conflict.path))

    def _directory(self, prefix: str, base: str | None, ours: str, theirs: str | None) -> str:
        """The manifest of a directory. ``theirs`` or ``base`` is None where there is no directory."""
        if ours == theirs or theirs == base:
            return ours
        if ours == base and theirs is not None:
            return theirs
        return self._entries(prefix, self.base.by_name(base), self.ours.by_name(ours), self.theirs.by_name(theirs))

    def _entries(
        self, prefix: str, base: Mapping[str, Entry], ours: Mapping[str, Entry], theirs: Mapping[str, Entry]
    ) -> str:
        merged: dict[str, Entry] = {}
        copies: dict[str, Entry] = {}
        for name in sorted(ours.keys() | theirs.keys()):
            chosen, copy = self._entry(prefix + name, base.get(name), ours.get(name), theirs.get(name))
            if chosen is not None:
                merged[name] = chosen
            if copy is not None and self.suffix is not None:
                copies[name] = copy
        taken = {*merged, *ours, *theirs}
        for name, entry in copies.items():
            first = _name_with(name, f".{self.suffix}")
            before = merged.get(first)
            if before is not None and _same_content(before, entry):
                continue  # an earlier merge has kept it
            is_earlier = before is not None and _same_content(before, base.get(name)) and first not in theirs
            free = first if is_earlier else _free_name(name, self.suffix or "", taken)
            taken.add(free)
            merged[free] = entry._replace(name=free)
            self.conflicts.append(Conflict(prefix + name, prefix + free))
        return self.made.add(merged.values())

    def _entry(
        self, path: str, base: Entry | None, ours: Entry | None, theirs: Entry | None
    ) -> tuple[Entry | None, Entry | None]:
        """What stays under the name, and what is kept beside it."""
        if ours == theirs or theirs == base:
            return ours, None
        if ours == base:
            return theirs, None
        if ours is None or theirs is None:
            left = ours or theirs
            return None if left is None else self._changed_and_deleted(path, base, left, ours is not None), None
        if _is_tree(ours) and _is_tree(theirs):
            base_tree = base.value if base is not None and _is_tree(base) else None
            return ours._replace(value=self._directory(f"{path}/", base_tree, ours.value, theirs.value)), None
        if self.is_old(path, ours):
            return theirs, None
        return ours, theirs

    def _changed_and_deleted(self, path: str, base: Entry | None, left: Entry, is_ours: bool) -> Entry | None:
        """One side has deleted what the other changed: what it changed stays."""
        if base is None or not (_is_tree(left) and _is_tree(base)):
            self._note_deleted(path)
            return left
        side = self.ours if is_ours else self.theirs
        value = self._left_of(f"{path}/", side, base.value, left.value)
        return None if value is None else left._replace(value=value)

    def _left_of(self, prefix: str, side: Tree, base: str, left: str) -> str | None:
        """What one side has changed in a directory that the other deleted; None if that is nothing."""
        before = self.base.by_name(base)
        kept: list[Entry] = []
        for entry in side.entries(left):
            old = before.get(entry.name)
            if old == entry:
                continue
            if old is not None and _is_tree(old) and _is_tree(entry):
                value = self._left_of(f"{prefix}{entry.name}/", side, old.value, entry.value)
                if value is not None:
                    kept.append(entry._replace(value=value))
                continue
            if old is not None:
                self._note_deleted(prefix + entry.name)
            kept.append(entry)
        return self.made.add(kept) if kept else None

    def _note_deleted(self, path: str) -> None:
        if self.suffix is not None:
            self.conflicts.append(Conflict(path))


def _is_tree(entry: Entry) -> bool:
    return entry.kind == "tree"


def _same_content(one: Entry, other: Entry | None) -> bool:
    return other is not None and one[:2] == other[:2]


def _free_name(name: str, suffix: str, taken: set[str]) -> str:
    """A name beside another. The suffix comes last, so that no pattern for the other's kind of file takes it."""
    ends = (f".{suffix}", *(f".{suffix}-{number}" for number in range(2, len(taken) + 3)))
    return next(free for free in (_name_with(name, end) for end in ends) if free not in taken)


def _name_with(name: str, end: str) -> str:
    room = _NAME_BYTES - len(end.encode())
    return name.encode("utf-8", "surrogateescape")[:room].decode("utf-8", "surrogateescape") + end
