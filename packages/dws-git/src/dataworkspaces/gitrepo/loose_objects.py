"""Objects that git keeps in files of their own, read without starting git: those that it has just written, say.

What is not there, or not as git writes it, is not known here, and git is asked: it may be in a pack, borrowed from
another repository, or damaged.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from dataworkspaces.errors import UnavailableError
from dataworkspaces.gitrepo.checks import is_object_name
from dataworkspaces.gitrepo.layout import has_references_below, head_commit, objects_directory
from dataworkspaces.toolbox.regular import read_regular

_LARGEST = 1 << 20
"""Bytes of an object: a larger one is left to git."""
_HEADER = 64
"""Bytes in which the kind and the size of an object end."""


class NotKnown(Exception):
    """Git has to be asked."""


_Object = tuple[bytes, bytes]
"""Its kind, and its content."""


def resolve_loose(root: Path, names: Sequence[str], elsewhere: Path | None = None) -> list[str | None] | None:
    """What :func:`~dataworkspaces.gitrepo.plumbing.resolve` says of all of these names; None if git has to be asked.

    :param elsewhere: another directory to which git has written objects."""
    objects = objects_directory(root)
    try:
        if objects is None or has_references_below(objects.parent, "refs/replace"):
            return None
        loose = _LooseObjects(root, [objects] if elsewhere is None else [elsewhere, objects])
        return [loose.resolve(name) for name in names]
    except (NotKnown, UnavailableError):
        return None


class _LooseObjects:
    """Of one repository, for one look: what was read once is not read again."""

    def __init__(self, root: Path, directories: Sequence[Path]) -> None:
        self._root, self._directories = root, directories
        self._read: dict[str, _Object] = {}
        self._trees: dict[str, dict[bytes, tuple[bytes, str]]] = {}

    @cached_property
    def _head(self) -> str | None:
        return head_commit(self._root)

    def resolve(self, name: str) -> str | None:
        """Raises NotKnown."""
        start, colon, path = name.partition(":")
        start, peeled, kind = start.partition("^")
        named = start if start != "HEAD" else self._head
        if named is None or not is_object_name(named) or (colon and peeled):
            raise NotKnown
        if colon:
            return self._at(self._tree_of(named), path)
        if kind == "{tree}":
            named = self._tree_of(named)
        elif peeled and (kind != "{commit}" or self._object(named)[0] != b"commit"):
            raise NotKnown
        self._check_is_there(named)
        return named

    def _at(self, tree: str, path: str) -> str | None:
        mode, named = b"40000", tree
        for part in path.split("/") if path else ():
            if part in ("", ".", ".."):
                raise NotKnown
            if mode != b"40000":
                return None
            found = self._entries(named).get(os.fsencode(part))
            if found is None:
                return None
            mode, named = found
        if mode == b"160000":  # a commit of another repository
            raise NotKnown
        self._check_is_there(named)
        return named

    def _tree_of(self, name: str) -> str:
        if self._object(name)[0] == b"tree":
            return name
        first = self._content(name, b"commit").partition(b"\n")[0].decode("ascii", "replace")
        tree = first.removeprefix("tree ")
        if not is_object_name(tree):
            raise NotKnown
        return tree

    def _entries(self, tree: str) -> dict[bytes, tuple[bytes, str]]:
        if tree not in self._trees:
            self._trees[tree] = _entries(self._content(tree, b"tree"), len(tree) // 2)
        return self._trees[tree]

    def _content(self, name: str, kind: bytes) -> bytes:
        found, content = self._object(name)
        if found != kind:
            raise NotKnown
        return content

    def _object(self, name: str) -> _Object:
        if name not in self._read:
            text = self._inflated(name, _LARGEST)
            header, _, content = text.partition(b"\0")
            kind, _, size = header.partition(b" ")
            computed = (hashlib.sha1 if len(name) == 40 else hashlib.sha256)(text, usedforsecurity=False).hexdigest()
            if computed != name or size != b"%d" % len(content):
                raise NotKnown
            self._read[name] = kind, content
        return self._read[name]

    def _check_is_there(self, name: str) -> None:
        if name not in self._read and b"\0" not in self._inflated(name, _HEADER):
            raise NotKnown

    def _inflated(self, name: str, most: int) -> bytes:
        """The first bytes of an object, with its header."""
        for directory in self._directories:
            try:
                packed = read_regular(directory / name[:2] / name[2:], _LARGEST)
                return zlib.decompressobj().decompress(packed, most)
            except FileNotFoundError:
                continue
            except (OSError, zlib.error) as e:
                raise NotKnown from e
        raise NotKnown


def _entries(tree: bytes, length: int) -> dict[bytes, tuple[bytes, str]]:
    """The mode and the object that a tree has by each name: the first, as git takes it.

    :param length: of the names of objects, in bytes."""
    found: dict[bytes, tuple[bytes, str]] = {}
    position = 0
    while position < len(tree):
        end = tree.find(b"\0", position)
        mode, _, name = tree[position:end].partition(b" ")
        position = end + 1 + length
        if end < 0 or position > len(tree):
            raise NotKnown
        found.setdefault(name, (mode, tree[end + 1 : position].hex()))
    return found
