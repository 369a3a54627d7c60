"""The capability of a workspace that it has snapshots."""

from __future__ import annotations

import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import (
    NO_ANSWER,
    ConfigurationError,
    DwsError,
    MetadataError,
    NotFoundError,
)
from dataworkspaces.params import HASH_RE
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace.missing_type import ResourceOfMissingType, resources_to_show
from dataworkspaces.workspace.operations import operations
from dataworkspaces.workspace.parts import workspace_of
from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin
from dataworkspaces.workspace.versions import PresentContents, ResourceChange, SnapshotVersion, VersionElsewhere

if TYPE_CHECKING:
    from dataworkspaces.lineage.store import LineageStore
    from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph
    from dataworkspaces.workspace.past_restore import PastRestore
    from dataworkspaces.workspace.resource import Resource


_NEWEST = 10
_SHORT_HASH_RE = r"[0-9a-fA-F]{4,6}\Z"


class SnapshotWorkspaceMixin(ABC):
    """A workspace that has snapshots."""

    # -- storage, by the backend ---------------------------------------------------------------------------------

    @abstractmethod
    def get_next_snapshot_number(self) -> int:
        """A number for the next snapshot: unique in this copy of the workspace, and greater than all before.

        Raises UnavailableError if that cannot be told now."""

    @abstractmethod
    def list_snapshots(self, reverse: bool = True, max_count: int | None = None) -> Iterable[SnapshotMetadata]:
        """Snapshots in their order, newest first unless ``reverse`` is False, at most ``max_count``: each after its
        parents, by time where that leaves a choice (see :meth:`SnapshotGraph.positions`).

        The cost must not grow with the number of snapshots that are not returned.

        Raises MetadataError for one that is damaged, UnavailableError if they cannot be read now; it never leaves
        one out for that."""

    def get_snapshot_count(self) -> int:
        """How many snapshots there are. Override it where that can be told without reading all of them."""
        return sum(1 for _ in self.list_snapshots())

    def get_tags(self) -> list[str]:
        """All tags, sorted. Override it where not all snapshots have to be read for that."""
        return sorted({tag for metadata in self.list_snapshots() for tag in metadata.tags})

    @abstractmethod
    def get_snapshot_metadata(self, hash_val: str) -> SnapshotMetadata:
        """By full hash; raises NotFoundError if there is none, UnavailableError if that cannot be told now."""

    @abstractmethod
    def get_snapshot_by_tag(self, tag: str) -> SnapshotMetadata:
        """Raises NotFoundError if there is none, UnavailableError if that cannot be told now. The cost must not grow
        with the number of snapshots."""

    def get_hashes_with_tag(self, tag: str) -> list[str]:
        """The snapshots that carry a tag: one, but for the moment in which a tag moves."""
        return [metadata.hashval for metadata in self.list_snapshots() if metadata.has_tag(tag)]

    def get_hashes_with_label(self, key: str, value: str) -> list[str]:
        """The snapshots that carry a label. Override it where not all snapshots have to be read for that."""
        return [metadata.hashval for metadata in self.list_snapshots() if metadata.labels.get(key) == value]

    def get_labels(self) -> list[str]:
        """All labels, as ``KEY=VALUE``, sorted. Override it where not all snapshots have to be read for that."""
        found = {f"{key}={value}" for metadata in self.list_snapshots() for key, value in metadata.labels.items()}
        return sorted(found)

    @abstractmethod
    def get_snapshot_by_partial_hash(self, partial_hash: str) -> SnapshotMetadata:
        """Raises NotFoundError if there is none, ConfigurationError if it fits several, which are listed,
        UnavailableError if that cannot be told now."""

    def get_snapshot_manifest_bytes(self, hash_val: str) -> bytes:
        """The stored manifest; raises MetadataError if it is missing."""
        return workspace_of(self).storage.get_snapshot_manifest_bytes(hash_val)

    @abstractmethod
    def save_snapshot_metadata_and_manifest(self, metadata: SnapshotMetadata, manifest: bytes) -> None:
        """Store (or replace) a snapshot's manifest, then its metadata. The write of the metadata is the commit point
        of a snapshot: before it there is none, after it there is one.

        Raises StorageError if there is no room, UnavailableError if it is not known whether it was kept: the journal
        decides then."""

    def update_snapshot_metadata(
        self, hash_val: str, change: Callable[[SnapshotMetadata], SnapshotMetadata]
    ) -> SnapshotMetadata:
        """Replace the metadata of a snapshot by what ``change`` makes of it, and return that. Override it where others
        may write at the same time: ``change`` is then given what nobody changes meanwhile."""
        before = self.get_snapshot_metadata(hash_val)
        after = change(before)
        if after != before:
            self.save_snapshot_metadata_and_manifest(after, self.get_snapshot_manifest_bytes(hash_val))
        return after

    @abstractmethod
    def remove_tag_from_snapshot(self, hash_val: str, tag: str) -> None:
        """Raises InternalError if there is no such snapshot, or if it does not have the tag."""

    def delete_snapshot_metadata_and_manifest(self, hash_val: str) -> None:
        """Remove the metadata, then the manifest. Idempotent."""
        workspace_of(self).storage.delete_snapshot_metadata_and_manifest(hash_val)

    @abstractmethod
    def supports_lineage(self) -> bool:
        """Whether the backend keeps lineage.

        Raises nothing."""

    @abstractmethod
    def get_lineage_store(self) -> LineageStore:
        """Where lineage is kept; raises ConfigurationError if the backend keeps none."""

    # -- looking up ----------------------------------------------------------------------------------------------

    def get_snapshot_graph(self) -> SnapshotGraph:
        """Which snapshot came after which. Override it where not all metadata has to be read for that."""
        from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph, SnapshotNode

        return SnapshotGraph(SnapshotNode.of(metadata) for metadata in self.list_snapshots())

    def get_history_state(self) -> str | None:
        """A text that changes whenever the metadata of a snapshot does: tags, labels and notes as well as the snapshots
        themselves. None where that would take as long as reading them. Override it where it does not."""
        return None

    def get_parents_of_next_snapshot(self) -> list[str]:
        """The snapshots that one that is taken now comes after: those of this copy from which no other came. A backend
        in which each person sees all snapshots at once can give the newest alone."""
        return self.get_snapshot_graph().heads()

    def expect_tag_holder(self, tag: str, holder: str | None) -> None:
        """A snapshot is going to take a tag from ``holder`` (None: from nobody), as its user wants. For a backend that
        others write to at the same time: should somebody else have it when the snapshot is saved, it stays there."""

    def has_snapshot(self, hash_val: str) -> bool:
        """Whether there is a snapshot of that full hash. What cannot be read is no *no*: the error comes through."""
        try:
            self.get_snapshot_metadata(hash_val)
            return True
        except NotFoundError:
            return False
        except NO_ANSWER:
            raise
        except ConfigurationError:  # all that the manual knows: it may mean either, which the list decides
            return any(metadata.hashval == hash_val for metadata in self.list_snapshots())

    def get_most_recent_snapshot(self) -> SnapshotMetadata | None:
        """The newest, or None."""
        return next(iter(self.list_snapshots(reverse=True, max_count=1)), None)

    def get_snapshot_by_tag_or_hash(self, tag_or_hash: str) -> SnapshotMetadata:
        """By tag, by a hash that may be shortened to four digits or more, or by the label ``KEY=VALUE`` that only one
        snapshot has."""
        key, equals, value = tag_or_hash.partition("=")
        if equals:
            return self._get_snapshot_by_label(key, value)
        if HASH_RE.match(tag_or_hash):
            return self.get_snapshot_by_partial_hash(tag_or_hash)
        # A tag may look like so short a hash, and then is what is meant.
        if re.match(_SHORT_HASH_RE, tag_or_hash) and not self.get_hashes_with_tag(tag_or_hash):
            with suppress(NotFoundError):
                return self.get_snapshot_by_partial_hash(tag_or_hash)
        return self.get_snapshot_by_tag(tag_or_hash)

    def _get_snapshot_by_label(self, key: str, value: str) -> SnapshotMetadata:
        hashes = self.get_hashes_with_label(key, value)
        if not hashes:
            hint = "'dws label' lists the labels"
            raise NotFoundError(f"No snapshot has the label '{key}={value}'", hint=hint)
        if len(hashes) > 1:
            raise ConfigurationError(
                f"Label '{key}={value}' is on {len(hashes)} snapshots: {some(h[:7] for h in hashes)}",
                hint=f"Name one by its hash, or give the label to only one: dws label --move HASH {key}={value}",
            )
        return self.get_snapshot_metadata(hashes[0])

    def get_snapshot_manifest(self, hash_val: str) -> list[Any]:
        """The manifest: a list with the parameters of each resource, and its compare hash as ``hash``."""
        manifest = self.get_stored_manifest(hash_val)
        names = workspace_of(self).resource_names
        return manifest if names.is_as_stored else [names.params_called(entry) for entry in manifest]

    def get_stored_manifest(self, hash_val: str) -> list[dict[str, Any]]:
        """As :meth:`get_snapshot_manifest`, with the names that resources are stored with."""
        import json

        try:
            manifest = json.loads(self.get_snapshot_manifest_bytes(hash_val))
        except (ValueError, RecursionError) as e:
            raise MetadataError(f"The manifest of snapshot {hash_val} is not valid JSON: {e}") from e
        if not isinstance(manifest, list):
            raise MetadataError(f"The manifest of snapshot {hash_val} should be a JSON list")
        for number, entry in enumerate(manifest, start=1):
            for key in ("resource_type", "name", "role"):
                if not isinstance(entry, dict) or not isinstance(entry.get(key), str):
                    raise MetadataError(f"The manifest of snapshot {hash_val}: entry {number} lacks the key '{key}'")
        return manifest

    def get_snapshot_versions(self, hash_val: str) -> dict[str, SnapshotVersion]:
        """The version of each resource that a snapshot holds, by name."""
        restore_hashes = self.get_snapshot_metadata(hash_val).restore_hashes
        return {
            entry["name"]: SnapshotVersion(entry.get("hash"), restore_hashes.get(entry["name"]))
            for entry in self.get_snapshot_manifest(hash_val)
        }

    def versions_on_other_branches(self) -> Iterable[VersionElsewhere]:
        """What snapshots hold that are not among :meth:`list_snapshots` now, but can be again, for a backend that has
        branches."""
        return ()

    def get_branches(self) -> list[str]:
        """The names by which :meth:`list_branch` knows branches, for a backend that has them."""
        return []

    def list_branch(self, branch: str) -> list[SnapshotMetadata]:
        """The snapshots that a branch holds, newest first. What is read of them by their hashes is then to be had
        too. Raises NotFoundError if there is no such branch."""
        raise NotFoundError(f"There is no branch '{branch}'")

    def list_elsewhere(self) -> Iterator[SnapshotMetadata]:
        """The snapshots that are not among :meth:`list_snapshots` now, but on other branches, the newest of a branch
        first. What is read of them by their hashes is then to be had too. What is damaged there is left out."""
        seen = {metadata.hashval for metadata in self.list_snapshots()}
        for branch in self.get_branches():
            found: list[SnapshotMetadata] = []
            with suppress(DwsError):  # it has been deleted, or is damaged
                found = self.list_branch(branch)
            yield from (metadata for metadata in found if metadata.hashval not in seen)
            seen.update(metadata.hashval for metadata in found)

    def find_snapshots_elsewhere(self, hashes: Iterable[str]) -> list[SnapshotMetadata]:
        """Those of these snapshots, and of what they came after, that are not among :meth:`list_snapshots` now, but on
        another branch, for a backend that has branches."""
        return []

    # -- resources in bulk; a backend that can do them in fewer steps overrides these ----------------------------

    def snapshot_resources(self, resources: Sequence[SnapshotResourceMixin]) -> dict[str, SnapshotVersion]:
        """:meth:`SnapshotResourceMixin.snapshot` of each, by name."""
        return {r.name: SnapshotVersion(*r.snapshot()) for r in resources}

    def restore_prechecks(
        self, resources: Sequence[SnapshotResourceMixin], restore_hashes: Mapping[str, str | None]
    ) -> None:
        """:meth:`SnapshotResourceMixin.restore_precheck` of each; all of them have a hash."""
        for resource in resources:
            resource.restore_precheck(str(restore_hashes[resource.name]))

    def restore_resources(
        self, resources: Sequence[SnapshotResourceMixin], restore_hashes: Mapping[str, str | None]
    ) -> None:
        """:meth:`SnapshotResourceMixin.restore` of each that has a hash."""
        for resource in resources:
            hashval = restore_hashes.get(resource.name)
            if hashval is not None:
                resource.restore(hashval)

    def changes_since(self, versions: Mapping[str, SnapshotVersion]) -> dict[str, ResourceChange]:
        """How each resource of the workspace stands to ``versions`` (of the last snapshot), by name."""
        result = {}
        for resource in resources_to_show(workspace_of(self)):
            if isinstance(resource, ResourceOfMissingType):
                result[resource.name] = resource.change
            elif not isinstance(resource, SnapshotResourceMixin):
                result[resource.name] = ResourceChange("unknown")
            elif resource.name not in versions:
                result[resource.name] = ResourceChange("new")
            else:
                result[resource.name] = resource.changes_since(versions[resource.name])
        return result

    def present_contents(
        self, places: Mapping[str, Sequence[str | None]], *, keep: bool = False
    ) -> dict[str, PresentContents]:
        """:meth:`SnapshotResourceMixin.present_contents` of the places of each resource, by name. A resource that is
        not there, or cannot be read, has none."""
        found = {}
        for name, subpaths in places.items():
            found[name] = PresentContents([None] * len(subpaths))
            try:
                resource = workspace_of(self).get_resource(name)
                if isinstance(resource, SnapshotResourceMixin):
                    found[name] = resource.present_contents(subpaths, keep=keep)
            except DwsError as e:
                workspace_of(self).interaction.warn(f"Resource '{name}': its content is unknown: {e.message}")
        return found

    # -- snapshot ------------------------------------------------------------------------------------------------

    def _snapshot_precheck(self, resource_list: Sequence[SnapshotResourceMixin]) -> None:
        """A backend can extend this with checks of its own."""
        for resource in resource_list:
            resource.snapshot_precheck()

    def snapshot(self, tag: str | None = None, message: str = "") -> tuple[SnapshotMetadata, bytes]:
        """Take a snapshot of the resources; the caller stores what is returned, metadata and manifest.

        All checks come first. Then results move, each resource keeps its content, and lineage is copied. The journal of
        the transaction that the caller holds lets a killed snapshot be undone or completed."""
        return operations().snapshot(self, tag, message)

    def moves_results(self, resource: Resource) -> bool:
        """Whether a snapshot moves the current files of a resource of results to a directory of their own."""
        return True

    def move_results(self, resources: Sequence[Resource], destination: str, files: Mapping[str, Sequence[str]]) -> None:
        """Move (of exported resources: copy) the current files of results, by resource in ``files``, to a directory."""
        operations().move_results(self, resources, destination, files)

    def keep_lineage_files(
        self, resources: Iterable[Resource], destination: str, with_results: Collection[str]
    ) -> None:
        """Let each resource keep the ``lineage.json`` that a snapshot wrote into it. Idempotent."""
        operations().keep_lineage_files(self, resources, destination, with_results)

    def write_result_lineage_for_snapshot(
        self, current_resources: Sequence[Resource], rel_dest_path: str, snapshot_hash: str | None = None
    ) -> None:
        """Write ``lineage.json`` beside the moved files of each results resource."""
        operations().write_result_lineage(self, current_resources, rel_dest_path, snapshot_hash)

    def write_export_lineage_for_snapshot(
        self, current_resources: Sequence[Resource], snapshot_hash: str | None = None
    ) -> None:
        """Write ``lineage.json`` at the root of each exported resource."""
        operations().write_export_lineage(self, current_resources, snapshot_hash)

    # -- restore and delete --------------------------------------------------------------------------------------

    def _restore_precheck(self, resource_list: Sequence[SnapshotResourceMixin]) -> None:
        """A backend can check here what keeps it from restoring these resources. Those of the resources themselves,
        which depend on the version, are :meth:`restore_prechecks`."""

    def restore(
        self,
        snapshot_hash: str,
        restore_hashes: dict[str, str | None],
        restore_resources: Sequence[SnapshotResourceMixin],
    ) -> None:
        """Bring the resources back to ``restore_hashes`` (all of which are there), and their lineage.

        All checks come first. The present content of each is kept before; a killed restore is completed, one that
        raises is undone."""
        operations().restore(self, snapshot_hash, restore_hashes, restore_resources)

    def restore_versions(self, versions: dict[str, str], restore_resources: Sequence[SnapshotResourceMixin]) -> None:
        """Bring resources to versions, such as a restore replaced; their lineage stays. The present content of each is
        kept before; a killed one is completed, one that raises is undone."""
        operations().restore_versions(self, versions, restore_resources)

    def undo_restore(self, past: PastRestore, restore_resources: Sequence[SnapshotResourceMixin]) -> None:
        """Bring back what a restore replaced, of all its resources at once, and their lineage. It is a restore itself,
        which can be undone likewise. A killed one is completed, one that raises is undone."""
        operations().undo_restore(self, past, restore_resources)

    def delete_snapshot(self, hash_val: str, include_resources: bool = False) -> None:
        """Delete a snapshot's metadata, manifest and lineage, and with ``include_resources`` the results that are
        kept for it. Idempotent; a killed one is completed."""
        operations().delete_snapshot(self, hash_val, include_resources)

    def finish_snapshot(self, hash_val: str) -> None:
        """What comes after the commit point of a snapshot: a tag that it took over leaves the snapshot that had it,
        resources learn of it, and current lineage gets the hashes. Idempotent."""
        operations().finish_snapshot(self, hash_val)

    def refresh_imported_lineage(self, resource_names: Iterable[str]) -> None:
        """Take over the lineage of imported resources as it is now: whoever pulled new data, with whatever program,
        pulled its lineage with it."""
        operations().refresh_imported_lineage(self, resource_names)

    def newest_snapshots(self) -> list[SnapshotMetadata]:
        """Some of the newest snapshots, newest first: those in which what arrives with a pull is looked for."""
        return list(itertools.islice(self.list_snapshots(max_count=_NEWEST), _NEWEST))

    def adopt_lineage(self, known: Sequence[str], changed: Collection[str]) -> list[SnapshotMetadata]:
        """Content came from somebody else: where a resource is now as one of the newest snapshots has it, the
        snapshot's lineage of it becomes the current one. Returns the snapshots that came. Idempotent.

        :param known: hashes of the newest snapshots that were here before, newest first. What the first of them has
            did not come now.
        :param changed: resources whose content did come now, whatever snapshot has it."""
        return operations().adopt_lineage(self, known, changed)
