"""Snapshots of experiments that a command reads as if they were the workspace's own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from dataworkspaces.backends.git.kept_with_packs import KeptWithPacks
from dataworkspaces.backends.git.packs_in_commits import find_in_commits
from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.backends.git.snapshot_packs import Pack, SnapshotPacks
from dataworkspaces.errors import MetadataError
from dataworkspaces.gitrepo.plumbing import read_blobs, read_named, resolve
from dataworkspaces.lineage.kept_lineage import file_name
from dataworkspaces.workspace import SnapshotMetadata
from dataworkspaces.workspace.kept_experiments import KeptExperiment
from dataworkspaces.workspace.resource_names import ResourceNames


class IncludedExperiments:
    """:param called: what resources are called, and stored as."""

    def __init__(self, paths: WorkspacePaths, experiments: Iterable[KeptExperiment], names: ResourceNames) -> None:
        self._paths = paths
        self._names = names
        self.experiments = tuple(experiments)
        self._by_hash = {each.snapshot.hashval: each for each in self.experiments}

    def snapshot(self, hashval: str) -> SnapshotMetadata | None:
        found = self._by_hash.get(hashval)
        return None if found is None else found.snapshot

    def named(self, name: str) -> SnapshotMetadata | None:
        return next((each.snapshot for each in self.experiments if each.name == name), None)

    def with_prefix(self, prefix: str) -> list[str]:
        return [hashval for hashval in self._by_hash if hashval.startswith(prefix)]

    def commit_of(self, hashval: str) -> str | None:
        found = self._by_hash.get(hashval)
        return None if found is None else found.version

    def read(self, path: Path) -> bytes | None:
        """A file of the metadata, as the first experiment has it that has one."""
        relative = path.relative_to(self._paths.root).as_posix()
        contents = read_named(self._paths.root, [f"{each.version}:{relative}" for each in self.experiments])
        return next((content for content in contents if content is not None), None)

    def manifest(self, hashval: str) -> bytes | None:
        """Of one of the snapshots, or of one that an experiment's commit has too."""
        found = self.read(self._paths.manifest(hashval))
        pack = self.pack_with(hashval) if found is None else None
        return found if pack is None else pack.manifest(hashval)

    def pack_with(self, hashval: str) -> Pack | None:
        """One that an experiment's commit has, and the working tree lacks."""
        return find_in_commits(self._paths, [each.version for each in self.experiments], hashval)

    @cached_property
    def lineage(self) -> dict[tuple[str, str], bytes]:
        """The documents of all experiments, by snapshot and resource: read at once."""
        root = self._paths.root
        keys = [
            (each.version, each.snapshot.hashval, self._names.stored(name))
            for each in self.experiments
            for name in each.snapshot.restore_hashes
        ]
        directory = self._paths.snapshot_lineage.relative_to(root).as_posix()
        objects = resolve(root, [f"{commit}:{directory}/{h}/{file_name(name)}" for commit, h, name in keys])
        contents = read_blobs(root, filter(None, objects))
        return {
            (hashval, name): contents[found]
            for (_, hashval, name), found in zip(keys, objects, strict=True)
            if found is not None
        }


class KeptWithExperiments(KeptWithPacks):
    """Lineage of snapshots that are here, and of experiments in their commits."""

    def __init__(self, paths: WorkspacePaths, packs: SnapshotPacks, included: IncludedExperiments) -> None:
        super().__init__(paths.snapshot_lineage, packs)
        self._included = included

    def read(self, hashval: str, resource_name: str) -> dict[str, Any] | None:
        found = super().read(hashval, resource_name)
        if found is not None:
            return found
        content = self._included.lineage.get((hashval, resource_name))
        if content is None:
            pack = self._included.pack_with(hashval) if self._included.snapshot(hashval) is not None else None
            return None if pack is None else pack.lineage_of(hashval, resource_name)
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as e:
            raise MetadataError(f"{self.where(hashval, resource_name)} in an experiment is not valid JSON") from e
        return document if isinstance(document, dict) and "resource_name" in document else None
