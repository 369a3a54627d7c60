"""The files of a version of a resource, read by their version ids."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import IO

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.resources.s3.bucket import REQUESTS_AT_ONCE, Bucket, NoSuchObject
from dataworkspaces.resources.s3.keys import KeyTree
from dataworkspaces.resources.s3.manifest import Manifest
from dataworkspaces.resources.s3.object_file import open_to_read
from dataworkspaces.workspace import FileInfo, VersionFiles
from dataworkspaces.workspace.names import check_relative_path


class S3VersionFiles(VersionFiles):
    """:param what: names the resource and the version in messages."""

    reads_at_once = REQUESTS_AT_ONCE

    def __init__(self, bucket: Bucket, manifest: Manifest, what: str) -> None:
        self._bucket = bucket
        self._manifest = manifest
        self._what = what

    @cached_property
    def tree(self) -> KeyTree:
        return KeyTree(self._manifest)

    def ls(self, rel_path: str) -> list[str]:
        return sorted({name for name, _ in self._names(rel_path)})

    def list_infos(self, rel_path: str) -> list[tuple[str, FileInfo]]:
        names = self._names(rel_path)
        files = [name for name, kind in names if kind == "file"]
        start = f"{rel_path}/" if rel_path else ""
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            sizes = dict(zip(files, pool.map(lambda name: self._size(start + name), files), strict=True))
        return [(n, FileInfo("file", sizes[n]) if kind == "file" else FileInfo("directory")) for n, kind in names]

    def is_directory(self, rel_path: str) -> bool:
        return self.tree.is_directory(rel_path)

    def _names(self, rel_path: str) -> list[tuple[str, str]]:
        check_relative_path(rel_path, self._what)
        if not self.is_directory(rel_path):
            raise NoSuchObject(f"{self._what} has no directory '{rel_path}'")
        found = self.tree.names(rel_path)
        return sorted([(n, "file") for n in found.files] + [(n, "directory") for n in found.directories])

    def get_file_info(self, rel_path: str) -> FileInfo:
        """A file, where a key and a directory have the same name."""
        check_relative_path(rel_path, self._what)
        if rel_path in self._manifest:
            return FileInfo("file", self._size(rel_path))
        if self.is_directory(rel_path):
            return FileInfo("directory")
        raise NoSuchObject(f"{self._what} has no '{rel_path}'")

    def open(self, rel_path: str) -> IO[bytes]:
        version = self._version(rel_path)
        try:
            return open_to_read(self._bucket, rel_path, version)
        except NoSuchObject as e:
            raise self._expired(rel_path) from e

    def read_range(self, rel_path: str, start: int, end: int | None) -> bytes:
        version = self._version(rel_path)
        try:
            return self._bucket.read(rel_path, version, start, None if end is None else end - 1)[0]
        except NoSuchObject as e:
            raise self._expired(rel_path) from e

    def _version(self, rel_path: str) -> str:
        check_relative_path(rel_path, self._what)
        if rel_path not in self._manifest:
            raise NoSuchObject(f"{self._what} has no file '{rel_path}'")
        return self._manifest[rel_path]

    def _size(self, key: str) -> int:
        try:
            return self._bucket.info(key, self._manifest[key]).size
        except NoSuchObject as e:
            raise self._expired(key) from e

    def _expired(self, key: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self._what}: the bucket no longer has version {self._manifest[key]} of '{key}'",
            hint="A lifecycle rule of the bucket may have removed it; give noncurrent versions a longer life",
        )
