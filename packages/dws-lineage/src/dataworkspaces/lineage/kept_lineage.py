"""The lineage of snapshots, for each a JSON document a resource: in files, or wherever a backend keeps it."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataworkspaces.durability import flush_directory, make_directories
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.toolbox.atomic import explain_os_error, read_json_object_if_any, write_files
from dataworkspaces.toolbox.names import check_resource_name

__all__ = ["KeptInFiles", "KeptLineage", "file_name"]


class KeptLineage(ABC):
    """The contract. A snapshot's hash holds letters and digits only."""

    @abstractmethod
    def read(self, hashval: str, resource_name: str) -> dict[str, Any] | None:
        """The document of a resource, or None; raises MetadataError for one that cannot be read."""

    def where(self, hashval: str, resource_name: str) -> str:
        """What messages call a document."""
        return f"The lineage of '{resource_name}' in snapshot {hashval}"

    @abstractmethod
    def write(self, hashval: str, documents: Mapping[str, bytes]) -> None:
        """Store the documents by resource in the place of those that are there: all of them or, after a crash, none."""

    @abstractmethod
    def delete(self, hashval: str) -> None:
        """Forget a snapshot's. Idempotent."""


class KeptInFiles(KeptLineage):
    """``DIRECTORY/HASH/RESOURCE.json``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, hashval: str, resource_name: str) -> dict[str, Any] | None:
        path = self._path(hashval, resource_name)
        return read_json_object_if_any(path, "resource_name")

    def where(self, hashval: str, resource_name: str) -> str:
        return str(self._path(hashval, resource_name))

    def write(self, hashval: str, documents: Mapping[str, bytes]) -> None:
        target = self._of(hashval)
        make_directories(self._directory)
        # Written beside and renamed, so that a snapshot's lineage is there whole or not at all.
        temporary = self._directory / f".new-{os.urandom(6).hex()}.tmp"
        try:
            temporary.mkdir(0o700)
            write_files(temporary, {file_name(name): content for name, content in documents.items()})
            temporary.chmod(0o755)
            if target.exists():
                _remove(target)
            temporary.rename(target)
            flush_directory(self._directory)
        finally:
            if temporary.exists():
                _remove(temporary, ignore_errors=True)

    def delete(self, hashval: str) -> None:
        try:
            _remove(self._of(hashval))
        except FileNotFoundError:
            return
        except OSError as e:
            raise explain_os_error(e, f"Deleting the lineage of snapshot {hashval}") from e
        flush_directory(self._directory)

    def _path(self, hashval: str, resource_name: str) -> Path:
        return self._of(hashval) / file_name(resource_name)

    def _of(self, hashval: str) -> Path:
        if not hashval.isalnum():
            raise ConfigurationError(f"'{hashval}' is not a snapshot hash")
        return self._directory / hashval


def file_name(resource_name: str) -> str:
    """Of the file with the lineage of a resource; raises ConfigurationError if it cannot name one."""
    check_resource_name(resource_name)
    return f"{resource_name}.json"


def _remove(directory: Path, *, ignore_errors: bool = False) -> None:
    import shutil  # slow to import, and rarely needed

    shutil.rmtree(directory, ignore_errors=ignore_errors)
