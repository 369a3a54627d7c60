"""What a snapshot holds: ``.snapshots/HASH.json.gz`` in the bucket, key to version id, as release 1.6 writes it
(but for objects without one, see :mod:`dataworkspaces.resources.s3.null_version`).

A copy is kept on this machine, below the resource's scratch directory; where the bucket may not be written to, one
travels with the workspace instead.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import MetadataError, UnavailableError
from dataworkspaces.resources.s3.bucket import Bucket, NoAccess, NoSuchObject
from dataworkspaces.toolbox.atomic import write_bytes

if TYPE_CHECKING:
    from dataworkspaces.resources.s3.resource import S3Resource

SNAPSHOTS = ".snapshots/"
"""Below it nothing is content."""
_HASH_RE = re.compile(r"[0-9a-f]{40}\Z")
_LEVEL = 6
"""As gzip itself has it: 9 takes twice as long, and ids of versions do not get smaller by it."""
_MAX_PACKED = 256 << 20
_MAX_RATIO = 64
"""Of a text to what it is packed to. Names that are alike, with the version ``null``, reach less than 30."""
_SMALL = 16 << 20
_TOO_LARGE = "is too large for a list of versions, so it is not read"

Manifest = Mapping[str, str]


def is_hash(text: str) -> bool:
    return _HASH_RE.match(text) is not None


def manifest_text(versions: Manifest) -> bytes:
    """As ``json.dumps`` with ``indent=2, sort_keys=True`` writes it, where that is written in Python."""
    entries = json.dumps(versions, sort_keys=True, separators=(",\n  ", ": "))[1:-1]
    return (f"{{\n  {entries}\n}}" if entries else "{}").encode("ascii")


def manifest_hash(text: bytes) -> str:
    """As git computes it for a file, which is what release 1.6 did."""
    return hashlib.sha1(b"blob %d\0" % len(text) + text, usedforsecurity=False).hexdigest()


class Manifests:
    """The manifests of one resource."""

    def __init__(self, resource: S3Resource) -> None:
        self._resource = resource

    @property
    def _bucket(self) -> Bucket:
        return self._resource.bucket

    def _cached(self, hashval: str) -> Path:
        directory = self._resource.workspace.get_resource_local_directory(self._resource)
        return directory / "snapshot_cache" / f"{hashval}.json.gz"

    def is_new(self, versions: Manifest) -> bool:
        """Whether no such manifest has been kept by this machine."""
        return not self._cached(manifest_hash(manifest_text(versions))).exists()

    def store(self, versions: Manifest, known: Collection[str]) -> str:
        """Keep a manifest and return its hash. One that is there already is not written again.

        :param known: the keys of those that are in the bucket."""
        text = manifest_text(versions)
        hashval = manifest_hash(text)
        packed = gzip.compress(text, _LEVEL, mtime=0)
        resource, name = self._resource, f"{hashval}.json.gz"
        key = SNAPSHOTS + name
        if key not in known and resource.workspace.read_resource_state(resource, name) is None:
            try:
                self._bucket.write(key, packed)
            except NoAccess:
                resource.workspace.write_resource_state(resource, {name: packed})
        if not self._cached(hashval).exists():
            write_bytes(self._cached(hashval), packed)
        return hashval

    def load(self, hashval: str) -> Manifest:
        """Raises UnavailableError if there is none, MetadataError if it is not what its name says."""
        if not is_hash(hashval):
            raise MetadataError(f"Resource '{self._resource.name}' has no version {hashval!r}")
        cached = self._cached(hashval)
        if cached.exists():
            found = _parse(cached.read_bytes(), hashval)
            if found is not None:
                return found
        packed = self._fetch(hashval)
        found = _parse(packed, hashval)
        if found is None:
            raise MetadataError(
                f"Resource '{self._resource.name}': {self._url(hashval)} is damaged: its hash is another",
                hint="An older version of this object in the bucket may be intact",
            )
        write_bytes(cached, packed)
        return found

    def copy_to(self, other: Manifests, hashval: str) -> None:
        """Spare a copy of the workspace on this machine to fetch a manifest that :meth:`load` has brought here."""
        write_bytes(other._cached(hashval), self._cached(hashval).read_bytes())

    def _fetch(self, hashval: str) -> bytes:
        stored = self._resource.workspace.read_resource_state(self._resource, f"{hashval}.json.gz")
        if stored is not None:
            return stored
        try:
            # A range of one byte more than there may be: somebody else's object may be of any size.
            packed, size = self._bucket.read(f"{SNAPSHOTS}{hashval}.json.gz", last=_MAX_PACKED)
            if size > _MAX_PACKED:
                raise MetadataError(f"Resource '{self._resource.name}': {self._url(hashval)} {_TOO_LARGE}")
            return packed
        except NoSuchObject as e:
            raise UnavailableError(
                f"Resource '{self._resource.name}' has no version {hashval[:7]}: {self._url(hashval)} is not there",
                hint="If it was deleted, restore an older version of this object in the bucket",
            ) from e

    def _url(self, hashval: str) -> str:
        return f"s3://{self._bucket.name}/{self._bucket.prefix}{SNAPSHOTS}{hashval}.json.gz"


def _parse(packed: bytes, hashval: str) -> Manifest | None:
    """None if it is damaged. Its name may also be the plain SHA-1 of its text, which others have taken the format
    for."""
    limit = max(_SMALL, _MAX_RATIO * len(packed))
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        text = unpacker.decompress(packed, limit + 1)
    except zlib.error:
        return None
    if len(text) > limit:
        raise MetadataError(f"The manifest {hashval} {_TOO_LARGE}: unpacked, it has more than {limit >> 20} MiB")
    if not unpacker.eof:
        return None
    if hashval not in (manifest_hash(text), hashlib.sha1(text, usedforsecurity=False).hexdigest()):
        return None
    try:
        versions = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise MetadataError(f"The manifest {hashval} is not valid JSON: {e}") from e
    if not isinstance(versions, dict) or not all(isinstance(version, str) for version in versions.values()):
        raise MetadataError(f"The manifest {hashval} should be a JSON object with a version id for each key")
    return versions
