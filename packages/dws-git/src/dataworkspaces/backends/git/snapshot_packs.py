"""Packs: files that each hold the manifests and the lineage of many snapshots.

With a file a manifest and a file a resource's lineage, git's index of a workspace with thousands of snapshots has tens
of thousands of entries, which git reads and writes at each commit. So older snapshots go together into a pack (see
:mod:`.pack_writer`). What never changes is in packs; what does, the metadata, stays a file a snapshot. It alone says
that a snapshot is there: what a pack holds of one that was deleted is never read.

A pack is text, a JSON document a line. The first line, the *header*, has ``format`` and, by hash, ``snapshots``: where
the line of each begins, in bytes behind the header, and its length. That line has ``manifest``, the text of the
manifest, and ``lineage``: by resource the document that ``snapshot_lineage/HASH/RESOURCE.json`` held, whose
``lineages`` are places (begin and length) of entries. Each entry is there once, however many snapshots have it: what a
snapshot needs is what is new in it. The name of a pack is the SHA-256 of its content, so no pack is ever written to,
two copies that pack differently have nothing to merge, and where two packs hold one snapshot, all copies take the first
by name.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from dataworkspaces.errors import MetadataError, NotSupportedError
from dataworkspaces.toolbox.atomic import unreadable
from dataworkspaces.toolbox.regular import read_regular
from dataworkspaces.workspace.results import manifest_hash

FORMAT = 1
PACK_NAME_RE = r"[0-9a-f]{64}\.jsonl"
MAX_BYTES = 256 << 20
"""More than any pack, or any document in one, can have."""
_NEAR = 1 << 16
"""Bytes that are read together, whoever needs how many of them."""

Documents = Mapping[str, dict[str, Any]]
"""The lineage of a snapshot, by resource."""
ReadPart = Callable[[int, int], bytes]
"""The bytes of a pack from a place on, as many as are asked for."""


class PackedSnapshot(NamedTuple):
    """What a pack holds of one."""

    hashval: str
    manifest: str
    lineage: Documents


def encode(snapshots: Iterable[PackedSnapshot]) -> bytes:
    """The content of a pack; the same for the same snapshots in the same order."""
    body = bytearray()
    entries: dict[bytes, list[int]] = {}
    places: dict[str, list[int]] = {}

    def add(line: bytes) -> list[int]:
        place = [len(body), len(line)]
        body.extend(line + b"\n")
        return place

    for snapshot in snapshots:
        lineage = {}
        for name, document in sorted(snapshot.lineage.items()):
            lines = [_line(entry) for entry in document["lineages"]]
            for line in lines:
                if line not in entries:
                    entries[line] = add(line)
            lineage[name] = {**document, "lineages": [entries[line] for line in lines]}
        places[snapshot.hashval] = add(_line({"manifest": snapshot.manifest, "lineage": lineage}))
    return _line({"format": FORMAT, "snapshots": places}) + b"\n" + bytes(body)


def name_of(content: bytes) -> str:
    """Of the file of a pack."""
    return f"{hashlib.sha256(content).hexdigest()}.jsonl"


def _line(data: Any) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode("ascii")


class Pack:
    """One, of which only what is asked for is read.

    :param where: what messages call it.
    :param read: of the whole file.

    Raises MetadataError if it is damaged, NotSupportedError if a newer release wrote it."""

    def __init__(self, where: str, read: ReadPart) -> None:
        self._where = where
        self._read = read
        line = self._header()
        header = self._object(line)
        if header.get("format") != FORMAT:
            raise NotSupportedError(
                f"{where} has the format {header.get('format')!r:.20}: a newer release of Data Workspaces wrote it",
                hint="Update: pip install --upgrade dataworkspaces",
            )
        places = header.get("snapshots")
        if not isinstance(places, dict):
            raise self._damaged()
        self._begin = len(line) + 1
        self._places: dict[str, Any] = places

    def _header(self) -> bytes:
        size = 1 << 16
        while True:
            line, newline, _ = self._read(0, size).partition(b"\n")
            if newline:
                return line
            if len(line) < size or size > MAX_BYTES:
                raise self._damaged()
            size *= 8

    @property
    def hashes(self) -> Collection[str]:
        return self._places.keys()

    def manifest(self, hashval: str) -> bytes:
        """As the snapshot has it; raises MetadataError for another."""
        manifest = self._snapshot(hashval).get("manifest")
        content = manifest.encode("utf-8", "surrogatepass") if isinstance(manifest, str) else b""
        if manifest_hash(content) != hashval:
            raise self._damaged()
        return content

    def lineage(self, hashval: str) -> dict[str, dict[str, Any]]:
        """The documents of all resources."""
        documents = self._snapshot(hashval).get("lineage")
        if not isinstance(documents, dict):
            raise self._damaged()
        return {name: self._document(document) for name, document in documents.items()}

    def lineage_of(self, hashval: str, resource_name: str) -> dict[str, Any] | None:
        """The document of one resource; None if there is none."""
        documents = self._snapshot(hashval).get("lineage")
        document = documents.get(resource_name) if isinstance(documents, dict) else None
        return None if document is None else self._document(document)

    def _snapshot(self, hashval: str) -> dict[str, Any]:
        return self._object(self._part(self._places[hashval]))

    def _document(self, document: Any) -> dict[str, Any]:
        places = document.get("lineages") if isinstance(document, dict) else None
        if not isinstance(places, list):
            raise self._damaged()
        return {**document, "lineages": [self._object(content) for content in self._parts(places)]}

    def _part(self, place: Any) -> bytes:
        return self._parts([place])[0]

    def _parts(self, places: list[Any]) -> list[bytes]:
        """In one read, unless they lie far apart."""
        checked = [self._checked(place) for place in places]
        total = sum(length for _, length in checked)
        if total > MAX_BYTES:  # whoever wrote it may name one place very often
            raise self._damaged()
        begin = min((first for first, _ in checked), default=0)
        span = max((first + length for first, length in checked), default=0) - begin
        if span <= max(4 * total, _NEAR):
            content = self._read(self._begin + begin, span)
            parts = [content[first - begin : first - begin + length] for first, length in checked]
        else:
            parts = [self._read(self._begin + first, length) for first, length in checked]
        if any(len(part) != length for part, (_, length) in zip(parts, checked, strict=True)):
            raise self._damaged()
        return parts

    def _checked(self, place: Any) -> tuple[int, int]:
        match place:
            case [int(begin), int(length)] if 0 <= begin <= MAX_BYTES and 0 < length <= MAX_BYTES:
                return begin, length
        raise self._damaged()

    def _object(self, content: bytes) -> dict[str, Any]:
        try:
            data = json.loads(content)
        except (ValueError, RecursionError) as e:
            raise self._damaged() from e
        if not isinstance(data, dict):
            raise self._damaged()
        return data

    def _damaged(self) -> MetadataError:
        return MetadataError(f"{self._where} is damaged", hint="'dws fsck' says how to get it back")


def pack_of(where: str, content: bytes) -> Pack:
    """One that has been read whole."""
    return Pack(where, lambda begin, length: content[begin : begin + length])


def verified_pack(path: Path) -> Pack:
    """One whose content is that which its name says; raises MetadataError if it is not."""
    try:
        content = read_regular(path, MAX_BYTES)
    except OSError as e:
        raise unreadable(path, e) from e
    if name_of(content) != path.name:
        raise MetadataError(f"{path} does not match its name")
    return pack_of(str(path), content)


class SnapshotPacks:
    """Those of a directory, each of which is opened when it is first needed. They are looked for anew at each question
    about a snapshot that none is known to hold: what packs do not hold yet, files do, and these go after a pack has
    come."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._names: list[str] = []
        self._opened: dict[str, Pack | MetadataError] = {}

    def find(self, hashval: str) -> Pack | None:
        """The first pack by name that holds a snapshot. Raises MetadataError if none does, and one cannot be read."""
        found = self._find(hashval)
        if found is None:
            self._names = sorted(pack_names(self._directory))
            found = self._find(hashval)
        if found is None:
            for name in self._names:
                if isinstance(unreadable := self._opened[name], MetadataError):
                    raise unreadable
        return found

    def _find(self, hashval: str) -> Pack | None:
        for name in self._names:
            if name not in self._opened:
                self._opened[name] = _pack_in_file(self._directory / name)
            pack = self._opened[name]
            if isinstance(pack, Pack) and hashval in pack.hashes:
                return pack
        return None

    def manifest(self, hashval: str) -> bytes | None:
        pack = self.find(hashval)
        return None if pack is None else pack.manifest(hashval)

    def lineage_of(self, hashval: str, resource_name: str) -> dict[str, Any] | None:
        pack = self.find(hashval)
        return None if pack is None else pack.lineage_of(hashval, resource_name)


def pack_names(directory: Path) -> Iterator[str]:
    """The names of the packs in a directory, in no order."""
    with suppress(FileNotFoundError):
        yield from (name for name in os.listdir(directory) if re.fullmatch(PACK_NAME_RE, name))  # noqa: PTH208


def _pack_in_file(path: Path) -> Pack | MetadataError:
    try:
        return Pack(str(path), partial(_read_part, path))
    except MetadataError as e:
        return e


def _read_part(path: Path, begin: int, length: int) -> bytes:
    """Opened anew each time: thousands of packs may be known, and few files may be open."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            return os.pread(fd, length, begin)
        finally:
            os.close(fd)
    except OSError as e:
        raise unreadable(path, e) from e
