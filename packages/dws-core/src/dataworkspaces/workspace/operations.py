"""What happens to a workspace, as a contract: core says which operations there are, and a distribution brings them.

The methods of :class:`Workspace` and of its mixins hand over to the implementation that is installed, for every backend
the same one; dws-commands has it. It is announced in the group ``dataworkspaces.operations``, as any plug-in is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from dataworkspaces import plugins

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


class Operations(ABC):
    """What each method does is said where a workspace has it, by the name of the method unless another is named."""

    # -- any workspace -------------------------------------------------------------------------------------------

    @abstractmethod
    def opened(self, workspace: Workspace) -> None:
        """A workspace was opened, whatever for. Must be cheap, and raises nothing."""

    @abstractmethod
    def transaction(self, workspace: Workspace, command: str) -> AbstractContextManager[Journal]: ...

    @abstractmethod
    def recover_if_interrupted(self, workspace: Workspace) -> None: ...

    @abstractmethod
    def finish_interrupted(self, workspace: Workspace, *, interrupted: bool) -> str | None: ...

    @abstractmethod
    def recover(self, workspace: Workspace, operation: str, data: dict[str, Any], interrupted: bool) -> str: ...

    @abstractmethod
    def settle(self, workspace: Workspace) -> None: ...

    @abstractmethod
    def check_integrity(self, workspace: Workspace) -> Iterable[Problem]: ...

    @abstractmethod
    def import_lineage(self, workspace: Workspace, resource: Resource) -> None:
        """Take over the lineage that came with the files of a resource that is added."""

    @abstractmethod
    def pull_resources(
        self, workspace: Workspace, resources: Sequence[LocalStateResourceMixin]
    ) -> list[str] | None: ...

    @abstractmethod
    def undo_move(self, resource: FileResourceMixin, rel_dest_root: str, files: list[str]) -> None:
        """:meth:`FileResourceMixin.results_undo_move`, for any resource of files."""

    # -- one with snapshots --------------------------------------------------------------------------------------

    @abstractmethod
    def snapshot(
        self, snapshots: SnapshotWorkspaceMixin, tag: str | None, message: str
    ) -> tuple[SnapshotMetadata, bytes]: ...

    @abstractmethod
    def finish_snapshot(self, snapshots: SnapshotWorkspaceMixin, hash_val: str) -> None: ...

    @abstractmethod
    def move_results(
        self,
        snapshots: SnapshotWorkspaceMixin,
        resources: Sequence[Resource],
        destination: str,
        files: Mapping[str, Sequence[str]],
    ) -> None: ...

    @abstractmethod
    def keep_lineage_files(
        self,
        snapshots: SnapshotWorkspaceMixin,
        resources: Iterable[Resource],
        destination: str,
        with_results: Collection[str],
    ) -> None: ...

    @abstractmethod
    def write_result_lineage(
        self,
        snapshots: SnapshotWorkspaceMixin,
        resources: Sequence[Resource],
        rel_dest_path: str,
        snapshot_hash: str | None,
    ) -> None:
        """:meth:`SnapshotWorkspaceMixin.write_result_lineage_for_snapshot`."""

    @abstractmethod
    def write_export_lineage(
        self, snapshots: SnapshotWorkspaceMixin, resources: Sequence[Resource], snapshot_hash: str | None
    ) -> None:
        """:meth:`SnapshotWorkspaceMixin.write_export_lineage_for_snapshot`."""

    @abstractmethod
    def restore(
        self,
        snapshots: SnapshotWorkspaceMixin,
        snapshot_hash: str,
        restore_hashes: dict[str, str | None],
        resources: Sequence[SnapshotResourceMixin],
    ) -> None: ...

    @abstractmethod
    def restore_versions(
        self, snapshots: SnapshotWorkspaceMixin, versions: dict[str, str], resources: Sequence[SnapshotResourceMixin]
    ) -> None: ...

    @abstractmethod
    def undo_restore(
        self, snapshots: SnapshotWorkspaceMixin, past: PastRestore, resources: Sequence[SnapshotResourceMixin]
    ) -> None: ...

    @abstractmethod
    def delete_snapshot(self, snapshots: SnapshotWorkspaceMixin, hash_val: str, include_resources: bool) -> None: ...

    @abstractmethod
    def refresh_imported_lineage(self, snapshots: SnapshotWorkspaceMixin, resource_names: Iterable[str]) -> None: ...

    @abstractmethod
    def adopt_lineage(
        self, snapshots: SnapshotWorkspaceMixin, known: Sequence[str], changed: Collection[str]
    ) -> list[SnapshotMetadata]: ...


def operations() -> Operations:
    """The implementation that is installed. Raises PluginError, which names the distribution, if there is none."""
    loaded: Operations = plugins.load(plugins.OPERATIONS, "workspace")
    return loaded
