"""Snapshots that other branches hold, and what is stored there of the versions in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from dataworkspaces.backends.git.kept_with_packs import KeptWithPacks
from dataworkspaces.backends.git.packs_in_commits import find_in_commits
from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.backends.git.snapshot_index import parse_metadata
from dataworkspaces.backends.git.snapshot_packs import SnapshotPacks
from dataworkspaces.errors import DwsError, MetadataError, NotFoundError
from dataworkspaces.gitrepo.experiment_refs import EXPERIMENTS
from dataworkspaces.gitrepo.kept_commits import KEPT_COMMITS
from dataworkspaces.gitrepo.layout import head_commit, read_reference
from dataworkspaces.gitrepo.plumbing import list_tree, read_blobs, resolve
from dataworkspaces.gitrepo.remote import ORIGIN
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.params import HASH_RE
from dataworkspaces.toolbox.names import some
from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph, SnapshotNode
from dataworkspaces.workspace import SnapshotMetadata, VersionElsewhere

_BRANCHES = ("refs/heads", "refs/remotes")
_REFS = ("refs/heads", "refs/remotes", "refs/tags", KEPT_COMMITS, EXPERIMENTS)


def versions_on_other_branches(paths: WorkspacePaths) -> Iterator[VersionElsewhere]:
    """See :meth:`SnapshotWorkspaceMixin.versions_on_other_branches`. A version may come more than once."""
    return versions_in(paths, _commits(paths))


def versions_in(
    paths: WorkspacePaths, commits: Iterable[str], *, is_strict: bool = False
) -> Iterator[VersionElsewhere]:
    """What snapshots of commits hold that are not here.

    :param is_strict: versions of which nothing is stored come too, and metadata that is damaged raises
        MetadataError."""
    root, directories, states = paths.root, paths.snapshot_metadata_in_git, f"{paths.metadata_in_git}/file"
    below = tuple(f"{directory}/" for directory in directories)
    seen: set[str] = set()
    for commit in commits:
        listed = list_tree(root, commit, [*directories, states])
        # What the working tree has too is nothing of another branch.
        found = {p: e.name for p, e in listed.items() if p.startswith(below) and not (root / p).exists()}
        metadata = set(found.values()) - seen
        seen |= metadata
        if not metadata:
            continue
        state: dict[str, dict[str, str]] = {}
        for path, entry in listed.items():
            parts = path.removeprefix(f"{states}/").split("/")
            if path.startswith(f"{states}/") and len(parts) == 3:
                state.setdefault(parts[1], {})[parts[2]] = entry.name
        readers = {name: _State(root, blobs) for name, blobs in state.items()}
        for content in read_blobs(root, metadata).values():
            for name, restore_hash in _restore_hashes(content, commit if is_strict else None).items():
                if name in readers or is_strict:
                    yield VersionElsewhere(name, restore_hash, readers.get(name, _nothing))


def find_snapshots(paths: WorkspacePaths, hashes: Iterable[str]) -> list[SnapshotMetadata]:
    """See :meth:`SnapshotWorkspaceMixin.find_snapshots_elsewhere`. What is damaged there is left out."""
    found: dict[str, SnapshotMetadata] = {}
    looked_for: set[str] = set()
    tips = _commits(paths)
    wanted = {hashval for hashval in hashes if _is_wanted(paths, hashval)}
    while wanted:
        looked_for |= wanted
        for metadata in _read(paths, tips, sorted(wanted)):
            found.setdefault(metadata.hashval, metadata)
        parents = {p for m in found.values() for each in (m.parents or [], *m.resource_parents.values()) for p in each}
        wanted = {parent for parent in parents - looked_for if _is_wanted(paths, parent)}
    return list(found.values())


def branch_names(paths: WorkspacePaths) -> list[str]:
    """Those here, and those of remotes that are at another commit, as ``origin/BRANCH``."""
    listed = run_git(paths.root, ["for-each-ref", "--format=%(objectname) %(refname)", *_BRANCHES]).stdout
    lines = [line.partition(" ")[::2] for line in listed.decode("utf-8", "surrogateescape").splitlines()]
    here = {ref.removeprefix("refs/heads/"): commit for commit, ref in lines if ref.startswith("refs/heads/")}
    there = {ref.removeprefix("refs/remotes/"): commit for commit, ref in lines if ref.startswith("refs/remotes/")}
    others = [n for n, c in there.items() if not n.endswith("/HEAD") and here.get(n.partition("/")[2]) != c]
    return [*here, *others]


def snapshots_of_branch(paths: WorkspacePaths, branch: str) -> list[SnapshotMetadata]:
    """See :meth:`SnapshotWorkspaceMixin.list_branch`. One that is only at the origin needs no ``origin/``."""
    places = [f"{where}{branch}" for where in ("refs/heads/", "refs/remotes/", f"refs/remotes/{ORIGIN}/")]
    tip = next((commit for place in places if (commit := read_reference(paths.root, place)) is not None), None)
    if tip is None:
        names = some(branch_names(paths))
        raise NotFoundError(f"There is no branch '{branch}'", hint=f"There are: {names}. 'git fetch' may bring it")
    return _snapshots_in(paths, tip)


def snapshots_elsewhere(paths: WorkspacePaths) -> Iterator[SnapshotMetadata]:
    """Those of branches that hold a commit which the present state does not come from, the newest of a branch first. A
    snapshot may come more than once; what is damaged is left out."""
    head = head_commit(paths.root)
    beside = [] if head is None else [f"--no-merged={head}"]
    listed = run_git(paths.root, ["for-each-ref", "--format=%(objectname)", *beside, *_BRANCHES]).stdout
    for tip in dict.fromkeys(listed.decode("ascii").split()):
        found: list[SnapshotMetadata] = []
        with suppress(DwsError):
            found = _snapshots_in(paths, tip)
        yield from found


def _snapshots_in(paths: WorkspacePaths, commit: str) -> list[SnapshotMetadata]:
    files = list_tree(paths.root, commit, paths.snapshot_metadata_in_git)
    contents = read_blobs(paths.root, [entry.name for entry in files.values()])
    found: dict[str, SnapshotMetadata] = {}
    for path, entry in files.items():
        with suppress(MetadataError):
            metadata = parse_metadata(contents[entry.name], path)
            found.setdefault(metadata.hashval, metadata)
    return [found[h] for h in SnapshotGraph(map(SnapshotNode.of, found.values())).newest_first()]


def read_elsewhere(paths: WorkspacePaths, path: Path) -> bytes | None:
    """A file of the metadata, as the first branch has it that has one; None if none does."""
    relative = path.relative_to(paths.root).as_posix()
    found = next(filter(None, resolve(paths.root, [f"{tip}:{relative}" for tip in _commits(paths)])), None)
    return None if found is None else read_blobs(paths.root, [found])[found]


def manifest_elsewhere(paths: WorkspacePaths, hashval: str) -> bytes | None:
    """The manifest of a snapshot, as the first branch has it that has one; None if none does."""
    found = read_elsewhere(paths, paths.manifest(hashval))
    pack = find_in_commits(paths, _commits(paths), hashval) if found is None else None
    return found if pack is None else pack.manifest(hashval)


class KeptOnBranches(KeptWithPacks):
    """Lineage of snapshots that are here, and of those on other branches in what git has of them."""

    def __init__(self, paths: WorkspacePaths, packs: SnapshotPacks) -> None:
        super().__init__(paths.snapshot_lineage, packs)
        self._paths = paths

    def read(self, hashval: str, resource_name: str) -> dict[str, Any] | None:
        found = super().read(hashval, resource_name)
        if found is not None or not _is_wanted(self._paths, hashval):
            return found
        content = read_elsewhere(self._paths, self._path(hashval, resource_name))
        if content is None:
            pack = find_in_commits(self._paths, _commits(self._paths), hashval)
            return None if pack is None else pack.lineage_of(hashval, resource_name)
        try:
            document = None if content is None else json.loads(content)
        except (ValueError, RecursionError) as e:
            raise MetadataError(f"{self.where(hashval, resource_name)} on another branch is not valid JSON") from e
        return document if isinstance(document, dict) and "resource_name" in document else None


def _is_wanted(paths: WorkspacePaths, hashval: str) -> bool:
    """Whether it is a hash, and of no snapshot that is here."""
    return bool(HASH_RE.match(hashval)) and not paths.snapshot_metadata_file(hashval).exists()


def _read(paths: WorkspacePaths, tips: Sequence[str], hashes: Sequence[str]) -> Iterator[SnapshotMetadata]:
    files = (file for hashval in hashes for file in paths.snapshot_metadata_files(hashval))
    places = [file.relative_to(paths.root).as_posix() for file in files]
    objects = resolve(paths.root, [f"{tip}:{place}" for place in places for tip in tips])
    named = {name: places[number // len(tips)] for number, name in enumerate(objects) if name is not None}
    for name, content in read_blobs(paths.root, named).items():
        with suppress(MetadataError):
            yield parse_metadata(content, named[name])


def _commits(paths: WorkspacePaths) -> list[str]:
    """The tips of all branches and tags, experiments, and commits that are kept for snapshots."""
    listed = run_git(paths.root, ["for-each-ref", "--format=%(objectname) %(*objectname)", *_REFS]).stdout
    return list(dict.fromkeys(line.split()[-1] for line in listed.decode("ascii").splitlines()))


def _nothing(_key: str) -> None:
    return None


def _restore_hashes(content: bytes, commit: str | None) -> dict[str, str]:
    """:param commit: where the metadata is, if it must not be damaged."""
    try:
        found = json.loads(content).get("restore_hashes")
    except (ValueError, AttributeError, RecursionError) as e:
        if commit is not None:
            raise MetadataError(f"Commit {commit[:12]} has metadata of a snapshot that cannot be read") from e
        return {}
    return {n: h for n, h in found.items() if isinstance(h, str)} if isinstance(found, dict) else {}


class _State:
    """What a branch stores of a resource, all read at once when it is first asked for."""

    def __init__(self, root: Path, blobs: dict[str, str]) -> None:
        self._root = root
        self._blobs = blobs

    @cached_property
    def _contents(self) -> dict[str, bytes]:
        return read_blobs(self._root, self._blobs.values())

    def __call__(self, key: str) -> bytes | None:
        name = self._blobs.get(key)
        return None if name is None else self._contents[name]
