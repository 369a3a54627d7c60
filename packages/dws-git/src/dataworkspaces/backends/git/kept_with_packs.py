"""The lineage of snapshots, in files and in packs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.lineage.kept_lineage import KeptInFiles

if TYPE_CHECKING:
    from dataworkspaces.backends.git.snapshot_packs import SnapshotPacks


class KeptWithPacks(KeptInFiles):
    """A file counts before a pack. Deleting removes files only: nobody asks for the lineage of a snapshot that is not
    there, and one that comes again writes its own."""

    def __init__(self, directory: Path, packs: SnapshotPacks) -> None:
        super().__init__(directory)
        self._packs = packs

    def read(self, hashval: str, resource_name: str) -> dict[str, Any] | None:
        found = super().read(hashval, resource_name)
        return self._packs.lineage_of(hashval, resource_name) if found is None else found
