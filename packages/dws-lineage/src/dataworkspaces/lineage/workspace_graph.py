"""The lineage of a workspace, as a graph with its states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.lineage.places import NOTHING, group
from dataworkspaces.lineage.states import States, refs_to_compare
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import LocalStateResourceMixin, Resource, ResourceRef, ResourceRoles

if TYPE_CHECKING:
    from dataworkspaces.lineage.graph import LineageGraph
    from dataworkspaces.lineage.model import LineageEntry
    from dataworkspaces.workspace import SnapshotMetadata, Workspace

__all__ = ["contents_at", "contents_now", "lineage_graph", "lineage_states"]

Look = Callable[[Sequence[ResourceRef]], Mapping[ResourceRef, "str | None"]]
"""Tells what lies at references."""


def lineage_graph(
    workspace: Workspace, resource: str | None = None, snapshot: str | None = None, *, whole: bool = False
) -> LineageGraph:
    """The graph behind a resource, now or in a snapshot (tag or hash).

    :param resource: default: the only results resource that there is, or the first of several.
    :param whole: the graph of all resources.

    Raises ConfigurationError for an unknown resource or snapshot, and if there is no results resource to choose."""
    from dataworkspaces.lineage.graph import GraphBuilder

    snapshots = workspace.as_lineage_ws()
    metadata = None if snapshot is None else snapshots.get_snapshot_by_tag_or_hash(snapshot)
    roles = _roles(workspace, metadata)
    if resource is not None and resource not in roles:
        where = f"Workspace '{workspace.name}'" if snapshot is None else f"Snapshot {snapshot}"
        raise NotFoundError(f"{where} has no resource '{resource}'", hint=f"It has: {', '.join(roles) or 'none'}")
    if resource is None and not whole:
        resource = next((name for name, role in roles.items() if role == ResourceRoles.RESULTS), None)
        if resource is None:
            raise ConfigurationError(
                f"Workspace '{workspace.name}' has no results resource", hint="Choose a resource with --resource NAME"
            )
    hashval = None if metadata is None else metadata.hashval
    store = snapshots.get_lineage_store()
    lineages = {name: store.entries(name, hashval) for name in roles}
    builder = GraphBuilder(lineages, roles, lineage_states(workspace, lineages, metadata).all())
    tags = () if metadata is None else tuple(metadata.tags)
    return builder.build(workspace.name, None if whole else resource, hashval, tags)


def lineage_states(
    workspace: Workspace, lineages: Mapping[str, list[LineageEntry]], metadata: SnapshotMetadata | None
) -> States:
    """What is out of date: now, or as it was in a snapshot."""
    snapshots = workspace.as_lineage_ws()
    if metadata is not None:
        versions = snapshots.get_snapshot_versions(metadata.hashval)
        return States(lineages, {}, {name: version.compare_hash for name, version in versions.items()})
    from dataworkspaces.lineage.code_files import CodeNow

    return States(lineages, contents_now(workspace, lineages), code_changes=CodeNow(workspace).changes)


def contents_now(
    workspace: Workspace, lineages: Mapping[str, list[LineageEntry]], look: Look | None = None
) -> dict[ResourceRef, str | None]:
    """What lies now at each place of which lineage says what lay there.

    :param look: :func:`contents_at` by default."""
    names = set(workspace.get_resource_names())
    refs = [ref for ref in refs_to_compare(lineages) if ref.name in names]
    found = contents_at(workspace, refs) if look is None else look(refs)
    return {
        ref: NOTHING if content is None and _is_gone(workspace.get_resource(ref.name), ref.subpath) else content
        for ref, content in found.items()
    }


def contents_at(workspace: Workspace, refs: Iterable[ResourceRef]) -> dict[ResourceRef, str | None]:
    """What lies at references now, in one look at each repository; None where nobody can tell."""
    places = group(refs)
    return {
        ResourceRef(name, subpath): content
        for name, present in workspace.as_lineage_ws().present_contents(places).items()
        for subpath, content in zip(places[name], present.contents, strict=True)
    }


def _is_gone(resource: Resource, subpath: str | None) -> bool:
    """Whether a resource that is on this machine no longer has the place."""
    if not isinstance(resource, LocalStateResourceMixin):
        return False
    root = resource.get_local_path_if_any()
    is_here = root is not None and (subpath is None or Path(root).is_dir())
    return is_here and not is_present(Path(str(root), subpath or ""))


def _roles(workspace: Workspace, metadata: SnapshotMetadata | None) -> dict[str, str]:
    if metadata is None:
        return {name: workspace.get_resource_role(name) for name in workspace.get_resource_names()}
    manifest = workspace.as_snapshot_ws().get_snapshot_manifest(metadata.hashval)
    return {entry["name"]: entry["role"] for entry in manifest}
