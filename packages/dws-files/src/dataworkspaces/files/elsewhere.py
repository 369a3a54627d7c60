"""A version of a file tree in another directory: from what is kept of it, or from the files, if they still are it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dataworkspaces.errors import MetadataError, NotSupportedError, UnavailableError
from dataworkspaces.filetree import Tree
from dataworkspaces.filetree.contents import all_objects
from dataworkspaces.filetree.manifest import NO_FILES
from dataworkspaces.filetree.objects.checkout import check_out, make_directories
from dataworkspaces.filetree.objects.shared_contents import take_contents
from dataworkspaces.filetree.objects.stored_files import copy_content
from dataworkspaces.filetree.restore_plan import plan_restore
from dataworkspaces.toolbox.names import some

if TYPE_CHECKING:
    from dataworkspaces.files.file_tree import FileTreeMixin
    from dataworkspaces.filetree.objects.ids import ObjectId
    from dataworkspaces.filetree.scan import Known
    from dataworkspaces.workspace import SnapshotVersion

Source = Literal["kept", "files"]


def source_of(resource: FileTreeMixin, version: SnapshotVersion) -> Source:
    """Where a version can be had from; brings here what its remote alone has. Raises NotSupportedError if nothing is
    kept of it, UnavailableError if it is not whole."""
    tree = resource.stored_tree(version.compare_hash)
    lost: dict[str, None] = {}
    if version.restore_hash is not None and tree is not None:
        contents, _ = resource.kept_content.contents(tree)
        missing = resource.kept_content.store.missing(contents)
        if missing and resource.remote_content is not None:
            resource.remote_content.fetch({id_: contents[id_] for id_ in missing})
            missing = resource.kept_content.store.missing(contents)
        if not missing:
            return "kept"
        lost = dict.fromkeys(sorted(contents[id_] for id_ in missing))
    if tree is not None and resource.changes_since(version).state == "unchanged":
        return "files"
    if lost:
        raise UnavailableError(
            f"Resource '{resource.name}': the content of {some(map(repr, lost))} is not in the object store at "
            f"{resource.kept_content.store.root}",
            hint="'dws fsck' shows what is missing",
        )
    raise NotSupportedError(
        f"Resource '{resource.name}' cannot be checked out: its versions are recorded, but their content is not "
        "kept, and its files are "
        "no longer those of the snapshot",
        hint=f"dws config --resource {resource.name} restorable true keeps later ones; --only leaves it out here",
    )


def check_out_tree(resource: FileTreeMixin, version: SnapshotVersion, directory: Path) -> Known:
    """Returns what was written, of which the content is verified."""
    source = source_of(resource, version)
    tree = resource.stored_tree(version.compare_hash)
    if tree is None:
        raise MetadataError(f"Resource '{resource.name}': the workspace does not have version {version}")
    directory.mkdir(parents=True, exist_ok=True)
    if source == "kept":
        return _from_store(resource, tree, directory)
    _from_files(resource, tree, directory)
    return {}


def _from_store(resource: FileTreeMixin, tree: Tree, directory: Path) -> Known:
    nothing = Tree(NO_FILES, lambda hashval: b"" if hashval == NO_FILES else tree.read(hashval))
    plan = plan_restore(nothing, tree)
    make_directories(directory, sorted(plan.make_directories))
    size = sum(files.size for files in plan.write)
    with resource.workspace.interaction.progress(f"Checking out {resource.name}", size, "bytes") as advance:
        return check_out(resource.kept_content.store, directory, plan.write, advance=advance)


def _from_files(resource: FileTreeMixin, tree: Tree, directory: Path) -> None:
    root = resource.local_root()
    with resource.workspace.interaction.progress(f"Checking out {resource.name}", None, "files") as advance:
        for path, kind in _walk(tree):
            target = directory / path
            if kind == "tree":
                target.mkdir()
            elif kind == "link" or (root / path).is_symlink():
                target.symlink_to((root / path).readlink())
            else:
                copy_file(root / path, target)
                advance(1)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file as a reflink, where the file system can, with its mode and times."""
    with source.open("rb") as old, target.open("xb") as new:
        copy_content(old.fileno(), new.fileno(), os.fstat(old.fileno()).st_size)
    shutil.copystat(source, target)


def _walk(tree: Tree) -> Iterator[tuple[str, str]]:
    """The paths of a tree and what lies there, each directory before what is in it."""
    pending = [("", tree.hashval)]
    while pending:
        prefix, hashval = pending.pop()
        for entry in tree.entries(hashval):
            path = prefix + entry.name
            yield path, entry.kind
            if entry.kind == "tree":
                pending.append((f"{path}/", entry.value))


def files_of(tree: Tree) -> set[str]:
    """The paths of the files of a tree."""
    return {path for path, kind in _walk(tree) if kind != "tree"}


def hand_over_kept(source: FileTreeMixin, target: FileTreeMixin, version: str, written: Known) -> None:
    """Have the contents of a version in the object store of a copy of the workspace, and those of all others that its
    snapshots refer to, where that costs nothing. What was written there need not be read there.

    :param written: as :func:`check_out_tree` has returned it."""
    tree = source.stored_tree(version)
    contents, manifests = ({}, frozenset()) if tree is None else source.kept_content.contents(tree)
    seen = set(manifests)
    if not _is_shared(source, target):
        take_contents(source.kept_content.store, target.kept_content.store, contents.keys(), may_copy=True)
    _share(source, target, _versions(target), seen, may_copy=False)
    if written:
        target.present_tree(known=written)


def take_back_kept(source: FileTreeMixin, target: FileTreeMixin) -> None:
    """Have the contents here of all versions that our snapshots refer to, and that a copy has."""
    _share(source, target, _versions(target), set(), may_copy=True)


def _versions(resource: FileTreeMixin) -> list[str]:
    snapshots = resource.workspace.as_snapshot_ws().list_snapshots()
    return list(filter(None, dict.fromkeys(snapshot.restore_hashes.get(resource.name) for snapshot in snapshots)))


def _is_shared(source: FileTreeMixin, target: FileTreeMixin) -> bool:
    """Whether there is nothing to give, or one object store for both."""
    return not source.restorable or source.kept_content.store.root == target.kept_content.store.root


def _share(
    source: FileTreeMixin, target: FileTreeMixin, versions: list[str], seen: set[str], *, may_copy: bool
) -> None:
    """:param seen: manifests whose contents have been taken; those of the versions are added."""
    if _is_shared(source, target):
        return
    contents: set[ObjectId] = set()
    for version in versions:
        tree = target.stored_tree(version) or source.stored_tree(version)
        contents.update(all_objects(tree, seen) if tree is not None else ())
    take_contents(source.kept_content.store, target.kept_content.store, contents, may_copy=may_copy)
