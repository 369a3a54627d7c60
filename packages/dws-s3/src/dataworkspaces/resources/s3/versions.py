"""The files of a version of a resource, read by their version ids."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import IO

from dataworkspaces.errors import UnavailableError
from dataworkspaces.resources.s3.bucket import REQUESTS_AT_ONCE, Bucket, NoSuchObject
from dataworkspaces.resources.s3.keys import KeyTree, below
from dataworkspaces.resources.s3.manifest import Manifest
from dataworkspaces.resources.s3.null_version import is_null, is_same
from dataworkspaces.resources.s3.object_file import open_to_read
from dataworkspaces.resources.s3.version_pages import KeyVersion
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.workspace import FileInfo, VersionFiles


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
        """A file whose version the bucket no longer has is listed without a size."""
        names = self._names(rel_path)
        files = [below(rel_path) + name for name, kind in names if kind == "file"]
        sizes = self._few_sizes(files) if len(files) <= REQUESTS_AT_ONCE else self._many_sizes(below(rel_path))

        def info(name: str, kind: str) -> FileInfo:
            return FileInfo("directory") if kind == "directory" else FileInfo("file", sizes.get(below(rel_path) + name))

        return [(name, info(name, kind)) for name, kind in names]

    def _few_sizes(self, keys: list[str]) -> dict[str, int]:
        def size(key: str) -> int | None:
            try:
                return self._bucket.info(key, self._manifest[key]).size
            except NoSuchObject:
                return None

        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            found = zip(keys, pool.map(size, keys), strict=True)
            return {key: size for key, size in found if size is not None}

    def _many_sizes(self, directory: str) -> dict[str, int]:
        """Of the files directly in a directory, from pages of a thousand versions."""
        found: dict[str, int] = {}
        key = version = None
        while True:
            page = self._bucket.version_page(key, version, below=directory, delimiter="/")
            found.update((entry.key, entry.size) for entry in page.versions if self._holds(entry))
            key, version = page.next_key, page.next_version
            if key is None:
                return found

    def _holds(self, entry: KeyVersion) -> bool:
        return entry.key in self._manifest and is_same(self._manifest[entry.key], entry.version)

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

    def _expired(self, key: str) -> UnavailableError:
        if is_null(self._manifest[key]):
            return UnavailableError(
                f"{self._what}: '{key}' was deleted or overwritten while the bucket kept no versions",
                hint="'dws fsck' finds all such files",
            )
        return UnavailableError(
            f"{self._what}: the bucket no longer has version {self._manifest[key]} of '{key}'",
            hint="A lifecycle rule of the bucket may have removed it: let it keep noncurrent versions longer",
        )
