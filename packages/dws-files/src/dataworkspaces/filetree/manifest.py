"""Manifests: the text that records one directory.

A line for each entry, in the order of the names' bytes::

    VALUE TAB KIND TAB NAME

======== =====================================================================
``blob`` a file: its size in decimal, or the SHA-1 of its content, or ``SIZE:BLAKE3``
``exec`` an executable file: ``SIZE:BLAKE3``
``tree`` a directory: the name of its manifest
``link`` a symbolic link: the SHA-1 of its target's text, or ``SIZE:BLAKE3``
======== =====================================================================

A manifest's name is the SHA-1 of its bytes, so that the name of the root's manifest stands for the whole
tree. The format is that of release 1.6, which knew no ``exec``, ``link``, BLAKE3 and quoting. A name is written as its
bytes are, except that one with a tab or line break, or one that looks quoted, is put between double quotes, with
``\\t``, ``\\n`` and ``\\\\`` in it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Literal, NamedTuple, cast

from dataworkspaces.errors import MetadataError

Kind = Literal["blob", "exec", "tree", "link"]

_ESCAPES = {b"\\": b"\\\\", b"\t": b"\\t", b"\n": b"\\n"}
_UNESCAPES = {escaped: char for char, escaped in _ESCAPES.items()}
_HASH_RE = re.compile(r"[0-9a-f]{40}\Z")
_CONTENT = r"\d{1,19}:[0-9a-f]{64}"
_VALUE_RES = {
    "blob": re.compile(rf"({_CONTENT}|[0-9a-f]{{40}}|\d+)\Z", re.ASCII),
    "exec": re.compile(rf"{_CONTENT}\Z", re.ASCII),
    "tree": _HASH_RE,
    "link": re.compile(rf"({_CONTENT}|[0-9a-f]{{40}})\Z", re.ASCII),
}

_PLAIN_LINE = re.compile(
    rb"^(\d{1,19}:[0-9a-f]{64}(?=\t(?:blob|exec|link)\t)|[0-9a-f]{40}(?=\t(?:blob|tree|link)\t)|\d+(?=\tblob\t))"
    rb"\t(blob|exec|tree|link)\t(?!\.\.?\n)([^\"/\0\t\n][^/\0\t\n]*)\n",
    re.MULTILINE,
)
"""A whole line, as nearly all are: with a valid value and a name that is not quoted."""
_NOT_PLAIN = re.compile(r'[\t\n"]')
"""Names with one of these may have to be quoted."""


class Entry(NamedTuple):
    """One line of a manifest. The name is as :func:`os.fsdecode` gives it, whatever the locale of this process: in the
    manifest are the bytes that the file system has."""

    value: str
    kind: Kind
    name: str


_NAME = itemgetter(2)


def manifest_name(manifest: bytes) -> str:
    """The hash that a manifest is stored under."""
    return hashlib.sha1(manifest, usedforsecurity=False).hexdigest()


NO_FILES = manifest_name(b"")
"""The version of an empty directory."""


def format_manifest(entries: Iterable[tuple[str, Kind, str]]) -> bytes:
    """The manifest of a directory, whatever the order of its ``entries``."""
    entries = sorted(entries, key=_NAME)
    names = "\0".join(map(_NAME, entries))
    if names.isascii() and not _NOT_PLAIN.search(names):  # the order of characters is that of bytes
        return "".join([f"{value}\t{kind}\t{name}\n" for value, kind, name in entries]).encode("ascii")
    lines = sorted((os.fsencode(name), f"{value}\t{kind}\t".encode("ascii")) for value, kind, name in entries)
    return b"".join(start + _quote(name) + b"\n" for name, start in lines)


def parse_manifest(manifest: bytes, what: str = "manifest") -> list[Entry]:
    """The entries of a manifest; raises MetadataError, which names ``what`` was read, if it is not valid.

    It may come from somebody else, so a name that could not stand in a directory is not valid."""
    found = _PLAIN_LINE.findall(manifest)
    if not found or len(found) != manifest.count(b"\n") or not manifest.endswith(b"\n"):
        return _parse_lines(manifest, what)
    values, kinds, names = map(decoded, zip(*found, strict=True))
    return list(map(Entry, values, cast("list[Kind]", kinds), names))


def _parse_lines(manifest: bytes, what: str) -> list[Entry]:
    entries = []
    for number, line in enumerate(manifest.split(b"\n"), start=1):
        if not line:
            continue
        fields = line.split(b"\t", 2)
        if len(fields) == 3 and fields[0].isascii() and fields[1].isascii():
            value, kind, name = fields[0].decode("ascii"), fields[1].decode("ascii"), _unquote(fields[2])
            is_plain = name not in (b"", b".", b"..") and b"/" not in name and b"\0" not in name
            if is_plain and kind in _VALUE_RES and _VALUE_RES[kind].match(value):
                entries.append(Entry(value, kind, os.fsdecode(name)))  # type: ignore[arg-type]
                continue
        raise MetadataError(f"Line {number} of {what} is not valid: {line!r}")
    return entries


def decoded(texts: Sequence[bytes]) -> list[str]:
    """As :func:`os.fsdecode` decodes each; texts without line breaks."""
    together = b"\n".join(texts)
    return together.decode("ascii").split("\n") if together.isascii() else list(map(os.fsdecode, texts))


def _looks_quoted(text: bytes) -> bool:
    return len(text) >= 2 and text[:1] == text[-1:] == b'"'


def _quote(name: bytes) -> bytes:
    if b"\t" not in name and b"\n" not in name and not _looks_quoted(name):
        return name
    return b'"' + re.sub(rb"[\\\t\n]", lambda match: _ESCAPES[match.group()], name) + b'"'


def _unquote(text: bytes) -> bytes:
    if not _looks_quoted(text):
        return text
    return re.sub(rb"\\[\\tn]", lambda match: _UNESCAPES[match.group()], text[1:-1])
