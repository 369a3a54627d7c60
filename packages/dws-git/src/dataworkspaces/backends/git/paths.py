"""The files of a workspace below its directory; see the file formats in the documentation."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

from dataworkspaces.gitrepo.layout import enclosing_repository
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

SHARDS = "snapshot_shards"
"""The directory, below that of the metadata."""
PACKS = "snapshot_packs"
"""Likewise."""
SHARD_RE = "[0-9a-f]{2}"
MANY_SNAPSHOTS = 512
"""From so many snapshots on, the metadata of a new one goes to a shard."""
BRANCH_PARAM = "dws_git_branch"
"""A global parameter."""
WORKSPACE_IGNORES = (".ipynb_checkpoints/", ".~*")
"""In the ``.gitignore`` at the root, beside the scratch directory and resources in repositories of their own."""
METADATA_IGNORES = ("local_params.json", "resource_local_params.json", "current_lineage/", "/scratch/", ".*.tmp")
"""In the ``.gitignore`` of the metadata directory; release 1.6 wrote the first three."""
LOCAL_ONLY = ("local_params.json", "resource_local_params.json", "current_lineage", "objects", "scratch")
"""What belongs to one machine, directly below the metadata directory."""
METADATA_ATTRIBUTES = "* -text -eol -ident -filter -working-tree-encoding !diff !merge"
"""The last line in the ``.gitattributes`` of the metadata directory: what is hashed is not converted, and a pattern
like ``*.json`` for git-lfs is not meant for it."""

_METADATA_FILE_RE = rf"(?:snapshot_metadata|{SHARDS}/({SHARD_RE}))/((?(1)\1)[0-9a-f]+)_md\.json"


def snapshot_of(relative: str) -> str | None:
    """The hash of the snapshot whose metadata a file is, by its path from the metadata directory; None for others."""
    match = re.fullmatch(_METADATA_FILE_RE, relative)
    return None if match is None else match[2]


class WorkspacePaths:
    """Asked for thousands of times where there are many resources, so each is joined once."""

    def __init__(self, directory: Path, prefix: str = "") -> None:
        """:param directory: the workspace.
        :param prefix: where that lies in its repository: ``""``, or ``a/b/``."""
        self.directory = directory
        self.prefix = prefix
        self._resource_files: dict[str, Path] = {}

    @staticmethod
    def of(directory: Path) -> WorkspacePaths:
        """With the prefix that the repository around a directory, if there is one, gives it."""
        root = enclosing_repository(directory)
        if root is None or root == directory:
            return WorkspacePaths(directory)
        return WorkspacePaths(directory, f"{directory.relative_to(root).as_posix()}/")

    @cached_property
    def root(self) -> Path:
        """Of the repository's working tree."""
        return self.directory.parents[self.prefix.count("/") - 1] if self.prefix else self.directory

    @property
    def within(self) -> str:
        """The workspace's directory in the repository; ``""`` is the root."""
        return self.prefix[:-1]

    def in_git(self, relative: str) -> str:
        """A place in the workspace, as git names it."""
        return f"{self.prefix}{relative}"

    def tree(self, commit: str) -> str:
        """The workspace in a commit, as git names it."""
        return f"{commit}:{self.within}" if self.prefix else commit

    @cached_property
    def metadata(self) -> Path:
        return self.directory / METADATA_DIR

    @cached_property
    def metadata_in_git(self) -> str:
        return self.in_git(METADATA_DIR)

    @cached_property
    def config(self) -> Path:
        return self.metadata / "config.json"

    @cached_property
    def local_params(self) -> Path:
        return self.metadata / "local_params.json"

    @cached_property
    def resources(self) -> Path:
        return self.metadata / "resources"

    def resource_file(self, name: str) -> Path:
        found = self._resource_files.get(name)
        if found is None:
            found = self._resource_files[name] = self.resources / f"{name}.json"
        return found

    @cached_property
    def resource_list(self) -> Path:
        """Of release 1.6, in the place of the directory."""
        return self.metadata / "resources.json"

    @cached_property
    def resource_local_params(self) -> Path:
        return self.metadata / "resource_local_params.json"

    @cached_property
    def current_lineage(self) -> Path:
        return self.metadata / "current_lineage"

    @cached_property
    def snapshot_lineage(self) -> Path:
        return self.metadata / "snapshot_lineage"

    @property
    def lineage_in_git(self) -> tuple[str, ...]:
        """Where commits have the lineage of snapshots."""
        return self.in_git(f"{METADATA_DIR}/{self.snapshot_lineage.name}"), self.in_git(f"{METADATA_DIR}/{PACKS}")

    @cached_property
    def snapshot_metadata(self) -> Path:
        return self.metadata / "snapshot_metadata"

    @cached_property
    def snapshot_shards(self) -> Path:
        """For the metadata of snapshots that come to many others: see :meth:`new_snapshot_metadata_file`."""
        return self.metadata / SHARDS

    @property
    def snapshot_metadata_in_git(self) -> tuple[str, str]:
        """Where commits have the metadata of snapshots."""
        return self.in_git(f"{METADATA_DIR}/{self.snapshot_metadata.name}"), self.in_git(f"{METADATA_DIR}/{SHARDS}")

    @cached_property
    def metadata_gitignore(self) -> Path:
        return self.metadata / ".gitignore"

    @cached_property
    def metadata_gitattributes(self) -> Path:
        return self.metadata / ".gitattributes"

    @cached_property
    def gitignore(self) -> Path:
        return self.directory / ".gitignore"

    @cached_property
    def manifests(self) -> Path:
        return self.metadata / "snapshots"

    @cached_property
    def snapshot_packs(self) -> Path:
        return self.metadata / PACKS

    def manifest(self, hash_val: str) -> Path:
        return self.manifests / f"snapshot-{hash_val}.json"

    def snapshot_metadata_files(self, hash_val: str) -> tuple[Path, Path]:
        """Where the metadata of a snapshot may be: in the first place, or else in the second."""
        name = f"{hash_val}_md.json"
        return self.snapshot_metadata / name, self.snapshot_shards / hash_val[:2] / name

    def snapshot_metadata_file(self, hash_val: str) -> Path:
        """Where the metadata of a snapshot is; if there is none, where release 1.6 would have it."""
        flat, sharded = self.snapshot_metadata_files(hash_val)
        return sharded if is_present(sharded) and not is_present(flat) else flat

    def new_snapshot_metadata_file(self, hash_val: str, count: int) -> Path:
        """Where the metadata of a snapshot goes, and then stays.

        Release 1.6 has one directory. Whatever is written there, git writes the names of all files in it, and we look
        at each. So once there are many snapshots, new ones go to directories named for the first two digits of the
        hash.

        :param count: of the snapshots that there are."""
        there = self.snapshot_metadata_file(hash_val)
        return there if count < MANY_SNAPSHOTS or is_present(there) else self.snapshot_metadata_files(hash_val)[1]

    def resource_state(self, role: str, name: str) -> Path:
        """Manifests of local-files and rclone resources."""
        return self.metadata / "file" / role / name

    def document(self, key: str) -> Path:
        """Raises ConfigurationError for a key that is none."""
        from dataworkspaces.workspace.documents import check_document_key

        return self.metadata / check_document_key(key)

    @cached_property
    def objects(self) -> Path:
        """The object store, unless a parameter says where it is."""
        return self.metadata / "objects"

    def resource_local(self, name: str) -> Path:
        return self.metadata / "scratch" / name
