"""A snapshot: taken up to its commit point, and finished after it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from dataworkspaces.errors import ConfigurationError, NotSupportedError
from dataworkspaces.lineage.store import FORMER_NAMES
from dataworkspaces.operations import environments
from dataworkspaces.operations.current_lineage import contents_of
from dataworkspaces.operations.last_versions import LastVersion, last_versions
from dataworkspaces.operations.present_snapshot import note_present_snapshot, present_snapshot
from dataworkspaces.operations.results import destination_variables, expand_template, find_metrics
from dataworkspaces.operations.unique_names import leave_tag_to
from dataworkspaces.params import RESULTS_DIR_TEMPLATE
from dataworkspaces.toolbox.atomic import to_json
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.workspace.absent import is_absent, way_to_bring
from dataworkspaces.workspace.files import FileResourceMixin
from dataworkspaces.workspace.parts import workspace_of
from dataworkspaces.workspace.results import SNAPSHOTS_DIRS_RE, manifest_hash, results_exclude
from dataworkspaces.workspace.snapshot_metadata import AUTHOR, CARRIED_OVER, RESULTS_IN, SnapshotMetadata
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin
from dataworkspaces.workspace.versions import SnapshotVersion

if TYPE_CHECKING:
    from dataworkspaces.workspace.resource import Resource
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin


def take(
    snapshots: SnapshotWorkspaceMixin, tag: str | None = None, message: str = ""
) -> tuple[SnapshotMetadata, bytes]:
    """Take a snapshot of the resources; the caller stores what is returned, metadata and manifest.

    All checks come first. Then results move, each resource keeps its content, and lineage is copied. The journal of
    the transaction that the caller holds lets a killed snapshot be undone or completed."""
    workspace = workspace_of(snapshots)
    journal = workspace.journal
    resources = list(workspace.get_resources())
    unable = [r.name for r in resources if not isinstance(r, SnapshotResourceMixin)]
    if unable:
        raise NotSupportedError(f"Resource '{unable[0]}' does not support snapshots")
    absent = [r.name for r in resources if is_absent(workspace, r)]
    carried = last_versions(snapshots, absent)
    here = [r for r in resources if r.name not in absent]
    snapshot_resources = [r for r in here if isinstance(r, SnapshotResourceMixin)]
    snapshots._snapshot_precheck(snapshot_resources)
    _tell_absent(snapshots, absent, carried)

    now = datetime.now().astimezone()
    timestamp = now.replace(tzinfo=None)
    destination, to_move = _plan_results(snapshots, here, tag, timestamp)
    metrics = find_metrics(r for r in here if isinstance(r, FileResourceMixin) and r.has_results_role())
    if journal is not None:
        journal.record("snapshot", destination=destination, moved=to_move)
    snapshots.move_results(here, destination, to_move)

    versions = snapshots.snapshot_resources(snapshot_resources)
    versions.update({name: last.version for name, last in carried.items()})
    held = [r for r in resources if r.name in versions]
    stored = workspace.resource_names.stored
    entries = [{**r.get_params(), "name": stored(r.name), "hash": versions[r.name].compare_hash} for r in held]
    manifest = to_json(entries).encode("utf-8")
    parents = snapshots.get_parents_of_next_snapshot()
    came_from = None if to_move else _is_as_restored(snapshots, held, versions)
    if came_from is not None:
        manifest = snapshots.get_snapshot_manifest_bytes(came_from)
    author = workspace.get_user_name()
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
        resource_parents=_resource_parents(snapshots, snapshot_resources, versions, parents)
        | {name: last.parents for name, last in carried.items() if set(last.parents) != set(parents)},
        other={
            RESULTS_IN: list(to_move),
            **({CARRIED_OVER: list(carried)} if carried else {}),
            **({AUTHOR: author} if author else {}),
        },
    )
    exists = snapshots.has_snapshot(metadata.hashval)
    if journal is not None:
        journal.record("snapshot", destination=destination, moved=to_move, hash=metadata.hashval, existed=exists)
    if snapshots.supports_lineage() and not exists:
        hashes = {name: version.compare_hash for name, version in versions.items()}
        snapshots.refresh_imported_lineage(r.name for r in here)
        for name, last in carried.items():
            snapshots.get_lineage_store().restore(last.snapshot, [name])
        contents = contents_of(snapshots, hashes)
        snapshots.get_lineage_store().snapshot(metadata.hashval, [r.name for r in held], hashes, contents)
        documents = environments.keep(snapshots, [r.name for r in held])
        if documents:
            metadata.other[environments.KEY] = documents
        with_results = [r for r in here if r.name in to_move]
        snapshots.write_result_lineage_for_snapshot(with_results, destination, metadata.hashval)
        snapshots.write_export_lineage_for_snapshot(here, metadata.hashval)
        snapshots.keep_lineage_files(here, destination, to_move)
    return metadata, manifest


def _is_as_restored(
    snapshots: SnapshotWorkspaceMixin, resources: Sequence[Resource], present: Mapping[str, SnapshotVersion]
) -> str | None:
    """The snapshot that was restored, if all is as it was in it. Results stay in a restore, so these count as they
    were in the newest snapshot."""
    hashval = present_snapshot(workspace_of(snapshots))
    newest = snapshots.get_most_recent_snapshot()
    if hashval is None or newest is None or hashval == newest.hashval or not snapshots.has_snapshot(hashval):
        return None
    then, last = snapshots.get_snapshot_versions(hashval), snapshots.get_snapshot_versions(newest.hashval)
    if then.keys() != present.keys():
        return None
    for resource in resources:
        expected = (last if resource.has_results_role() else then).get(resource.name)
        if expected is None or expected.compare_hash != present[resource.name].compare_hash:
            return None
    return hashval


def _tell_absent(snapshots: SnapshotWorkspaceMixin, absent: Sequence[str], carried: Mapping[str, LastVersion]) -> None:
    workspace = workspace_of(snapshots)
    for name in absent:
        if name in carried:
            metadata = snapshots.get_snapshot_metadata(carried[name].snapshot)
            version = f"its version of {', '.join(metadata.tags) or metadata.hashval[:7]}"
        else:
            version = "nothing of it, like all earlier snapshots"
        bring = way_to_bring(workspace, workspace.get_resource(name))
        workspace.interaction.warn(
            f"Resource '{name}' is not on this machine: the snapshot has {version} ({bring} brings it here)"
        )


def _resource_parents(
    snapshots: SnapshotWorkspaceMixin,
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


def keep_lineage_files(
    snapshots: SnapshotWorkspaceMixin, resources: Iterable[Resource], destination: str, with_results: Collection[str]
) -> None:
    """Let each resource keep the ``lineage.json`` that were written into it. Idempotent."""
    for resource in resources:
        written = [f"{destination}/{LINEAGE_FILE}"] if resource.name in with_results else []
        written += [LINEAGE_FILE] if resource.is_exported() else []
        if written and isinstance(resource, SnapshotResourceMixin):
            resource.keep_snapshot_files(written)


def _plan_results(
    snapshots: SnapshotWorkspaceMixin, resources: Sequence[Resource], tag: str | None, timestamp: datetime
) -> tuple[str, dict[str, list[str]]]:
    """Where results go, and the files that go there by resource; raises ConfigurationError if it is taken."""
    workspace = workspace_of(snapshots)
    template = workspace.get_global_param(RESULTS_DIR_TEMPLATE)
    exclude = results_exclude(workspace)
    to_move: dict[str, list[str]] = {}
    all_results: dict[str, FileResourceMixin] = {}
    for resource in resources:
        if (
            resource.has_results_role()
            and isinstance(resource, FileResourceMixin)
            and snapshots.moves_results(resource)
        ):
            all_results[resource.name] = resource
            files = resource.results_current_files(exclude, SNAPSHOTS_DIRS_RE)
            if files:
                to_move[resource.name] = files
    is_moving_tag = tag is not None and bool(snapshots.get_hashes_with_tag(tag))
    number = snapshots.get_next_snapshot_number()
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
                f"Resource '{taken[0]}' already contains '{destination}', so its results cannot move there",
                hint=f"Use another tag, or change the parameter {RESULTS_DIR_TEMPLATE}",
            )
        previous = destination
    return destination, to_move


def move_results(
    snapshots: SnapshotWorkspaceMixin, resources: Sequence[Resource], destination: str, to_move: Mapping[str, Any]
) -> None:
    """See :meth:`SnapshotWorkspaceMixin.move_results`."""
    exclude = results_exclude(workspace_of(snapshots))
    for resource in resources:
        if resource.name not in to_move:
            continue
        files = cast(FileResourceMixin, resource)
        if resource.is_exported():
            files.results_copy_current_files(destination, exclude, SNAPSHOTS_DIRS_RE)
        else:
            files.results_move_current_files(destination, exclude, SNAPSHOTS_DIRS_RE)


def finish(snapshots: SnapshotWorkspaceMixin, hash_val: str) -> None:
    """What comes after the commit point of a snapshot: a tag that it took over leaves the snapshot that had it,
    resources learn of it, and current lineage gets the hashes. Idempotent."""
    for tag in snapshots.get_snapshot_metadata(hash_val).tags:
        leave_tag_to(snapshots, hash_val, tag)
    versions = snapshots.get_snapshot_versions(hash_val)
    hashes = {name: v.compare_hash for name, v in versions.items()}
    workspace = workspace_of(snapshots)
    for resource in workspace.get_resources():
        compare_hash = hashes.get(resource.name)
        if compare_hash is None or is_absent(workspace, resource):
            continue
        if isinstance(resource, SnapshotResourceMixin):
            resource.snapshot_stored(compare_hash)
            resource.is_of_snapshot(hash_val, versions[resource.name])
    note_present_snapshot(workspace_of(snapshots), hash_val)
    if snapshots.supports_lineage():
        snapshots.get_lineage_store().resolve_current(hashes, contents_of(snapshots, hashes))


def write_result_lineage(
    snapshots: SnapshotWorkspaceMixin,
    current_resources: Sequence[Resource],
    rel_dest_path: str,
    snapshot_hash: str | None = None,
) -> None:
    """Write ``lineage.json`` beside the moved files of each results resource."""
    store = snapshots.get_lineage_store()
    for resource in current_resources:
        if resource.has_results_role() and isinstance(resource, FileResourceMixin):
            graph = store.lineage_file(resource.name, snapshot_hash)
            resource.add_results_file(graph, f"{rel_dest_path}/{LINEAGE_FILE}")


def write_export_lineage(
    snapshots: SnapshotWorkspaceMixin, current_resources: Sequence[Resource], snapshot_hash: str | None = None
) -> None:
    """Write ``lineage.json`` at the root of each exported resource."""
    store = snapshots.get_lineage_store()
    names = workspace_of(snapshots).resource_names
    for resource in current_resources:
        if resource.is_exported() and isinstance(resource, FileResourceMixin):
            former = names.former(resource.name)
            graph = {**store.lineage_file(resource.name, snapshot_hash), **({FORMER_NAMES: former} if former else {})}
            resource.add_results_file(graph, LINEAGE_FILE)
