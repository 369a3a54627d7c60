"""Trees on file systems that lack something: executable bits, symbolic links, some names, or the difference of cases.

What such a file system cannot hold stays in the versions that are recorded on it as it was in the version before: a
snapshot deletes it for nobody, and turns no file into another kind.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from dataworkspaces.filetree.manifest import Entry
from dataworkspaces.filetree.tree import NewManifests, Tree

_MODELESS = frozenset({"vfat", "msdos", "exfat", "fuseblk", "fuse", "ntfs", "ntfs3", "cifs", "smb3", "9p", "drvfs"})
"""Types of file systems that may keep no executable bits; whether one does is tried out."""
_FILES = ("blob", "exec")


def with_left_out(tree: Tree, base: Tree, paths: Iterable[str]) -> Tree:
    """A tree, and of ``base`` what lies at paths at which the tree has nothing."""
    changed = NewManifests(tree, base)
    wanted: dict[str, set[str]] = {}
    for path in paths:
        parts = path.split("/")
        for depth in range(len(parts)):
            wanted.setdefault("/".join(parts[:depth]), set()).add(parts[depth])
    whole = set(paths)

    def merged(directory: str, hashval: str | None, base_hash: str) -> str:
        entries, before = tree.by_name(hashval), base.by_name(base_hash)
        for name in wanted.get(directory, ()):
            path, old = f"{directory}/{name}" if directory else name, before.get(name)
            present = entries.get(name)
            if old is None:
                continue
            if path in whole and present is None:
                entries[name] = old
            elif old.kind == "tree" and (present is None or present.kind == "tree") and path in wanted:
                inner = merged(path, None if present is None else present.value, old.value)
                entries[name] = Entry(inner, "tree", name)
        return changed.add(entries.values())

    return Tree(merged("", tree.hashval, base.hashval), changed.read)


def with_modes_of(tree: Tree, base: Tree | None) -> Tree:
    """A tree whose files are executable if they are so in ``base``."""
    changed = NewManifests(tree)

    def moded(hashval: str, base_hash: str | None) -> str:
        before = {} if base is None else base.by_name(base_hash)
        entries = []
        for entry in tree.entries(hashval):
            old = before.get(entry.name)
            if entry.kind == "tree":
                inner = moded(entry.value, old.value if old is not None and old.kind == "tree" else None)
                entry = entry._replace(value=inner)
            elif entry.kind in _FILES:
                kind = old.kind if old is not None and old.kind in _FILES else "blob"
                entry = entry._replace(kind=kind)
            entries.append(entry)
        return changed.add(entries)

    return Tree(moded(tree.hashval, None if base is None else base.hashval), changed.read)


def keeps_modes(root: Path) -> bool:
    """Whether the file system keeps executable bits. A file is made to see it, but only where that may not be so."""
    if _type_of(root) not in _MODELESS:
        return True
    path = root / f".dws-{os.urandom(8).hex()}.tmp"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return True
    try:
        without = os.fstat(fd).st_mode & stat.S_IXUSR
        with suppress(OSError):
            os.fchmod(fd, 0o700)
        return not without and bool(os.fstat(fd).st_mode & stat.S_IXUSR)
    finally:
        os.close(fd)
        path.unlink(missing_ok=True)


def _type_of(place: Path) -> str:
    """The type of the file system, up to a dot (``fuse.sshfs``); empty if the system does not tell."""
    try:
        device = place.stat().st_dev
        told = f"{os.major(device)}:{os.minor(device)}"
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            for line in file:
                fields = line.split(" ")
                if fields[2] == told:
                    return fields[fields.index("-") + 1].partition(".")[0]
    except (OSError, ValueError, IndexError):
        pass
    return ""
