"""The capability of a resource that snapshots can be taken of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import NotFoundError, NotSupportedError
from dataworkspaces.toolbox.atomic import explain_os_error, read_json_object
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.workspace.files import LocalStateResourceMixin
from dataworkspaces.workspace.resource import ResourceRoles
from dataworkspaces.workspace.versions import FileChange, PresentContents, ResourceChange, SnapshotVersion, VersionFiles

if TYPE_CHECKING:
    from dataworkspaces.lineage.store import LineageStore
    from dataworkspaces.workspace.problem import Problem


class SnapshotResourceMixin(ABC):
    """A resource of which snapshots can be taken. It is mixed into a :class:`Resource`, which has the name."""

    name: str
    role: str

    @abstractmethod
    def snapshot_precheck(self) -> None:
        """Raise ConfigurationError if :meth:`snapshot` would fail; changes nothing."""

    @abstractmethod
    def snapshot(self) -> tuple[str | None, str | None]:
        """Keep the present content, and return its compare hash and its restore hash (see SnapshotVersion).

        Called twice in a row it gives the same hashes. Work that is not committed is committed.

        Raises UnavailableError if the content cannot be read, StorageError if there is no room for it,
        ConfigurationError for content that cannot be kept."""

    def snapshot_stored(self, compare_hash: str) -> None:
        """The snapshot that holds this version is stored now: for a type that shows the version from then on.
        Idempotent."""

    def is_of_snapshot(self, snapshot_hash: str, version: SnapshotVersion) -> None:
        """The present content has this version, in a snapshot that is stored now: for a type that keeps account of
        where its content came from. Idempotent."""

    def get_version_parents(self, version: SnapshotVersion) -> list[str] | None:
        """The snapshots whose content is in ``version``, which was taken just now; None if the type does not know, or
        has a history of its own."""
        return None

    @abstractmethod
    def restore_precheck(self, restore_hashval: str) -> None:
        """Raise ConfigurationError if :meth:`restore` would fail; changes nothing."""

    @abstractmethod
    def restore(self, restore_hashval: str) -> None:
        """Bring back exactly the content that a restore hash stands for. :meth:`snapshot` has kept the present
        content before. Idempotent: after a crash in the middle a second call completes it.

        Raises NotFoundError if nothing is kept of it, UnavailableError if that cannot be read now, StorageError if
        there is no room."""

    def restored(self, snapshot_hash: str, restore_hashval: str) -> None:
        """:meth:`restore` has brought back the content of a snapshot, all of it. Not called when a restore is undone.
        Idempotent."""

    @abstractmethod
    def delete_snapshot(
        self, workspace_snapshot_hash: str, resource_restore_hash: str | None, relative_path: str
    ) -> None:
        """Delete what is kept for a snapshot: for a results resource the directory ``relative_path``. Idempotent.

        Raises UnavailableError if it cannot be reached now."""

    def keep_snapshot_files(self, rel_paths: Sequence[str]) -> None:
        """A snapshot has written its lineage to ``rel_paths`` of this resource after the version was taken: keep these
        files, for a type to which writing a file is not enough. The version must stay what :meth:`snapshot` said: the
        next snapshot of unchanged content gives it again. Idempotent."""

    def copy_imported_lineage(self, lineage_store: LineageStore) -> None:
        """Take over the ``lineage.json`` of an imported resource. Override it where files are not local."""
        local = _local_path_of(self)
        if local is None:
            raise NotSupportedError(f"{self!r} is imported, but has no local files to read its lineage from")
        path = Path(local) / LINEAGE_FILE
        if not path.is_file():
            raise NotFoundError(
                f"{path} is missing: an imported resource contains the lineage from the workspace that exported it",
                hint="Add the resource there with --export and take a snapshot, or omit --imported",
            )
        data = read_json_object(path, "resource_name", "lineages")
        lineage_store.store_imported(self.name, data, self.present_contents([None]).contents[0])

    # -- what reports ask; a type that can tell cheaply overrides these ------------------------------------------

    def changes_since(self, version: SnapshotVersion) -> ResourceChange:
        """How the present content stands to ``version``; must be cheap (no reading of all content)."""
        return ResourceChange("unknown")

    def diff_versions(self, old: SnapshotVersion, new: SnapshotVersion) -> list[FileChange] | None:
        """The files that differ between two versions, or None if the type cannot tell."""
        return None

    def plan_restore(self, restore_hashval: str) -> list[FileChange] | None:
        """The files that :meth:`restore` would change, with what it would do; None if the type cannot tell."""
        return None

    def snapshot_of_lost_results(self) -> str | None:
        """Of results whose directory is gone or empty on this machine: the latest snapshot that brings them back. Other
        results are never restored. None if nothing is lost, or if the type keeps none."""
        return None

    def version_files(self, version: SnapshotVersion) -> VersionFiles:
        """The files of a version, to be read without restoring it. Raises NotSupportedError if the type keeps none,
        ConfigurationError if this version is not there."""
        raise NotSupportedError(f"Resource '{self.name}' has no versions that can be read without restoring them")

    def check_integrity(self, restore_hashes: Mapping[str, str]) -> Iterable[Problem]:
        """What is damaged with the resource on this machine, and with the versions that snapshots refer to
        (by the snapshots' hashes). Changes nothing, and raises nothing for what it finds."""
        return ()

    # -- what lineage asks; a type that can tell cheaply overrides these -----------------------------------------

    def present_contents(self, subpaths: Sequence[str | None], *, keep: bool = False) -> PresentContents:
        """What lies at places of the resource now (None is the whole of it). Files that a snapshot leaves out, or
        writes itself, do not count.

        ``keep`` asks to keep the whole resource as it is, if the type can do that without taking a version: code that
        is not committed, which a step runs. Neither the resource nor its next version changes by it.

        By default what the files at the local path hold, if there is one; of notebooks in code the sources count."""
        local = _local_path_of(self)
        if local is None:
            return PresentContents([None] * len(subpaths))
        from dataworkspaces.toolbox.code_content import content_of_code
        from dataworkspaces.toolbox.content import content_of

        tell = content_of_code if self.role == ResourceRoles.CODE else content_of

        def is_of_snapshots(below: str) -> bool:
            return below in (LINEAGE_FILE, "snapshots")

        try:
            return PresentContents([tell(Path(local, p or ""), None if p else is_of_snapshots) for p in subpaths])
        except OSError as e:
            raise explain_os_error(e, f"Reading what lies in resource '{self.name}'") from e

    def version_contents(self, compare_hash: str, subpaths: Sequence[str | None]) -> list[str | None]:
        """What lies at places of a version: texts as :meth:`present_contents` gives them."""
        return [None] * len(subpaths)

    def left_out(self, rel_paths: Sequence[str]) -> set[str]:
        """Which of these files a snapshot leaves out (for git: those that it ignores)."""
        return set()


def _local_path_of(resource: object) -> str | None:
    return resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None
