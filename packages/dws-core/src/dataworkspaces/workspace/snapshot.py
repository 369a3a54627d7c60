"""The capability of a workspace that it has snapshots."""

from __future__ import annotations

import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from dataworkspaces.errors import (
    NO_ANSWER,
    ConfigurationError,
    DwsError,
    MetadataError,
    NotFoundError,
    NotSupportedError,
)
from dataworkspaces.params import HASH_RE, RESULTS_DIR_TEMPLATE, RESULTS_MOVE_EXCLUDE_FILES
from dataworkspaces.toolbox.atomic import to_json
from dataworkspaces.toolbox.names import LINEAGE_FILE, some
from dataworkspaces.workspace.absent import LastVersion, is_absent, last_versions, way_to_bring
from dataworkspaces.workspace.files import FileResourceMixin
from dataworkspaces.workspace.missing_type import ResourceOfMissingType, resources_to_show
from dataworkspaces.workspace.present_snapshot import note_present_snapshot, present_snapshot
from dataworkspaces.workspace.resource import ResourceRoles
from dataworkspaces.workspace.resource_ref import ResourceRef
from dataworkspaces.workspace.restores import forget_restore, note_restore, past_restores
from dataworkspaces.workspace.results import (
    SNAPSHOTS_DIRS_RE,
    destination_variables,
    expand_template,
    find_metrics,
    manifest_hash,
)
from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin
from dataworkspaces.workspace.versions import PresentContents, ResourceChange, SnapshotVersion, VersionElsewhere

if TYPE_CHECKING:
    from dataworkspaces.lineage.store import LineageStore
    from dataworkspaces.workspace.resource import Resource
    from dataworkspaces.workspace.restores import PastRestore
    from dataworkspaces.workspace.snapshot_graph import SnapshotGraph
    from dataworkspaces.workspace.workspace import Workspace


_NEWEST = 10
_SHORT_HASH_RE = re.compile(r"[0-9a-fA-F]{4,6}\Z")
RESULTS_IN = "results_in"
"""Key of a snapshot's metadata: the resources whose files it moved to its results directory."""
CARRIED_OVER = "carried_over"
"""Key of a snapshot's metadata: the resources that were not on the machine that took it, and have their last version
in it."""


class SnapshotWorkspaceMixin(ABC):
    """A workspace that has snapshots."""

    # -- storage, by the backend ---------------------------------------------------------------------------------

    @abstractmethod
    def get_next_snapshot_number(self) -> int:
        """A number for the next snapshot: unique in this copy of the workspace, and greater than all before."""

    @abstractmethod
    def list_snapshots(self, reverse: bool = True, max_count: int | None = None) -> Iterable[SnapshotMetadata]:
        """Snapshots in their order, newest first unless ``reverse`` is False, at most ``max_count``: each after its
        parents, by time where that leaves a choice (see :meth:`SnapshotGraph.positions`).

        The cost must not grow with the number of snapshots that are not returned."""

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
        return self._self_as_workspace().storage.get_snapshot_manifest_bytes(hash_val)

    @abstractmethod
    def save_snapshot_metadata_and_manifest(self, metadata: SnapshotMetadata, manifest: bytes) -> None:
        """Store (or replace) a snapshot's manifest, then its metadata. The write of the metadata is the commit point
        of a snapshot: before it there is none, after it there is one."""

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
        self._self_as_workspace().storage.delete_snapshot_metadata_and_manifest(hash_val)

    @abstractmethod
    def supports_lineage(self) -> bool:
        """Whether the backend keeps lineage."""

    @abstractmethod
    def get_lineage_store(self) -> LineageStore:
        """Where lineage is kept; raises ConfigurationError if the backend keeps none."""

    # -- looking up ----------------------------------------------------------------------------------------------

    def get_snapshot_graph(self) -> SnapshotGraph:
        """Which snapshot came after which. Override it where not all metadata has to be read for that."""
        from dataworkspaces.workspace.snapshot_graph import SnapshotGraph, SnapshotNode

        return SnapshotGraph(SnapshotNode.of(metadata) for metadata in self.list_snapshots())

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
        if _SHORT_HASH_RE.match(tag_or_hash) and not self.get_hashes_with_tag(tag_or_hash):
            with suppress(NotFoundError):
                return self.get_snapshot_by_partial_hash(tag_or_hash)
        return self.get_snapshot_by_tag(tag_or_hash)

    def _get_snapshot_by_label(self, key: str, value: str) -> SnapshotMetadata:
        hashes = self.get_hashes_with_label(key, value)
        if not hashes:
            hint = "'dws label' lists the labels"
            raise NotFoundError(f"There is no snapshot with the label '{key}={value}'", hint=hint)
        if len(hashes) > 1:
            raise ConfigurationError(
                f"Label '{key}={value}' is on {len(hashes)} snapshots: {some(h[:7] for h in hashes)}",
                hint=f"Name one by its hash, or leave the label to one: dws label --move HASH {key}={value}",
            )
        return self.get_snapshot_metadata(hashes[0])

    def get_snapshot_manifest(self, hash_val: str) -> list[Any]:
        """The manifest: a list with the parameters of each resource, and its compare hash as ``hash``."""
        import json

        try:
            manifest = json.loads(self.get_snapshot_manifest_bytes(hash_val))
        except ValueError as e:
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
        for resource in resources_to_show(self._self_as_workspace()):
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
                resource = self._self_as_workspace().get_resource(name)
                if isinstance(resource, SnapshotResourceMixin):
                    found[name] = resource.present_contents(subpaths, keep=keep)
            except DwsError as e:
                self._self_as_workspace().interaction.warn(f"Resource '{name}': its content is unknown: {e.message}")
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
        workspace = self._self_as_workspace()
        journal = workspace.journal
        resources = list(workspace.get_resources())
        unable = [r.name for r in resources if not isinstance(r, SnapshotResourceMixin)]
        if unable:
            raise NotSupportedError(f"Resource '{unable[0]}' does not support snapshots")
        absent = [r.name for r in resources if is_absent(workspace, r)]
        carried = last_versions(self, absent)
        here = [r for r in resources if r.name not in absent]
        snapshot_resources = [r for r in here if isinstance(r, SnapshotResourceMixin)]
        self._snapshot_precheck(snapshot_resources)
        self._tell_absent(absent, carried)

        now = datetime.now().astimezone()
        timestamp = now.replace(tzinfo=None)
        destination, to_move = self._plan_results(here, tag, timestamp)
        metrics = find_metrics(r for r in here if isinstance(r, FileResourceMixin) and r.has_results_role())
        if journal is not None:
            journal.record("snapshot", destination=destination, moved=to_move)
        self._move_results(here, destination, to_move)

        versions = self.snapshot_resources(snapshot_resources)
        versions.update({name: last.version for name, last in carried.items()})
        held = [r for r in resources if r.name in versions]
        manifest = to_json([{**r.get_params(), "hash": versions[r.name].compare_hash} for r in held]).encode("utf-8")
        parents = self.get_parents_of_next_snapshot()
        came_from = None if to_move else self._is_as_restored(held, versions)
        if came_from is not None:
            manifest = self.get_snapshot_manifest_bytes(came_from)
        metadata = SnapshotMetadata(
            hashval=manifest_hash(manifest),
            tags=[] if tag is None else [tag],
            message=message,
            hostname=workspace.get_instance(),
            timestamp=timestamp.isoformat(),
            relative_destination_path=destination,
            restore_hashes={r.name: versions[r.name].restore_hash for r in held},
            metrics=metrics,
            utc_offset=now.strftime("%z")[:3] + ":" + now.strftime("%z")[3:5],
            parents=parents,
            resource_parents=self._resource_parents(snapshot_resources, versions, parents)
            | {name: last.parents for name, last in carried.items() if set(last.parents) != set(parents)},
            other={RESULTS_IN: list(to_move), **({CARRIED_OVER: list(carried)} if carried else {})},
        )
        exists = self.has_snapshot(metadata.hashval)
        if journal is not None:
            journal.record("snapshot", destination=destination, moved=to_move, hash=metadata.hashval, existed=exists)
        if self.supports_lineage() and not exists:
            hashes = {name: version.compare_hash for name, version in versions.items()}
            self.refresh_imported_lineage(r.name for r in here)
            for name, last in carried.items():
                self.get_lineage_store().restore(last.snapshot, [name])
            contents = self._contents_for_lineage(hashes)
            self.get_lineage_store().snapshot(metadata.hashval, [r.name for r in held], hashes, contents)
            with_results = [r for r in here if r.name in to_move]
            self.write_result_lineage_for_snapshot(with_results, destination, metadata.hashval)
            self.write_export_lineage_for_snapshot(here, metadata.hashval)
            self._keep_lineage_files(here, destination, to_move)
        return metadata, manifest

    def _is_as_restored(self, resources: Sequence[Resource], present: Mapping[str, SnapshotVersion]) -> str | None:
        """The snapshot that was restored, if all is as it was in it. Results stay in a restore, so these count as they
        were in the newest snapshot."""
        hashval = present_snapshot(self._self_as_workspace())
        newest = self.get_most_recent_snapshot()
        if hashval is None or newest is None or hashval == newest.hashval or not self.has_snapshot(hashval):
            return None
        then, last = self.get_snapshot_versions(hashval), self.get_snapshot_versions(newest.hashval)
        if then.keys() != present.keys():
            return None
        for resource in resources:
            expected = (last if resource.has_results_role() else then).get(resource.name)
            if expected is None or expected.compare_hash != present[resource.name].compare_hash:
                return None
        return hashval

    def _tell_absent(self, absent: Sequence[str], carried: Mapping[str, LastVersion]) -> None:
        workspace = self._self_as_workspace()
        for name in absent:
            if name in carried:
                metadata = self.get_snapshot_metadata(carried[name].snapshot)
                version = f"its version of {', '.join(metadata.tags) or metadata.hashval[:7]}"
            else:
                version = "nothing of it, as all before"
            bring = way_to_bring(workspace, workspace.get_resource(name))
            workspace.interaction.warn(
                f"Resource '{name}' is not on this machine: the snapshot has {version} ({bring} brings it here)"
            )

    def _resource_parents(
        self,
        resources: Iterable[SnapshotResourceMixin],
        versions: Mapping[str, SnapshotVersion],
        parents: Collection[str],
    ) -> dict[str, list[str]]:
        """Of the resources that know from which snapshots their files came, where these are not ``parents``."""
        found: dict[str, list[str]] = {}
        for resource in resources:
            seen = resource.get_version_parents(versions[resource.name])
            if seen is not None and set(seen) != set(parents):
                found[resource.name] = seen
        return found

    def _keep_lineage_files(
        self, resources: Iterable[Resource], destination: str, with_results: Collection[str]
    ) -> None:
        """Let each resource keep the ``lineage.json`` that were written into it. Idempotent."""
        for resource in resources:
            written = [f"{destination}/{LINEAGE_FILE}"] if resource.name in with_results else []
            written += [LINEAGE_FILE] if resource.is_exported() else []
            if written and isinstance(resource, SnapshotResourceMixin):
                resource.keep_snapshot_files(written)

    def write_result_lineage_for_snapshot(
        self, current_resources: Sequence[Resource], rel_dest_path: str, snapshot_hash: str | None = None
    ) -> None:
        """Write ``lineage.json`` beside the moved files of each results resource."""
        store = self.get_lineage_store()
        for resource in current_resources:
            if resource.has_results_role() and isinstance(resource, FileResourceMixin):
                graph = store.lineage_file(resource.name, snapshot_hash)
                resource.add_results_file(graph, f"{rel_dest_path}/{LINEAGE_FILE}")

    def write_export_lineage_for_snapshot(
        self, current_resources: Sequence[Resource], snapshot_hash: str | None = None
    ) -> None:
        """Write ``lineage.json`` at the root of each exported resource."""
        store = self.get_lineage_store()
        for resource in current_resources:
            if resource.is_exported() and isinstance(resource, FileResourceMixin):
                resource.add_results_file(store.lineage_file(resource.name, snapshot_hash), LINEAGE_FILE)

    def _plan_results(
        self, resources: Sequence[Resource], tag: str | None, timestamp: datetime
    ) -> tuple[str, dict[str, list[str]]]:
        """Where results go, and the files that go there by resource; raises ConfigurationError if it is taken."""
        workspace = self._self_as_workspace()
        template = workspace.get_global_param(RESULTS_DIR_TEMPLATE)
        exclude = self._results_exclude()
        to_move: dict[str, list[str]] = {}
        all_results: dict[str, FileResourceMixin] = {}
        for resource in resources:
            if resource.has_results_role() and isinstance(resource, FileResourceMixin):
                all_results[resource.name] = resource
                files = resource.results_current_files(exclude, SNAPSHOTS_DIRS_RE)
                if files:
                    to_move[resource.name] = files
        is_moving_tag = tag is not None and bool(self.get_hashes_with_tag(tag))
        number = self.get_next_snapshot_number()
        previous: str | None = None
        for attempt in itertools.count():
            variables = destination_variables(workspace.get_instance(), number + attempt, tag, timestamp)
            destination = expand_template(template, variables)
            if is_moving_tag and attempt:
                destination += f"-{attempt + 1}"  # the snapshot that had the tag keeps its results
            # Of the others, too: a directory belongs to one snapshot, in all resources.
            taken = [name for name, r in all_results.items() if r.does_subpath_exist(destination)] if to_move else []
            if not taken:
                break
            if destination == previous:
                raise ConfigurationError(
                    f"Resource '{taken[0]}' holds '{destination}' already, so its results cannot move there",
                    hint=f"Use another tag, or change the parameter {RESULTS_DIR_TEMPLATE}",
                )
            previous = destination
        return destination, to_move

    def _results_exclude(self) -> set[str]:
        """Files that stay; a ``lineage.json`` at the root too, since the snapshot writes its own beside what moved."""
        return {*self._self_as_workspace().get_global_param(RESULTS_MOVE_EXCLUDE_FILES), LINEAGE_FILE}

    def _move_results(self, resources: Sequence[Resource], destination: str, to_move: Mapping[str, Any]) -> None:
        exclude = self._results_exclude()
        for resource in resources:
            if resource.name not in to_move:
                continue
            files = cast(FileResourceMixin, resource)
            if resource.is_exported():
                files.results_copy_current_files(destination, exclude, SNAPSHOTS_DIRS_RE)
            else:
                files.results_move_current_files(destination, exclude, SNAPSHOTS_DIRS_RE)

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
        self._restore_precheck(restore_resources)
        self.restore_prechecks(restore_resources, restore_hashes)
        names = [resource.name for resource in restore_resources]
        self._replace(snapshot_hash, {name: restore_hashes[name] for name in names}, restore_resources)
        for resource in restore_resources:
            resource.restored(snapshot_hash, str(restore_hashes[resource.name]))
        self._note_restored(snapshot_hash, names)
        if self.supports_lineage():
            self.get_lineage_store().restore(snapshot_hash, names)

    def undo_restore(self, past: PastRestore, restore_resources: Sequence[SnapshotResourceMixin]) -> None:
        """Bring back what a restore replaced, of all its resources at once, and their lineage. It is a restore itself,
        which can be undone likewise. A killed one is completed, one that raises is undone."""
        self._restore_precheck(restore_resources)
        targets: dict[str, str | None] = {r.name: past.prior[r.name] for r in restore_resources}
        self.restore_prechecks(restore_resources, targets)
        self._replace(None, targets, restore_resources, undoes=past)
        self._finish_undo(past, list(targets))

    def _replace(
        self,
        snapshot_hash: str | None,
        targets: Mapping[str, str | None],
        resources: Sequence[SnapshotResourceMixin],
        undoes: PastRestore | None = None,
    ) -> None:
        workspace = self._self_as_workspace()
        journal = workspace.journal
        what = {"snapshot": snapshot_hash, "targets": dict(targets), "undoes": None if undoes is None else undoes.name}
        if journal is not None:
            journal.record("restore", **what, prior={})
        prior = {name: v.restore_hash for name, v in self.snapshot_resources(resources).items()}
        lineage = self.get_lineage_store().current_documents(targets) if self.supports_lineage() else {}
        noted = note_restore(workspace, snapshot_hash, present_snapshot(workspace), prior, targets, lineage)
        if journal is not None:
            journal.record("restore", **what, prior=prior, noted=noted)
        self.restore_resources(resources, targets)

    def _note_restored(self, snapshot_hash: str, names: Collection[str]) -> None:
        """The state is of a snapshot, if all that could be was brought back to it."""
        restore_hashes = self.get_snapshot_metadata(snapshot_hash).restore_hashes
        for resource in self._self_as_workspace().get_resources():
            can = not resource.has_results_role() and restore_hashes.get(resource.name) is not None
            if can and resource.name not in names:
                return
        note_present_snapshot(self._self_as_workspace(), snapshot_hash)

    def _finish_undo(self, past: PastRestore, names: Sequence[str]) -> None:
        """What comes after the files. Idempotent."""
        if self.supports_lineage():
            documents = {name: document for name, document in past.lineage.items() if name in names}
            self.get_lineage_store().bring_back_current(documents)
        note_present_snapshot(self._self_as_workspace(), past.came_from)
        forget_restore(self._self_as_workspace(), past.name)

    def delete_snapshot(self, hash_val: str, include_resources: bool = False) -> None:
        """Delete a snapshot's metadata, manifest and lineage, and with ``include_resources`` the results that are
        kept for it. Idempotent; a killed one is completed."""
        metadata = self.get_snapshot_metadata(hash_val)
        destination = metadata.relative_destination_path
        results_in = self._own_results(metadata) if include_resources else []
        kept_as = self._keep_deleted(metadata)
        journal = self._self_as_workspace().journal
        if journal is not None:
            journal.record(
                "delete-snapshot",
                hash=hash_val,
                include_resources=include_resources,
                destination=destination,
                restore_hashes=metadata.restore_hashes,
                results_in=results_in,
                kept_as=kept_as,
            )
        self._delete_snapshot(hash_val, include_resources, destination, metadata.restore_hashes, results_in, kept_as)

    def _keep_deleted(self, metadata: SnapshotMetadata) -> str:
        """Note a snapshot on this machine, from where its deletion can be undone."""
        from dataworkspaces.workspace.deleted_snapshots import DeletedSnapshots

        lineage = {}
        if self.supports_lineage():
            store = self.get_lineage_store()
            for name in metadata.restore_hashes:
                try:
                    lineage[name] = store.kept_document(metadata.hashval, name)
                except MetadataError as e:  # which keeps nobody from deleting it
                    self._self_as_workspace().interaction.warn(f"The lineage of '{name}' is lost: {e.message}")
        manifest: bytes | None = None
        with suppress(MetadataError):
            manifest = self.get_snapshot_manifest_bytes(metadata.hashval)
        return DeletedSnapshots(self._self_as_workspace()).keep(
            metadata,
            manifest,
            lineage,
            tuple(self.get_snapshot_graph().children(metadata.hashval)),
        )

    def _delete_snapshot(
        self,
        hash_val: str,
        include_resources: bool,
        destination: str,
        restore_hashes: Mapping[str, str | None],
        results_in: Collection[str] | None = None,
        kept_as: str | None = None,
    ) -> None:
        if self.has_snapshot(hash_val):
            self._hand_on_parents(hash_val)
        self.delete_snapshot_metadata_and_manifest(hash_val)
        if self.supports_lineage():
            self.get_lineage_store().delete_snapshot(hash_val)
        if not include_resources or not destination:
            return
        from dataworkspaces.workspace.deleted_snapshots import DeletedSnapshots
        from dataworkspaces.workspace.local_directory import LocalDirectoryMixin

        deleted = DeletedSnapshots(self._self_as_workspace())
        for resource in self._self_as_workspace().get_resources():
            if results_in is not None and resource.name not in results_in:
                continue
            if resource.has_results_role() and isinstance(resource, SnapshotResourceMixin):
                try:
                    if kept_as is not None and isinstance(resource, LocalDirectoryMixin):
                        place = deleted.place_of_results(kept_as, resource.name)
                        resource.take_results_directory(destination, place)
                    resource.delete_snapshot(hash_val, restore_hashes.get(resource.name), destination)
                except DwsError as e:
                    # The snapshot is gone all the same; an error here would come again at each attempt to finish.
                    interaction = self._self_as_workspace().interaction
                    interaction.warn(f"The results in '{resource.name}' are still there: {e.message}")

    def _own_results(self, metadata: SnapshotMetadata) -> list[str]:
        """The resources in which the results directory of a snapshot is its own: those whose files it moved, unless
        another snapshot names the same directory, and did not say that it moved nothing there.

        Snapshots of earlier releases did not say which they moved: where two name one directory, it stays."""
        noted = metadata.other.get(RESULTS_IN)
        names = [r.name for r in self._self_as_workspace().get_resources() if r.has_results_role()]
        own = [name for name in names if not isinstance(noted, list) or name in noted]
        for other in self.list_snapshots() if own else ():
            if (
                other.hashval == metadata.hashval
                or other.relative_destination_path != metadata.relative_destination_path
            ):
                continue
            theirs = other.other.get(RESULTS_IN)
            shared = [name for name in own if not isinstance(theirs, list) or name in theirs]
            if shared:
                self._self_as_workspace().interaction.warn(
                    f"'{metadata.relative_destination_path}' in {', '.join(shared)} stays: "
                    f"snapshot {other.hashval[:7]} has its results there, too"
                )
                own = [name for name in own if name not in shared]
        return own

    def _hand_on_parents(self, hash_val: str) -> None:
        """The snapshots that came after one that goes come after its parents, too. Idempotent."""
        graph = self.get_snapshot_graph()
        gone = self.get_snapshot_metadata(hash_val)
        before = graph.parents(hash_val)
        for child in graph.children(hash_val):
            metadata = self.get_snapshot_metadata(child)
            parents = None if metadata.parents is None else _with_those_of(metadata.parents, hash_val, before)
            names = {*metadata.resource_parents, *(gone.resource_parents if hash_val in (parents or ()) else ())}
            of_resources = {
                name: _with_those_of(
                    metadata.resource_parents.get(name, metadata.parents or []), hash_val, graph.parents(hash_val, name)
                )
                for name in sorted(names)
            }
            new = replace(metadata, parents=parents, resource_parents=of_resources)
            if new != metadata:
                self.save_snapshot_metadata_and_manifest(new, self.get_snapshot_manifest_bytes(child))

    # -- after an interruption -----------------------------------------------------------------------------------

    def recover(self, operation: str, data: dict[str, Any], interrupted: bool) -> str:
        """See :meth:`Workspace.recover`. A snapshot is completed from its commit point on, and undone before it. A
        restore is completed if its process is gone, and undone if it raised. A deletion is completed."""
        if operation == "snapshot":
            return self._recover_snapshot(data)
        if operation == "restore":
            return self._recover_restore(data, interrupted)
        if operation == "delete-snapshot":
            self._delete_snapshot(
                data["hash"],
                data["include_resources"],
                data["destination"],
                data["restore_hashes"],
                data.get("results_in"),
                data.get("kept_as"),
            )
            self._self_as_workspace().save(f"Deleted snapshot {data['hash']}")
            return "the snapshot has been deleted now"
        if operation in ("move-tag", "move-labels"):
            return self._recover_move(data)
        from dataworkspaces.workspace.workspace import Workspace

        return Workspace.recover(self._self_as_workspace(), operation, data, interrupted)

    def places_of_unfinished(self, operation: str, data: dict[str, Any]) -> list[str]:
        """See :meth:`Workspace.places_of_unfinished`."""
        found = [f"snapshot: {data[key]}" for key in ("hash", "snapshot") if isinstance(data.get(key), str)]
        destination, moved = data.get("destination"), data.get("moved")
        if isinstance(destination, str) and isinstance(moved, dict):
            found += [
                f"results that were to move: {name}:{destination} (or still in their old place)" for name in moved
            ]
        elif isinstance(destination, str):
            found.append(f"results of the snapshot: {destination}, as far as they are not deleted")
        for key, what in (("prior", "content before the restore"), ("targets", "content to restore")):
            versions = data.get(key)
            if isinstance(versions, dict):
                found += [f"{what}: version {version} of {name}" for name, version in versions.items()]
        return found

    def _recover_snapshot(self, data: dict[str, Any]) -> str:
        workspace = self._self_as_workspace()
        hashval = data.get("hash")
        if hashval is not None and self.has_snapshot(hashval):
            if self.supports_lineage() and not data["existed"]:
                self._keep_lineage_files(workspace.get_resources(), data["destination"], data["moved"])
            self.finish_snapshot(hashval)
            workspace.save(f"Completed snapshot {hashval}")
            if data.get("existed"):
                tags = ", ".join(self.get_snapshot_metadata(hashval).tags) or "none"
                return f"nothing had changed since snapshot {hashval[:7]}, whose tags are now: {tags}"
            return f"snapshot {hashval[:7]} has been completed now"
        for name, files in data["moved"].items():
            resource = workspace.get_resource(name)
            if isinstance(resource, FileResourceMixin):
                resource.results_undo_move(data["destination"], files)
        self._remove_unfinished_lineage_files(workspace.get_resources())
        if hashval is not None:
            self.delete_snapshot_metadata_and_manifest(hashval)
            if self.supports_lineage():
                self.get_lineage_store().delete_snapshot(hashval)
        return "it has been undone; take the snapshot again"

    def _recover_move(self, data: dict[str, Any]) -> str:
        """Of a tag or labels: done, if the snapshot that they move to has them."""
        to, tag, labels = data["to"], data.get("tag"), data.get("labels", {})
        metadata = self.get_snapshot_metadata(to)
        if tag is not None and metadata.has_tag(tag):
            self.leave_tag_to(to, tag)
        elif tag is None and labels.items() <= metadata.labels.items():
            self.leave_labels_to(to, labels)
        else:
            return "nothing had been changed"
        self._self_as_workspace().save(f"Completed a change of snapshot {to[:7]}")
        return f"snapshot {to[:7]} has them now"

    def _remove_unfinished_lineage_files(self, resources: Iterable[Resource]) -> None:
        """Of exported resources, at whose root a killed write leaves its temporary file."""
        for resource in resources:
            if resource.is_exported() and isinstance(resource, FileResourceMixin):
                for name in resource.ls(""):
                    if name.startswith(f".{LINEAGE_FILE}.") and name.endswith(".tmp"):
                        resource.delete_file(name)

    def finish_snapshot(self, hash_val: str) -> None:
        """What comes after the commit point of a snapshot: a tag that it took over leaves the snapshot that had it,
        resources learn of it, and current lineage gets the hashes. Idempotent."""
        for tag in self.get_snapshot_metadata(hash_val).tags:
            self.leave_tag_to(hash_val, tag)
        versions = self.get_snapshot_versions(hash_val)
        hashes = {name: v.compare_hash for name, v in versions.items()}
        workspace = self._self_as_workspace()
        for resource in workspace.get_resources():
            compare_hash = hashes.get(resource.name)
            if compare_hash is None or is_absent(workspace, resource):
                continue
            if isinstance(resource, SnapshotResourceMixin):
                resource.snapshot_stored(compare_hash)
                resource.is_of_snapshot(hash_val, versions[resource.name])
        note_present_snapshot(self._self_as_workspace(), hash_val)
        if self.supports_lineage():
            self.get_lineage_store().resolve_current(hashes, self._contents_for_lineage(hashes))

    def leave_tag_to(self, hash_val: str, tag: str) -> None:
        """Other snapshots lose a tag that one has. Idempotent."""
        for other in self.get_hashes_with_tag(tag):
            if other != hash_val:
                self.remove_tag_from_snapshot(other, tag)

    def leave_labels_to(self, hash_val: str, labels: Mapping[str, str]) -> None:
        """Other snapshots lose labels that one has. Idempotent."""
        for key, value in labels.items():
            for other in self.get_hashes_with_label(key, value):
                if other != hash_val:
                    self.update_snapshot_metadata(other, partial(_without_label, key))

    def refresh_imported_lineage(self, resource_names: Iterable[str]) -> None:
        """Take over the lineage of imported resources as it is now: whoever pulled new data, with whatever program,
        pulled its lineage with it."""
        for name in dict.fromkeys(resource_names):
            try:
                resource = self._self_as_workspace().get_resource(name)
                if resource.is_imported() and isinstance(resource, SnapshotResourceMixin):
                    resource.copy_imported_lineage(self.get_lineage_store())
            except DwsError as e:
                self._self_as_workspace().interaction.warn(
                    f"The imported lineage of '{name}' is not up to date: {e.message}"
                )

    def newest_snapshots(self) -> list[SnapshotMetadata]:
        """Some of the newest snapshots, newest first: those in which what arrives with a pull is looked for."""
        return list(itertools.islice(self.list_snapshots(max_count=_NEWEST), _NEWEST))

    def adopt_lineage(self, known: Sequence[str], changed: Collection[str]) -> list[SnapshotMetadata]:
        """Content came from somebody else: where a resource is now as one of the newest snapshots has it, the
        snapshot's lineage of it becomes the current one. Returns the snapshots that came. Idempotent.

        :param known: hashes of the newest snapshots that were here before, newest first. What the first of them has
            did not come now.
        :param changed: resources whose content did come now, whatever snapshot has it."""
        newest = self.newest_snapshots()
        arrived = [snapshot for snapshot in newest if snapshot.hashval not in known]
        if not self.supports_lineage() or not (arrived or changed):
            return arrived
        is_known = bool(known) and self.has_snapshot(known[0])
        before = self.get_snapshot_versions(known[0]) if is_known else {}
        graph = self.get_snapshot_graph() if is_known and arrived else None
        left = dict.fromkeys(self._self_as_workspace().get_resource_names())
        for snapshot in newest:
            versions = self.get_snapshot_versions(snapshot.hashval)
            came: set[str] = set()
            if snapshot in arrived:
                common = [] if graph is None else graph.in_common(known, [snapshot.hashval])
                came = self._brought(versions, before, [self.get_snapshot_versions(c) for c in common])
            names = [n for n in left if n in versions and (n in changed or n in came)]
            if names:
                changes = self.changes_since(versions)
                same = [name for name in names if changes[name].state == "unchanged"]
                self.get_lineage_store().restore(snapshot.hashval, same)
                left = dict.fromkeys(name for name in left if name not in same)
        return arrived

    def _brought(
        self,
        versions: Mapping[str, SnapshotVersion],
        ours: Mapping[str, SnapshotVersion],
        common: Sequence[Mapping[str, SnapshotVersion]],
    ) -> set[str]:
        """Which resources a snapshot has other content of than ours. Of results, of which both sides' stay, only those
        to which ours has added nothing since the snapshots that both came after."""
        found = {n for n, v in versions.items() if n not in ours or ours[n].compare_hash != v.compare_hash}
        for name in list(found):
            is_known = name in ours and self._self_as_workspace().get_resource_role(name) == ResourceRoles.RESULTS
            if is_known and ours[name].compare_hash not in {c[name].compare_hash for c in common if name in c}:
                found.discard(name)
        return found

    def _contents_for_lineage(self, hashes: Mapping[str, str | None]) -> dict[ResourceRef, str | None]:
        """What versions of resources hold at the references of which current lineage says what lay there."""
        subpaths: dict[str, list[str | None]] = {}
        for ref in self.get_lineage_store().refs_with_content(hashes):
            subpaths.setdefault(ref.name, []).append(ref.subpath)
        found: dict[ResourceRef, str | None] = {}
        for name, wanted in subpaths.items():
            compare_hash = hashes.get(name)
            if compare_hash is None:
                continue
            try:
                resource = self._self_as_workspace().get_resource(name)
                if isinstance(resource, SnapshotResourceMixin):
                    contents = resource.version_contents(compare_hash, wanted)
                    found.update((ResourceRef(name, p), c) for p, c in zip(wanted, contents, strict=True))
                    # Of a version that cannot tell: it was taken just now, so it holds what lies there.
                    untold = [p for p, c in zip(wanted, contents, strict=True) if c is None]
                    if untold:
                        now = resource.present_contents(untold).contents
                        found.update((ResourceRef(name, p), c) for p, c in zip(untold, now, strict=True))
            except DwsError as e:
                self._self_as_workspace().interaction.warn(f"Lineage of resource '{name}': {e.message}")
        return found

    def _recover_restore(self, data: dict[str, Any], interrupted: bool) -> str:
        workspace = self._self_as_workspace()
        names = list(data["targets"])
        own = workspace.own_files_resource()  # which is not listed if the user had deleted all of them
        known = {*workspace.get_resource_names(), *([] if own is None else [own.name])}
        found = [workspace.get_resource(name) for name in names if name in known]
        resources = [resource for resource in found if isinstance(resource, SnapshotResourceMixin)]
        if not interrupted and not data["prior"]:
            return "nothing had been changed"
        # What is there now may be half of each state, and is what a restore expects to be kept.
        self.snapshot_resources(resources)
        if not interrupted:
            self.restore_resources(resources, data["prior"])
            if isinstance(data.get("noted"), str):
                forget_restore(workspace, data["noted"])
            return "it has been undone"
        self.restore_resources(resources, data["targets"])
        snapshot = data["snapshot"]  # None if it is another version of one resource
        for resource in resources if snapshot is not None else ():
            resource.restored(snapshot, data["targets"][resource.name])
        if snapshot is not None:
            self._note_restored(snapshot, names)
        for past in past_restores(workspace):
            if past.name == data.get("undoes"):
                self._finish_undo(past, names)
        if self.supports_lineage() and snapshot is not None:
            self.get_lineage_store().restore(snapshot, names)
        workspace.save(f"Completed a restore of {', '.join(names)}")
        return "the restore has been completed now"

    def _self_as_workspace(self) -> Workspace:
        from dataworkspaces.workspace.workspace import Workspace

        if not isinstance(self, Workspace):
            raise TypeError(f"{type(self).__name__} is no Workspace")
        return self


def _without_label(key: str, metadata: SnapshotMetadata) -> SnapshotMetadata:
    return replace(metadata, labels={name: value for name, value in metadata.labels.items() if name != key})


def _with_those_of(parents: Sequence[str], gone: str, before: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*parents, *before])) if gone in parents else list(parents)
