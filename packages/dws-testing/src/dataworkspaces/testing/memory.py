"""A workspace in memory: a small and whole implementation of the contract.

Only what the contract calls directories is on disk (machine, local state of resources, scratch). A
:class:`MemoryStore` holds the rest as JSON or bytes, so that it can be opened again, as from another process.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, InternalError, MetadataError, NotFoundError
from dataworkspaces.lineage.file_store import FileLineageStore
from dataworkspaces.params import HOSTNAME
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph, SnapshotNode
from dataworkspaces.workspace import (
    CentralWorkspaceMixin,
    Resource,
    ResourceFactory,
    SnapshotMetadata,
    SnapshotWorkspaceMixin,
    Workspace,
)


@dataclass
class MemoryStore:
    """What is kept; each value is text as it would be in a file."""

    params: dict[bool, str] = field(default_factory=lambda: {True: "{}", False: "{}"})
    resources: dict[str, str] = field(default_factory=dict)
    resource_local_params: dict[str, str] = field(default_factory=dict)
    resource_state: dict[tuple[str, str], bytes] = field(default_factory=dict)
    snapshots: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    snapshot_number: int = 0
    saved: list[str] = field(default_factory=list)
    ignored_paths: list[Path] = field(default_factory=list)


class MemoryWorkspace(SnapshotWorkspaceMixin, CentralWorkspaceMixin, Workspace):
    """A workspace without git and without a database.

    :param directory: for what is kept on disk.
    :param store: of a workspace that is opened again.
    :param factories: resource types beside those that are installed.
    :param lineage_store: None for a workspace without lineage.
    """

    renames_resources = True

    def __init__(
        self,
        directory: Path,
        store: MemoryStore | None = None,
        *,
        factories: dict[str, ResourceFactory] | None = None,
        lineage_store: Any = None,
    ) -> None:
        super().__init__("memory", "2.0.0", batch=True)
        self.directory = directory
        self.store = store if store is not None else MemoryStore()
        self.factories = factories or {}
        self.lineage_store = lineage_store

    # -- parameters and resources ----------------------------------------------------------------------------

    def read_params(self, is_global: bool) -> dict[str, Any]:
        params: dict[str, Any] = json.loads(self.store.params[is_global])
        return params

    def write_params(self, is_global: bool, params: dict[str, Any]) -> None:
        self.store.params[is_global] = json.dumps(params)

    def read_stored_resource_params(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.store.resources.values()]

    def write_resource_params(self, params: dict[str, Any]) -> None:
        stored = self.to_stored_params(params)
        self.store.resources[stored["name"]] = json.dumps(stored)

    def get_resource_names(self) -> Iterable[str]:
        return [params["name"] for params in self.read_resource_params()]

    def get_resource_factory(self, resource_type: str) -> ResourceFactory:
        return self.factories.get(resource_type) or super().get_resource_factory(resource_type)

    def read_resource_local_params(self, name: str) -> dict[str, Any] | None:
        text = self.store.resource_local_params.get(self.resource_names.stored(name))
        return None if text is None else json.loads(text)

    def write_resource_local_params(self, name: str, params: dict[str, Any]) -> None:
        self.store.resource_local_params[self.resource_names.stored(name)] = json.dumps(params)

    def read_resource_state(self, resource: Resource, key: str) -> bytes | None:
        stored = self.resource_names.stored(resource.name)
        return self.store.resource_state.get((stored, check_relative_path(key, "State key")))

    def write_resource_state(self, resource: Resource, items: dict[str, bytes]) -> None:
        stored = self.resource_names.stored(resource.name)
        for key, content in items.items():
            self.store.resource_state[stored, check_relative_path(key, "State key")] = bytes(content)

    def get_resources_that_need_to_be_cloned(self) -> list[str]:
        return list(self.get_names_for_resources_that_need_to_be_cloned())

    def save(self, message: str) -> None:
        self.store.saved.append(message)

    def ignore_local_path(self, path: Path) -> None:
        self.store.ignored_paths.append(path)

    # -- identity and places ---------------------------------------------------------------------------------

    def get_instance(self) -> str:
        return str(self.get_local_param(HOSTNAME) or "here")

    def get_workspace_local_path_if_any(self) -> str | None:
        return str(self.directory)

    def get_resource_local_directory(self, resource: Resource) -> Path:
        path = self.directory / ".dataworkspace" / "scratch" / self.resource_names.stored(resource.name)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def get_machine_directory(self) -> Path:
        return self.directory / ".dataworkspace" / "machine"

    def get_scratch_directory(self) -> str:
        return str(self.directory / "scratch")

    def as_snapshot_ws(self) -> SnapshotWorkspaceMixin:
        return self

    def as_lineage_ws(self) -> SnapshotWorkspaceMixin:
        if not self.supports_lineage():
            raise self.not_supported("lineage")
        return self

    # -- snapshots -------------------------------------------------------------------------------------------

    def get_next_snapshot_number(self) -> int:
        return self.store.snapshot_number + 1

    def list_snapshots(self, reverse: bool = True, max_count: int | None = None) -> Iterable[SnapshotMetadata]:
        everything = [self._metadata(text) for text in self.store.snapshots.values()]
        position = SnapshotGraph(map(SnapshotNode.of, everything)).positions()
        return sorted(everything, key=lambda m: (position[m.hashval], m.hashval), reverse=reverse)[:max_count]

    def get_snapshot_count(self) -> int:
        return len(self.store.snapshots)

    def get_tags(self) -> list[str]:
        return sorted(tag for metadata in self.list_snapshots() for tag in metadata.tags)

    def get_snapshot_metadata(self, hash_val: str) -> SnapshotMetadata:
        if hash_val not in self.store.snapshots:
            raise NotFoundError(f"There is no snapshot {hash_val}")
        return self._metadata(self.store.snapshots[hash_val])

    def _metadata(self, text: str) -> SnapshotMetadata:
        return self.resource_names.snapshot_called(SnapshotMetadata.from_json(json.loads(text)))

    def _store_metadata(self, metadata: SnapshotMetadata) -> None:
        stored = self.resource_names.snapshot_stored(metadata)
        self.store.snapshots[metadata.hashval] = json.dumps(stored.to_json())

    def get_snapshot_by_tag(self, tag: str) -> SnapshotMetadata:
        for metadata in self.list_snapshots():
            if metadata.has_tag(tag):
                return metadata
        raise NotFoundError(f"There is no snapshot with the tag '{tag}'")

    def get_snapshot_by_partial_hash(self, partial_hash: str) -> SnapshotMetadata:
        found = [metadata for metadata in self.list_snapshots() if metadata.matches_partial_hash(partial_hash)]
        if not found:
            raise NotFoundError(f"No snapshot hash starts with {partial_hash}")
        if len(found) > 1:
            listed = ", ".join(metadata.hashval for metadata in found)
            raise ConfigurationError(f"The hash {partial_hash} should fit one snapshot, but fits: {listed}")
        return found[0]

    def get_snapshot_manifest_bytes(self, hash_val: str) -> bytes:
        if hash_val not in self.store.manifests:
            raise MetadataError(f"The manifest of snapshot {hash_val} is missing")
        return self.store.manifests[hash_val]

    def save_snapshot_metadata_and_manifest(self, metadata: SnapshotMetadata, manifest: bytes) -> None:
        self.store.manifests[metadata.hashval] = manifest
        if metadata.hashval not in self.store.snapshots:
            self.store.snapshot_number += 1
        self._store_metadata(metadata)

    def remove_tag_from_snapshot(self, hash_val: str, tag: str) -> None:
        metadata = self.get_snapshot_metadata(hash_val) if hash_val in self.store.snapshots else None
        if metadata is None or not metadata.has_tag(tag):
            raise InternalError(f"Snapshot {hash_val} has no tag '{tag}' to remove")
        metadata.tags.remove(tag)
        self._store_metadata(metadata)

    def delete_snapshot_metadata_and_manifest(self, hash_val: str) -> None:
        self.store.snapshots.pop(hash_val, None)
        self.store.manifests.pop(hash_val, None)

    # -- lineage ---------------------------------------------------------------------------------------------

    def supports_lineage(self) -> bool:
        return self.lineage_store is not None

    def get_lineage_store(self) -> Any:
        if self.lineage_store is None:
            raise ConfigurationError("This workspace keeps no lineage")
        if isinstance(self.lineage_store, FileLineageStore):
            self.lineage_store.names = lambda: self.resource_names
        return self.lineage_store
