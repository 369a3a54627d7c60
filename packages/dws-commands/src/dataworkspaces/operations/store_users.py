"""Which workspaces use an object store: a small file for each, in the store."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import DwsError
from dataworkspaces.toolbox.atomic import write_bytes

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace


class StoreUsers:
    """:param store: the directory of the store."""

    def __init__(self, store: Path) -> None:
        self._directory = store / "users"

    def add(self, workspace: str) -> None:
        """Note the directory of a workspace. Idempotent."""
        from dataworkspaces.toolbox.shared_directories import make_directory, share_file

        path = self._file(workspace)
        if not path.exists():
            make_directory(self._directory)
            write_bytes(path, os.fsencode(workspace), durable=True)
            share_file(path, self._directory)

    def all(self) -> list[str]:
        return sorted(os.fsdecode(path.read_bytes()) for path in self._directory.glob("*.txt"))

    def forget(self, workspace: str) -> None:
        """Idempotent."""
        self._file(workspace).unlink(missing_ok=True)

    def _file(self, workspace: str) -> Path:
        return self._directory / f"{hashlib.sha256(os.fsencode(workspace)).hexdigest()[:32]}.txt"


def register(workspace: Workspace) -> None:
    """Note a workspace that uses a store elsewhere, whatever it does there: one that only reads needs the contents too.
    One that may not write to the store goes unnoticed, as does what cannot be read here: others tell of that."""
    with suppress(DwsError, OSError):
        own = workspace.get_workspace_local_path_if_any()
        if own is not None and workspace.given_objects_directory() is not None:
            store = workspace.get_objects_directory()
            if store.is_dir():
                StoreUsers(store).add(own)
