"""Snapshots whose metadata lies in both of the places that it can have.

Two copies may take the same snapshot, of which only one has many others: see
:meth:`.WorkspacePaths.new_snapshot_metadata_file`. A merge of ours leaves one file. One that git made by itself, here
or on a forge, leaves both, of which the first counts; so what the other says is added to it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from dataworkspaces.backends.git.metadata_merge import united
from dataworkspaces.backends.git.paths import SHARDS, WorkspacePaths, snapshot_of
from dataworkspaces.backends.git.snapshot_index import read_metadata
from dataworkspaces.toolbox.atomic import write_json

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace


def twins(paths: WorkspacePaths) -> list[str]:
    """The hashes of these snapshots. Looks at names only, and at few of them where there are no shards."""
    found = []
    with suppress(FileNotFoundError):
        for shard in os.listdir(paths.snapshot_shards):  # noqa: PTH208
            with suppress(NotADirectoryError):
                names = os.listdir(paths.snapshot_shards / shard)  # noqa: PTH208
                hashes = filter(None, (snapshot_of(f"{SHARDS}/{shard}/{name}") for name in names))
                found += [h for h in hashes if paths.snapshot_metadata_files(h)[0].exists()]
    return sorted(found)


def unite(workspace: GitWorkspace, hashval: str) -> None:
    """Leave one file, that says what both say. The caller saves. Idempotent; a kill in between leaves both."""
    first, second = workspace.paths.snapshot_metadata_files(hashval)
    if not second.exists():
        return
    metadata = united(read_metadata(first), read_metadata(second))
    for path in (first, second):
        workspace.include_in_save(path)
    write_json(first, metadata.to_json(), durable=True)
    second.unlink()
