"""The workspace of the sql backend: one central store, and copies that have data of resources on their machines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dataworkspaces.backends.sql.database import Database
from dataworkspaces.backends.sql.local_copy import LocalCopy, new_copy
from dataworkspaces.backends.sql.snapshots import SqlSnapshots
from dataworkspaces.workspace import CentralWorkspaceMixin, Resource, SnapshotWorkspaceMixin
from dataworkspaces.workspace.checking_out import CheckOutWorkspaceMixin
from dataworkspaces.workspace.workspace_uri import METADATA_DIR


class SqlWorkspace(CheckOutWorkspaceMixin, CentralWorkspaceMixin, SqlSnapshots):
    """Commands of one copy follow one after the other, by its lock; those of different copies need not wait."""

    def get_resources_that_need_to_be_cloned(self) -> list[str]:
        return list(self.get_names_for_resources_that_need_to_be_cloned())

    def as_snapshot_ws(self) -> SnapshotWorkspaceMixin:
        return self

    def as_lineage_ws(self) -> SnapshotWorkspaceMixin:
        return self

    def check_out_workspace(
        self, snapshot_hash: str, directory: Path, local_params: Mapping[str, object], *, borrow: bool = False
    ) -> SqlWorkspace:
        """One more copy of what the database holds for all: its snapshots are those of all copies at once."""
        directory.mkdir()
        with new_copy(directory, self.id, self.database.url, dict(local_params)):
            pass
        local = LocalCopy(directory / METADATA_DIR, directory)
        copy = type(self)(Database(self.database.url), self.id, local, batch=self.batch, verbose=self.verbose)
        Path(copy.get_scratch_directory()).mkdir(parents=True, exist_ok=True)
        return copy

    def comes_along(self, resource: Resource) -> bool:
        return False
