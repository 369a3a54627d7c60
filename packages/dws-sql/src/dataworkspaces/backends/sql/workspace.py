"""The workspace of the sql backend: one central store, and copies that have data of resources on their machines."""

from __future__ import annotations

from dataworkspaces.backends.sql.snapshots import SqlSnapshots
from dataworkspaces.workspace import CentralWorkspaceMixin, SnapshotWorkspaceMixin


class SqlWorkspace(CentralWorkspaceMixin, SqlSnapshots):
    """Commands of one copy follow one after the other, by its lock; those of different copies need not wait."""

    def get_resources_that_need_to_be_cloned(self) -> list[str]:
        return list(self.get_names_for_resources_that_need_to_be_cloned())

    def as_snapshot_ws(self) -> SnapshotWorkspaceMixin:
        return self

    def as_lineage_ws(self) -> SnapshotWorkspaceMixin:
        return self
