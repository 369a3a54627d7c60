"""A version in another directory, beside the work that goes on: what ``dws checkout`` asks of resources and backends.

A checkout is a copy of the workspace as it was at a snapshot. It is built where nobody looks for it, and gets its name
when all of it is there. What is here is read, and never changed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataworkspaces.workspace.resource import Resource
    from dataworkspaces.workspace.versions import SnapshotVersion
    from dataworkspaces.workspace.workspace import Workspace

__all__ = ["CheckOutMixin", "CheckOutWorkspaceMixin"]


class CheckOutMixin(ABC):
    """A resource of which a version can be had in another directory. Put the mixin before :class:`Resource` in the
    bases.

    No lock is held: other commands may run. Neither the resource, nor what it keeps, nor its origin changes by any of
    these methods; contents may be shared with the copy only where neither can change those of the other, and where
    removing what one no longer needs takes nothing from the other."""

    name: str

    def check_out_precheck(self, version: SnapshotVersion) -> None:
        """Raise an error of its kind, of one line, if :meth:`check_out` would fail: NotSupportedError if nothing is
        kept of such versions, UnavailableError if a part cannot be had now. Asked of all resources before anything is
        made. Changes nothing, and may contact the origin."""

    @abstractmethod
    def check_out(self, version: SnapshotVersion, directory: Path) -> Mapping[str, Any] | None:
        """Put what the version holds into ``directory``, and return the local parameters of the same resource in a copy
        of the workspace that has it there (see :meth:`LocalStateResourceMixin.get_local_params`); None if the type has
        no state on a machine, and uses no directory.

        The directory is empty, or not there; those above it are. It may be moved as a whole later. May be called for
        several directories, also at once. Raises what :meth:`check_out_precheck` would, and StorageError for a disk
        that is full; after an error or a crash anything may lie in the directory, and whoever called removes it."""

    def hand_over(self, other: Resource, version: SnapshotVersion) -> None:
        """Give ``other``, the same resource in the copy of the workspace, what it needs to go on by itself: contents of
        versions that are kept, a note of the version that it is at. :meth:`check_out` has made its files. Idempotent;
        after a crash the whole copy is removed. By default nothing is needed."""

    def take_back(self, other: Resource) -> None:
        """Take from ``other``, the same resource in such a copy, the contents of versions that are new there: its
        snapshots have come here, and refer to them. The workspace's lock is held. Neither the present files here nor
        anything there changes. Idempotent, also after a crash. By default nothing is taken."""


class CheckOutWorkspaceMixin(ABC):
    """A workspace that can be had in another directory as it was at a snapshot."""

    @abstractmethod
    def check_out_workspace(
        self, snapshot_hash: str, directory: Path, local_params: Mapping[str, Any], *, borrow: bool = False
    ) -> Workspace:
        """Make ``directory``, which is not there, a copy of the workspace that has the snapshot, and open it. The copy
        may lie in a directory below, as the workspace does in what is copied.

        Resources that have a place of their own are not in it yet: nothing is known of them on this machine. The copy
        needs nothing of the directory of this workspace from then on, unless the backend has one store for all copies.
        It may be moved as a whole later. No lock is held, and this workspace does not change. After an error or a crash
        anything may lie in the directory, and whoever called removes it.

        :param local_params: those of the copy; they hold at least the host name.
        :param borrow: the copy goes before this workspace does, so it may need what this one keeps of the snapshot.

        Raises NotFoundError if there is no such snapshot, UnavailableError if it cannot be had now, StorageError for
        a disk that is full."""

    @abstractmethod
    def comes_along(self, resource: Resource) -> bool:
        """Whether the files of a resource are a part of the workspace's own, so that :meth:`check_out_workspace` brings
        their history, and a restore in the copy the version.

        Raises nothing."""

    def leave_out_of_copy(self, path: Path) -> None:
        """Of the copy: what lies at a path in its directory has content of its own, and is not part of what it keeps
        and sends to others. Idempotent. By default as :meth:`Workspace.ignore_local_path`, of which others learn."""
        from dataworkspaces.workspace.parts import workspace_of

        workspace_of(self).ignore_local_path(path)

    def take_back_workspace(self, directory: Path) -> Workspace:
        """Merge into this workspace what a copy at ``directory`` has that it has not: its snapshots, the history of the
        files that came along. As :meth:`SyncedWorkspaceMixin.pull_workspace`, with the same errors, and the same state
        after a crash. By default nothing has to be done: the backend has one store for all copies."""
        from dataworkspaces.workspace.parts import workspace_of

        return workspace_of(self)
