"""Older snapshots go into packs: see :mod:`.snapshot_packs`.

A snapshot's commit does that, when many snapshots have files of their own. The packs are on disk before a file goes,
and a file goes only if a pack gives back what it holds; so a command that is killed leaves each snapshot in a file, in
a pack, or in both, which is the same to whoever reads, and the next commit of metadata takes all of it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.backends.git.snapshot_packs import PackedSnapshot, encode, name_of, pack_of
from dataworkspaces.errors import MetadataError
from dataworkspaces.gitrepo.plumbing import records
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.atomic import write_bytes
from dataworkspaces.toolbox.regular import read_regular
from dataworkspaces.workspace.results import manifest_hash

MANY = 512
"""So many snapshots may have files of their own."""
KEPT = 128
"""So many of these, the newest, stay files when the others go into packs."""
FEWEST, MOST_LOOSE_BYTES = 16, 8 << 20
"""Fewer may have files of their own where their lineage is large, since a pack holds of each only what is new in it."""
MOST_IN_PACK = 1024
MOST_BYTES = 32 << 20
"""Of the files that go into one pack. One snapshot may have more."""
_MANIFEST_NAME = r"snapshot-([0-9a-f]{40})\.json"


class Limits(NamedTuple):
    """How many snapshots may have files of their own, and how many of these stay files."""

    many: int
    kept: int


def limits(paths: WorkspacePaths, newest: str) -> Limits:
    """For snapshots whose lineage is as large as that of the newest one."""
    try:
        with os.scandir(paths.snapshot_lineage / newest) as files:
            size = sum(file.stat(follow_symlinks=False).st_size for file in files)
    except FileNotFoundError:
        size = 0
    many = min(MANY, max(FEWEST, MOST_LOOSE_BYTES // max(size, 1)))
    return Limits(many, max(1, KEPT * many // MANY))


def loose_snapshots(paths: WorkspacePaths) -> set[str]:
    """Those whose manifests are files of their own."""
    try:
        names = os.listdir(paths.manifests)  # noqa: PTH208
    except FileNotFoundError:
        return set()
    return {match[1] for name in names if (match := re.fullmatch(_MANIFEST_NAME, name))}


def write_packs(paths: WorkspacePaths, hashes: Sequence[str]) -> list[Path]:
    """Write packs of snapshots, oldest first; return the files that they replace, which still are there. What is
    damaged, or no file of ours, is left alone."""
    replaced: list[Path] = []
    for part in _parts(paths, hashes):
        content = encode(snapshot for snapshot, _ in part)
        pack = pack_of("A new pack", content)
        for snapshot, _ in part:
            if (pack.manifest(snapshot.hashval), pack.lineage(snapshot.hashval)) != (
                snapshot.manifest.encode("utf-8"), snapshot.lineage,
            ):  # fmt: skip
                raise MetadataError(f"A pack of snapshot {snapshot.hashval} would not hold what its files do")
        write_bytes(paths.snapshot_packs / name_of(content), content, durable=True)
        replaced += [path for _, files in part for path in files]
    return replaced


def remove_packed(paths: WorkspacePaths, files: Sequence[Path]) -> None:
    """Remove files that packs have replaced, from the working tree and from git's index."""
    for path in files:
        path.unlink(missing_ok=True)
    for directory in {path.parent for path in files if path.parent != paths.manifests}:
        with suppress(OSError):  # somebody else has put something there
            directory.rmdir()
    names = records(path.relative_to(paths.root).as_posix() for path in files)
    arguments = ["update-index", "-z", "--force-remove", "--stdin"]
    run_git(paths.root, arguments, stdin=names, doing="Packing snapshots")


Read = tuple[PackedSnapshot, list[Path]]


def _parts(paths: WorkspacePaths, hashes: Sequence[str]) -> Iterator[list[Read]]:
    """What goes into a pack each."""
    part: list[Read] = []
    size = 0
    for hashval in hashes:
        try:
            snapshot, files, bytes_read = _read(paths, hashval)
        except (OSError, ValueError, RecursionError):
            continue
        if part and (size + bytes_read > MOST_BYTES or len(part) == MOST_IN_PACK):
            yield part
            part, size = [], 0
        part.append((snapshot, files))
        size += bytes_read
    if part:
        yield part


def _read(paths: WorkspacePaths, hashval: str) -> tuple[PackedSnapshot, list[Path], int]:
    """A snapshot, the files that it is in, and their size. Raises ValueError for files that are not as ours are."""
    manifest_file = paths.manifest(hashval)
    manifest = read_regular(manifest_file)
    if manifest_hash(manifest) != hashval:
        raise ValueError(manifest_file)
    files, size = [manifest_file], len(manifest)
    lineage: dict[str, Any] = {}
    directory = paths.snapshot_lineage / hashval
    for name in sorted(os.listdir(directory)) if directory.is_dir() else ():  # noqa: PTH208
        content = read_regular(directory / name)
        document = json.loads(content)
        if not _is_lineage(document) or name != f"{document['resource_name']}.json":
            raise ValueError(directory / name)
        lineage[document["resource_name"]] = document
        files.append(directory / name)
        size += len(content)
    return PackedSnapshot(hashval, manifest.decode("utf-8"), lineage), files, size


def _is_lineage(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and isinstance(document.get("resource_name"), str)
        and isinstance(document.get("lineages"), list)
        and all(isinstance(entry, dict) for entry in document["lineages"])
    )
