"""A tree of files as its manifests tell it, and what lies between two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.manifest import Entry, format_manifest, manifest_name, parse_manifest


@dataclass(frozen=True)
class Tree:
    """A version of a tree of files.

    :ivar hashval: of the root's manifest.
    :ivar read: gives a manifest by its hash, or None if there is none; called when it is needed.
    """

    hashval: str
    read: Callable[[str], bytes | None]

    def entries(self, hashval: str) -> list[Entry]:
        """What a manifest of this tree lists; raises MetadataError if it is missing or damaged."""
        return parse_manifest(self.manifest(hashval), f"the manifest {hashval}")

    def by_name(self, hashval: str | None) -> dict[str, Entry]:
        """As :meth:`entries`, by name; {} for None, which stands for no directory."""
        return {} if hashval is None else {entry.name: entry for entry in self.entries(hashval)}

    def manifests(self, is_stored: Callable[[str], bool] | None = None) -> dict[str, bytes]:
        """The manifests by their hashes, a directory's after those of the directories in it.

        Whoever stores them in that order can say by ``is_stored`` which are there: what lies below them is there too,
        and is not looked at."""
        found: dict[str, bytes] = {}
        pending: list[tuple[str, bool]] = [(self.hashval, False)]
        while pending:
            hashval, is_done = pending.pop()
            if hashval in found or (not is_done and is_stored is not None and is_stored(hashval)):
                continue
            manifest = self.manifest(hashval)
            if is_done:
                found[hashval] = manifest
                continue
            pending.append((hashval, True))
            if b"\ttree\t" in manifest:
                pending += [(e.value, False) for e in self.entries(hashval) if e.kind == "tree"]
        return found

    def manifest(self, hashval: str) -> bytes:
        """A manifest of this tree; raises MetadataError if it is missing or damaged."""
        manifest = self.read(hashval)
        if manifest is None:
            raise MetadataError(f"The manifest {hashval} is missing")
        if manifest_name(manifest) != hashval:
            raise MetadataError(f"The manifest {hashval} is damaged: its content does not match its hash")
        return manifest


class NewManifests:
    """Manifests that are made of those of trees, which read what is not new."""

    def __init__(self, *trees: Tree) -> None:
        self._new: dict[str, bytes] = {}
        self._reads: list[Callable[[str], bytes | None]] = [self._new.get, *(tree.read for tree in trees)]

    def add(self, entries: Iterable[Entry]) -> str:
        """The hash of the manifest of a directory."""
        manifest = format_manifest(entries)
        hashval = manifest_name(manifest)
        self._new[hashval] = manifest
        return hashval

    def read(self, hashval: str) -> bytes | None:
        for read in self._reads:
            found = read(hashval)
            if found is not None:
                return found
        return None


@dataclass(frozen=True)
class Change:
    """An entry that differs. The path of an empty directory ends with ``/``."""

    status: Literal["added", "deleted", "modified"]
    path: str


def diff_trees(old: Tree, new: Tree) -> list[Change]:
    """What has to change in ``old`` to make it ``new``, by path. Directories that are equal are not read."""
    changes: list[Change] = []
    pending: list[tuple[str, str | None, str | None]] = [("", old.hashval, new.hashval)]
    while pending:
        prefix, old_hash, new_hash = pending.pop()
        if old_hash == new_hash:
            continue
        before, after = old.by_name(old_hash), new.by_name(new_hash)
        if not before and new_hash is None:
            changes.append(Change("deleted", prefix))
        if not after and old_hash is None:
            changes.append(Change("added", prefix))
        for name in before.keys() | after.keys():
            b, a = before.get(name), after.get(name)
            if b == a:
                continue
            path = prefix + name
            old_tree = b.value if b is not None and b.kind == "tree" else None
            new_tree = a.value if a is not None and a.kind == "tree" else None
            if old_tree is not None or new_tree is not None:
                pending.append((f"{path}/", old_tree, new_tree))
            if b is not None and old_tree is None:
                changes.append(Change("modified" if a is not None and new_tree is None else "deleted", path))
            elif a is not None and new_tree is None:
                changes.append(Change("added", path))
    return sorted(changes, key=lambda change: (change.path, change.status))
