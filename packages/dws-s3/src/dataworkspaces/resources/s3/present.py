"""The files of a resource as they are in the bucket now."""

from __future__ import annotations

from typing import IO

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.resources.s3.bucket import REQUESTS_AT_ONCE, Bucket, NoSuchObject
from dataworkspaces.resources.s3.keys import below, is_plain
from dataworkspaces.resources.s3.manifest import SNAPSHOTS
from dataworkspaces.resources.s3.object_file import open_to_read
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.workspace import FileInfo, VersionFiles


class PresentFiles(VersionFiles):
    """What is written meanwhile is seen; nothing is remembered from one call to the next."""

    reads_at_once = REQUESTS_AT_ONCE

    def __init__(self, bucket: Bucket, what: str) -> None:
        self._bucket = bucket
        self._what = what

    def ls(self, rel_path: str) -> list[str]:
        return sorted({name for name, _ in self.list_infos(rel_path)})

    def list_infos(self, rel_path: str) -> list[tuple[str, FileInfo]]:
        self.check(rel_path)
        listing = self._bucket.list_directory(below(rel_path))
        if rel_path and not listing.files and not listing.directories:
            raise NoSuchObject(f"{self._what} has no directory '{rel_path}'")
        hidden = SNAPSHOTS.rstrip("/") if not rel_path else None
        found = [(name, FileInfo("directory")) for name in listing.directories if is_plain(name) and name != hidden]
        found += [(name, FileInfo("file", size)) for name, size in listing.files.items() if is_plain(name)]
        return sorted(found, key=lambda entry: (entry[0], entry[1].kind))

    def get_file_info(self, rel_path: str) -> FileInfo:
        """A file, where a key and a directory have the same name."""
        self.check(rel_path)
        if not rel_path:
            return FileInfo("directory")
        try:
            found = self._bucket.info(rel_path)
            return FileInfo("file", found.size, found.modified)
        except NoSuchObject:
            if self.is_directory(rel_path):
                return FileInfo("directory")
        raise NoSuchObject(f"{self._what} has no '{rel_path}'")

    def is_directory(self, rel_path: str) -> bool:
        self.check(rel_path)
        return not rel_path or self._bucket.has_keys(below(rel_path))

    def open(self, rel_path: str) -> IO[bytes]:
        self.check(rel_path)
        try:
            return open_to_read(self._bucket, rel_path)
        except NoSuchObject as e:
            raise NoSuchObject(f"{self._what} has no file '{rel_path}'") from e

    def read_range(self, rel_path: str, start: int, end: int | None) -> bytes:
        self.check(rel_path)
        try:
            return self._bucket.read(rel_path, None, start, None if end is None else end - 1)[0]
        except NoSuchObject as e:
            raise NoSuchObject(f"{self._what} has no file '{rel_path}'") from e

    def check(self, rel_path: str) -> None:
        """Raise ConfigurationError for a path that is none of the resource's files."""
        check_relative_path(rel_path, self._what)
        if below(rel_path).startswith(SNAPSHOTS):
            raise ConfigurationError(f"{self._what}: '{rel_path}' is not part of its content")
