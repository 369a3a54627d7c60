"""The objects of a repository: the content of large files, each in a file that is named by its SHA-1."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.durability import flush_directory, make_directories
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitfat.placeholder import Placeholder
from dataworkspaces.gitrepo.layout import enclosing_repository, git_directories, with_shared
from dataworkspaces.toolbox.regular import status_if_any

CHUNK = 1 << 20
_NAME_RE = re.compile(r"[0-9a-f]{40}\Z")


@dataclass(frozen=True)
class ObjectStore:
    """:ivar directory: ``fat`` in the git directory that all working trees share."""

    directory: Path

    @staticmethod
    def of_filter() -> ObjectStore:
        """That of the repository for which git has called us as a filter. Raises ConfigurationError if it is none."""
        given = os.environ.get("GIT_COMMON_DIR") or os.environ.get("GIT_DIR")
        here = Path.cwd()
        root = enclosing_repository(here)
        directories = with_shared(here / given) if given else git_directories(root) if root is not None else []
        if not directories or not (directories[-1] / "objects").is_dir():
            raise ConfigurationError(f"{here} is not in a git repository")
        return ObjectStore(directories[-1] / "fat")

    @property
    def objects(self) -> Path:
        return self.directory / "objects"

    @property
    def incoming(self) -> Path:
        """Where a transfer puts what nobody has looked at yet. The next one goes on with what a killed one left."""
        return self.directory / "incoming"

    def path(self, sha1: str) -> Path:
        return self.objects / sha1

    def has(self, placeholder: Placeholder) -> bool:
        """Whether the object is there, in the size that the placeholder tells."""
        status = status_if_any(self.path(placeholder.sha1))
        return status is not None and placeholder.size in (None, status.st_size)

    def names(self) -> list[str]:
        """Of all objects, sorted."""
        try:
            return sorted(path.name for path in self.objects.iterdir() if _NAME_RE.match(path.name))
        except FileNotFoundError:
            return []

    def add(self, chunks: Iterable[bytes]) -> Placeholder:
        """Store content, whole or not at all, and return what stands for it."""
        make_directories(self.objects)
        temporary = self.objects / f".{os.getpid()}.{os.urandom(6).hex()}.tmp"
        digest = hashlib.sha1(usedforsecurity=False)
        size = 0
        try:
            with temporary.open("xb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            placeholder = Placeholder(digest.hexdigest(), size)
            self._renew(placeholder)
            if not self.has(placeholder):
                temporary.chmod(0o444)
                temporary.replace(self.path(placeholder.sha1))
                flush_directory(self.objects)
        finally:
            temporary.unlink(missing_ok=True)
        return placeholder

    def _renew(self, placeholder: Placeholder) -> None:
        """An object that is here already is needed again: it counts as new, so that nobody who looks for old ones that
        nothing needs takes it for one."""
        with suppress(OSError):  # it is not here, or somebody else's
            os.utime(self.path(placeholder.sha1))

    def take(self, path: Path, placeholder: Placeholder) -> bool:
        """Move a file that arrived to its place, if its content is what its name promises; else remove it."""
        if path.is_symlink() or not path.is_file() or sha1_of(path) != placeholder.sha1:
            with suppress(OSError):
                path.unlink()
            return False
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        make_directories(self.objects)
        path.chmod(0o444)
        path.replace(self.path(placeholder.sha1))
        flush_directory(self.objects)
        return True


def sha1_of(path: Path) -> str:
    """The SHA-1 of a file's content, in hexadecimal digits."""
    digest = hashlib.sha1(usedforsecurity=False)
    for chunk in read_chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def read_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            yield chunk
