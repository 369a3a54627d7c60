"""A tree of files as its manifests tell it, and what lies between two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.hashing import Hasher, hash_files
from dataworkspaces.filetree.manifest import Entry, format_manifest, manifest_name, parse_manifest
from dataworkspaces.filetree.scan import Scan, Skip, scan


@dataclass(frozen=True)
class Tree:
    """A version of a tree of files.

    :param hashval: of the root's manifest.
    :param read: gives a manifest by its hash, or None if there is none; called when it is needed.
    :param manifests: those of all directories of a tree that was scanned, the root's last.
    """

    hashval: str
    read: Callable[[str], bytes | None]
    manifests: Mapping[str, bytes] = field(default_factory=dict)

    def entries(self, hashval: str) -> list[Entry]:
        """What a manifest of this tree lists; raises MetadataError if it is missing or damaged."""
        manifest = self.read(hashval)
        if manifest is None:
            raise MetadataError(f"The manifest {hashval} is missing")
        if manifest_name(manifest) != hashval:
            raise MetadataError(f"The manifest {hashval} is damaged: its content has another hash")
        return parse_manifest(manifest, f"the manifest {hashval}")


@dataclass(frozen=True)
class Change:
    """An entry that differs. The path of an empty directory ends with ``/``."""

    status: Literal["added", "deleted", "modified"]
    path: str


def scan_tree(root: Path, hasher: Hasher, skip: Skip | None = None) -> Tree:
    """The tree below ``root`` as it is now; errors as for :func:`scan` and :func:`build_tree`."""
    return build_tree(scan(root, skip), hasher)


def build_tree(scanned: Scan, hasher: Hasher, advance: Callable[[int], None] | None = None) -> Tree:
    """The tree of what was scanned. ``advance`` is told how many files more have been hashed.

    Raises ConfigurationError, which names them, for files that cannot be read."""
    values = hash_files(scanned, hasher, advance)
    manifests: dict[str, bytes] = {}
    hashes: dict[str, str] = {}
    for directory in reversed(scanned.directories):
        start = len(values) - len(directory.files)
        entries = [Entry(v, "blob", f.name) for v, f in zip(values[start:], directory.files, strict=True)]
        del values[start:]
        entries += [Entry(_hash_target(link.target), "link", link.name) for link in directory.links]
        entries += [Entry(hashes.pop(directory.path_of(n)), "tree", n) for n in directory.directories]
        manifest = format_manifest(entries)
        hashes[directory.path] = manifest_name(manifest)
        manifests[hashes[directory.path]] = manifest
    root = hashes[""]
    manifests[root] = manifests.pop(root)
    return Tree(root, manifests.get, manifests)


def diff_trees(old: Tree, new: Tree) -> list[Change]:
    """What has to change in ``old`` to make it ``new``, by path. Directories that are equal are not read."""
    changes: list[Change] = []
    pending: list[tuple[str, str | None, str | None]] = [("", old.hashval, new.hashval)]
    while pending:
        prefix, old_hash, new_hash = pending.pop()
        if old_hash == new_hash:
            continue
        before = {} if old_hash is None else {e.name: e for e in old.entries(old_hash)}
        after = {} if new_hash is None else {e.name: e for e in new.entries(new_hash)}
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


def _hash_target(target: bytes) -> str:
    return hashlib.sha1(target, usedforsecurity=False).hexdigest()
