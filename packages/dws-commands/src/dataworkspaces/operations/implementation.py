"""The operations as the contract of core has them: each is handed on to its module, which is imported then."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from dataworkspaces.workspace.operations import Operations

if TYPE_CHECKING:
    from dataworkspaces.workspace.files import FileResourceMixin, LocalStateResourceMixin
    from dataworkspaces.workspace.journal import Journal
    from dataworkspaces.workspace.past_restore import PastRestore
    from dataworkspaces.workspace.problem import Problem
    from dataworkspaces.workspace.resource import Resource
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin
    from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata
    from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin
    from dataworkspaces.workspace.workspace import Workspace


class WorkspaceOperations(Operations):
    # -- any workspace -------------------------------------------------------------------------------------------

    def opened(self, workspace: Workspace) -> None:
        from dataworkspaces.operations.store_users import register

        register(workspace)

    def transaction(self, workspace: Workspace, command: str) -> AbstractContextManager[Journal]:
        from dataworkspaces.operations.transaction import transaction

        return transaction(workspace, command)

    def recover_if_interrupted(self, workspace: Workspace) -> None:
        from dataworkspaces.operations.transaction import recover_if_interrupted

        recover_if_interrupted(workspace)

    def finish_interrupted(self, workspace: Workspace, *, interrupted: bool) -> str | None:
        from dataworkspaces.operations.transaction import finish_interrupted

        return finish_interrupted(workspace, interrupted=interrupted)

    def recover(self, workspace: Workspace, operation: str, data: dict[str, Any], interrupted: bool) -> str:
        from dataworkspaces.operations.recovery import recover

        return recover(workspace, operation, data, interrupted)

    def settle(self, workspace: Workspace) -> None:
        from dataworkspaces.operations.own_place import settle

        settle(workspace)

    def check_integrity(self, workspace: Workspace) -> Iterable[Problem]:
        from dataworkspaces.operations.integrity import check_workspace

        return check_workspace(workspace)

    def import_lineage(self, workspace: Workspace, resource: Resource) -> None:
        from dataworkspaces.operations.imported_lineage import import_of

        import_of(workspace, resource)

    def pull_resources(self, workspace: Workspace, resources: Sequence[LocalStateResourceMixin]) -> list[str] | None:
        from dataworkspaces.operations.sync import pull_resources

        return pull_resources(workspace, resources)

    def undo_move(self, resource: FileResourceMixin, rel_dest_root: str, files: list[str]) -> None:
        from dataworkspaces.operations.results_undo import bring_back

        bring_back(resource, rel_dest_root, files)

    # -- one with snapshots --------------------------------------------------------------------------------------

    def snapshot(
        self, snapshots: SnapshotWorkspaceMixin, tag: str | None, message: str
    ) -> tuple[SnapshotMetadata, bytes]:
        from dataworkspaces.operations.snapshot import take

        return take(snapshots, tag, message)

    def finish_snapshot(self, snapshots: SnapshotWorkspaceMixin, hash_val: str) -> None:
        from dataworkspaces.operations.snapshot import finish

        finish(snapshots, hash_val)

    def move_results(
        self,
        snapshots: SnapshotWorkspaceMixin,
        resources: Sequence[Resource],
        destination: str,
        files: Mapping[str, Sequence[str]],
    ) -> None:
        from dataworkspaces.operations.snapshot import move_results

        move_results(snapshots, resources, destination, files)

    def keep_lineage_files(
        self,
        snapshots: SnapshotWorkspaceMixin,
        resources: Iterable[Resource],
        destination: str,
        with_results: Collection[str],
    ) -> None:
        from dataworkspaces.operations.snapshot import keep_lineage_files

        keep_lineage_files(snapshots, resources, destination, with_results)

    def write_result_lineage(
        self,
        snapshots: SnapshotWorkspaceMixin,
        resources: Sequence[Resource],
        rel_dest_path: str,
        snapshot_hash: str | None,
    ) -> None:
        from dataworkspaces.operations.snapshot import write_result_lineage

        write_result_lineage(snapshots, resources, rel_dest_path, snapshot_hash)

    def write_export_lineage(
        self, snapshots: SnapshotWorkspaceMixin, resources: Sequence[Resource], snapshot_hash: str | None
    ) -> None:
        from dataworkspaces.operations.snapshot import write_export_lineage

        write_export_lineage(snapshots, resources, snapshot_hash)

    def restore(
        self,
        snapshots: SnapshotWorkspaceMixin,
        snapshot_hash: str,
        restore_hashes: dict[str, str | None],
        resources: Sequence[SnapshotResourceMixin],
    ) -> None:
        from dataworkspaces.operations.restore import restore

        restore(snapshots, snapshot_hash, restore_hashes, resources)

    def restore_versions(
        self, snapshots: SnapshotWorkspaceMixin, versions: dict[str, str], resources: Sequence[SnapshotResourceMixin]
    ) -> None:
        from dataworkspaces.operations.restore import restore_versions

        restore_versions(snapshots, versions, resources)

    def undo_restore(
        self, snapshots: SnapshotWorkspaceMixin, past: PastRestore, resources: Sequence[SnapshotResourceMixin]
    ) -> None:
        from dataworkspaces.operations.restore import undo

        undo(snapshots, past, resources)

    def delete_snapshot(self, snapshots: SnapshotWorkspaceMixin, hash_val: str, include_resources: bool) -> None:
        from dataworkspaces.operations.deletion import delete

        delete(snapshots, hash_val, include_resources)

    def refresh_imported_lineage(self, snapshots: SnapshotWorkspaceMixin, resource_names: Iterable[str]) -> None:
        from dataworkspaces.operations.current_lineage import refresh_imported

        refresh_imported(snapshots, resource_names)

    def adopt_lineage(
        self, snapshots: SnapshotWorkspaceMixin, known: Sequence[str], changed: Collection[str]
    ) -> list[SnapshotMetadata]:
        from dataworkspaces.operations.current_lineage import adopt

        return adopt(snapshots, known, changed)


OPERATIONS = WorkspaceOperations()
