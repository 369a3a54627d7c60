"""What the object store holds for a workspace: the versions that need it, and the workspaces that share it."""

from __future__ import annotations

import errno
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import ConfigurationError, DwsError, UnavailableError
from dataworkspaces.files.file_tree import FileTreeMixin
from dataworkspaces.filetree import Tree
from dataworkspaces.filetree.contents import all_objects
from dataworkspaces.operations.deleted_snapshots import DeletedSnapshots
from dataworkspaces.operations.store_users import StoreUsers
from dataworkspaces.toolbox.lock_without_space import hold_empty_lock
from dataworkspaces.workspace import Journal, SnapshotWorkspaceMixin, load_workspace
from dataworkspaces.workspace.kept_versions import KeptVersionsMixin
from dataworkspaces.workspace.workspace_uri import METADATA_DIR, find_workspace_uri

if TYPE_CHECKING:
    from datetime import datetime

    from dataworkspaces.workspace import Resource, Workspace

_LOOK_AT = 5000


def resources_with_versions(workspace: Workspace) -> list[KeptVersionsMixin]:
    """The resources that keep the content of versions, or have kept that of earlier ones."""
    return with_versions(workspace.get_resources())


def with_versions(resources: Iterable[Resource]) -> list[KeptVersionsMixin]:
    """Of ``resources``, those of :func:`resources_with_versions`."""
    able = [r for r in resources if isinstance(r, KeptVersionsMixin)]
    held: set[str] | None = None
    found: list[KeptVersionsMixin] = []
    for resource in able:
        keeps = resource.keeps_versions() or bool(resource.replaced_versions())
        if not keeps:
            held = names_in_snapshots(resource.workspace) if held is None else held
        if keeps or resource.name in (held or ()):
            found.append(resource)
    return found


def names_in_snapshots(workspace: Workspace) -> set[str]:
    """The resources of which a snapshot can restore a version."""
    if not isinstance(workspace, SnapshotWorkspaceMixin):
        return set()
    return {name for s in workspace.list_snapshots() for name, version in s.restore_hashes.items() if version}


def snapshot_versions(workspace: Workspace, name: str) -> dict[str, str]:
    """By snapshot, newest first, the version of a resource that it can restore."""
    if not isinstance(workspace, SnapshotWorkspaceMixin):
        return {}
    found = {s.hashval: s.restore_hashes.get(name) for s in workspace.list_snapshots()}
    return {snapshot: version for snapshot, version in found.items() if version is not None}


def needed_versions(workspace: Workspace, since: datetime) -> dict[str, set[str]]:
    """By resource, the versions that snapshots hold, on any branch, and those of snapshots that were deleted since a
    time."""
    needed: defaultdict[str, set[str]] = defaultdict(set)
    held = [d.metadata.restore_hashes for d in DeletedSnapshots(workspace).all() if d.time >= since]
    if isinstance(workspace, SnapshotWorkspaceMixin):
        held += [snapshot.restore_hashes for snapshot in workspace.list_snapshots()]
        for version in workspace.versions_on_other_branches():
            needed[version.resource_name].add(version.restore_hash)
    for versions in held:
        for name, version_hash in versions.items():
            if version_hash is not None:
                needed[name].add(version_hash)
    return needed


def needed_objects(workspace: Workspace, replaced_since: datetime | None = None) -> set[bytes]:
    """The digests of all contents that a workspace needs: for its snapshots, on any branch, and for what a restore
    replaced, of the latter only what was replaced since ``replaced_since``. Raises ConfigurationError if that cannot
    be told for sure."""
    needed: set[bytes] = set()
    seen: set[str] = set()

    def take(tree: Tree, what: str) -> None:
        taking(needed, tree, what, seen)

    deletions = [
        deleted
        for deleted in DeletedSnapshots(workspace).all()
        if replaced_since is None or deleted.time >= replaced_since
    ]
    # All of them: of one that keeps versions no more, those of a deleted snapshot may be the last that are kept.
    every = (*workspace.get_resources(), *workspace.get_removed_resources())
    snapshots = list(workspace.list_snapshots()) if isinstance(workspace, SnapshotWorkspaceMixin) else []
    for resource in (each for each in every if isinstance(each, FileTreeMixin)):
        name = resource.name
        for snapshot in snapshots:
            version = snapshot.restore_hashes.get(name)
            if version is not None:
                take(Tree(version, resource.read_manifest), f"Snapshot {snapshot.hashval[:7]} of resource '{name}'")
        for replaced in resource.kept_content.replaced.all():
            if replaced_since is not None and replaced.time < replaced_since:
                continue
            take(Tree(replaced.version, resource.read_manifest), f"What a restore of resource '{name}' replaced")
        for deleted in deletions:
            lost = deleted.metadata.restore_hashes.get(name)
            if lost is not None:
                take(Tree(lost, resource.read_manifest), f"Deleted snapshot {deleted.metadata.hashval[:7]} of '{name}'")
    if isinstance(workspace, SnapshotWorkspaceMixin):
        for elsewhere in workspace.versions_on_other_branches():
            if elsewhere.read_state(elsewhere.restore_hash) is not None:
                take(
                    Tree(elsewhere.restore_hash, elsewhere.read_state),
                    f"Resource '{elsewhere.resource_name}' on another branch",
                )
    return needed


def taking(needed: set[bytes], tree: Tree, what: str, seen: set[str]) -> None:
    """Add the digests of the contents of a tree; raises ConfigurationError if they cannot be told.

    :param seen: manifests that were looked at; those of the tree are added."""
    try:
        needed.update(object_id.digest for object_id in all_objects(tree, seen))
    except DwsError as e:
        raise UnavailableError(
            f"{what}: {e.message}, so it is not known which contents are still needed",
            hint="'dws fsck' shows more; 'dws delete-snapshot' gives up a snapshot",
        ) from e


def open_sharing_workspaces(workspace: Workspace, store: Path, forget: tuple[str, ...]) -> Iterator[Workspace]:
    """The other workspaces that use the same store, but those that are to be forgotten. Raises ConfigurationError for
    one that is no longer there, or of which nobody can tell whether it uses the store."""
    own = workspace.get_workspace_local_path_if_any()
    _find_unregistered(workspace, store, forget)
    for place in StoreUsers(store).all():
        if place in forget or (own is not None and Path(place).resolve() == Path(own).resolve()):
            continue
        try:
            yield load_workspace(find_workspace_uri(place), True, False)
        except DwsError as e:
            raise UnavailableError(
                f"The workspace at {place} also uses the object store {store}, but cannot be opened: {e.message}",
                hint=f"If it is gone for good: --forget {place}",
            ) from e


def _find_unregistered(workspace: Workspace, store: Path, forget: tuple[str, ...]) -> None:
    """Look for workspaces that have not been opened since they were copied: beside those that use the store. Opening
    one notes that it does."""
    own = workspace.get_workspace_local_path_if_any()
    known = {*StoreUsers(store).all(), *([] if own is None else [own])}
    if len(known) < 2 and workspace.given_objects_directory() is None:
        return  # the store is in the workspace, and nobody else has ever used it
    for parent in sorted({Path(place).parent for place in known}):
        for place in _workspaces_in(parent):
            if str(place) in known or str(place) in forget:
                continue
            try:
                load_workspace(find_workspace_uri(str(place)), True, False).get_objects_directory()
            except DwsError as e:
                raise UnavailableError(
                    f"It is not known whether the workspace at {place} uses the object store {store}: {e.message}",
                    hint=f"If it does not: --forget {place}",
                ) from e


def _workspaces_in(directory: Path) -> list[Path]:
    try:
        return [path for path in islice(directory.iterdir(), _LOOK_AT) if (path / METADATA_DIR).is_dir()]
    except OSError:  # whoever may not look there finds nothing
        return []


def hold_all(stack: ExitStack, workspaces: list[Workspace], command: str) -> bool:
    """Lock workspaces, so that none of them takes a snapshot meanwhile; what was interrupted is put in order.

    Where there is no space for that, only the lock is taken. A workspace of somebody else that cannot be written to is
    not locked. Returns whether all were put in order."""
    is_sure = True
    for workspace in workspaces:
        directory = workspace.get_machine_directory()
        try:
            stack.enter_context(workspace.transaction(command))
        except ConfigurationError as e:
            code = e.__cause__.errno if isinstance(e.__cause__, OSError) else None
            if code in (errno.ENOSPC, errno.EDQUOT):
                stack.enter_context(hold_empty_lock(directory))
                is_sure = is_sure and Journal.pending(directory) is None
            elif code in (errno.EACCES, errno.EPERM, errno.EROFS) and workspace is not workspaces[0]:
                is_sure = False
            else:
                raise
    return is_sure
