"""Which workspaces use an object store: a small file for each, in the store."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from dataworkspaces.workspace.atomic import write_bytes


class StoreUsers:
    """:param store: the directory of the store."""

    def __init__(self, store: Path) -> None:
        self._directory = store / "users"

    def add(self, workspace: str) -> None:
        """Note the directory of a workspace. Idempotent."""
        path = self._file(workspace)
        if not path.exists():
            write_bytes(path, os.fsencode(workspace))

    def all(self) -> list[str]:
        return sorted(os.fsdecode(path.read_bytes()) for path in self._directory.glob("*.txt"))

    def forget(self, workspace: str) -> None:
        """Idempotent."""
        self._file(workspace).unlink(missing_ok=True)

    def _file(self, workspace: str) -> Path:
        return self._directory / f"{hashlib.sha256(os.fsencode(workspace)).hexdigest()[:32]}.txt"
