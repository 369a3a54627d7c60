"""``dws gc --remote``: remove contents that no snapshot needs from where resources keep them away from this machine.

Of who else may need them the remote tells (``users/`` there), and of a workspace its origin, which is asked once nobody
is pushing. Where anything of that cannot be told for sure, nothing is removed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.gc import KEEP_DAYS
from dataworkspaces.commands.storage import needed_objects, taking
from dataworkspaces.errors import ConfigurationError, NotSupportedError, UnavailableError
from dataworkspaces.files.file_tree import FileTreeMixin
from dataworkspaces.files.remote_push import user_of
from dataworkspaces.filetree import Tree
from dataworkspaces.filetree.remotes.leases import Lease
from dataworkspaces.filetree.remotes.remote_garbage import (
    RemoteGarbage,
    find_remote_garbage,
    remove_remote_garbage,
    steps,
)
from dataworkspaces.filetree.remotes.users import User, forget, users
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace import CentralWorkspaceMixin, SyncedWorkspaceMixin, load_workspace
from dataworkspaces.workspace.missing_type import ResourceOfMissingType
from dataworkspaces.workspace.workspace_uri import find_workspace_uri

if TYPE_CHECKING:
    from dataworkspaces.filetree.remotes import RemoteStore
    from dataworkspaces.workspace import Workspace

_DAY = 86400.0


@dataclass(frozen=True)
class RemoteReport:
    """What was, or would be, removed at a remote.

    :ivar resources: those of the workspace that keep contents there.
    :ivar objects, size: contents, and the bytes that they occupy.
    :ivar young: contents that nothing needs, but that are kept for now.
    :ivar damaged: packs that cannot be read; they stay.
    :ivar workspaces: the others that keep contents there, whose contents stay too."""

    url: str
    resources: tuple[str, ...]
    objects: int
    size: int
    young: int
    damaged: tuple[str, ...]
    workspaces: tuple[str, ...]
    removed: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "remote": self.url,
            "resources": list(self.resources),
            "objects": self.objects,
            "bytes": self.size,
            "young": self.young,
            "damaged": list(self.damaged),
            "workspaces": list(self.workspaces),
            "removed": self.removed,
        }


def gc_remote_command(
    workspace: Workspace,
    names: Sequence[str] = (),
    *,
    keep_days: float = KEEP_DAYS,
    also: Sequence[str] = (),
    forgotten: Sequence[str] = (),
    dry_run: bool = False,
) -> list[RemoteReport]:
    """Remove at the remotes what no snapshot at the origin, or here, needs.

    :param names: the resources whose remotes are meant; all that have one, if none are given.
    :param keep_days: what is younger there stays, and what snapshots need that were deleted since then.
    :param also: directories of other workspaces that keep contents at the same remotes.
    :param forgotten: origins of workspaces that did, and are gone for good.
    :param dry_run: say what would go, and change nothing."""
    by_url = _by_url(workspace, names)
    workspaces = [workspace, *map(_open, also)]
    for each in workspaces:
        _check_types(each)
    with ExitStack() as stack:
        if not dry_run:
            stack.enter_context(workspace.transaction("gc"))
        stores = {url: _open_store(resources[0]) for url, resources in by_url.items()}
        for store in stores.values():
            store.check_format()
        # What a push that is over by now has sent the origin knows, and others wait.
        leases = {} if dry_run else {u: stack.enter_context(_held(workspace, s)) for u, s in stores.items()}
        for store in stores.values():
            _check_users(store, workspaces, forgotten)
        since = datetime.now() - timedelta(days=keep_days)
        needed: set[bytes] = set()
        for each in workspaces:
            needed |= needed_objects(each, since)
            needed |= _needed_at_origin(each, since)
        reports = []
        for url, store in stores.items():
            lease = leases.get(url)
            now = time.time() if lease is None else lease.time_there()
            garbage = find_remote_garbage(store, needed, now - keep_days * _DAY)
            if lease is not None:
                for origin in forgotten:
                    forget(store.place, User(origin))
                _remove(workspace, by_url[url][0], store, garbage, lease)
            reports.append(_report(url, by_url[url], garbage, workspaces[1:], lease is not None))
    return reports


def _by_url(workspace: Workspace, names: Sequence[str]) -> Mapping[str, list[FileTreeMixin]]:
    found: dict[str, list[FileTreeMixin]] = {}
    for resource in [workspace.get_resource(name) for name in names] or list(workspace.get_resources()):
        remote = resource.remote_content if isinstance(resource, FileTreeMixin) else None
        if remote is not None and isinstance(resource, FileTreeMixin):
            found.setdefault(remote.url, []).append(resource)
        elif names:
            raise NotSupportedError(
                f"Resource '{resource.name}' ({resource.resource_type}) has no remote to collect garbage at",
                hint="Restorable local files with a remote keep contents there",
            )
    return found


def _open_store(resource: FileTreeMixin) -> RemoteStore:
    remote = resource.remote_content
    if remote is None:
        raise ConfigurationError(f"Resource '{resource.name}' has no remote any more", hint="Try again")
    return remote.store


def _open(directory: str) -> Workspace:
    return load_workspace(find_workspace_uri(directory), True, False)


@contextmanager
def _held(workspace: Workspace, store: RemoteStore) -> Iterator[Lease]:
    lease = Lease(store.place, "gc")
    lease.begin(workspace.interaction.tell)
    try:
        yield lease
    finally:
        lease.end()


def _check_types(workspace: Workspace) -> None:
    """Raise the error of a resource whose type is not installed: nobody knows which contents it needs."""
    for resource in workspace.get_resources():
        if isinstance(resource, ResourceOfMissingType):
            raise resource.problem


def _check_users(store: RemoteStore, workspaces: Iterable[Workspace], forgotten: Sequence[str]) -> None:
    """Raise ConfigurationError if somebody else may need contents there."""
    found, unknown = users(store.place)
    known = {user_of(each) for each in workspaces} | {User(origin) for origin in forgotten}
    others = [user.origin for user in found if user not in known]
    if others:
        raise ConfigurationError(
            f"The remote {store.url} also keeps contents of {some(others)}, and what these need is not known here",
            hint="--also DIR names a clone of such a workspace; --forget-origin ORIGIN, one that is gone for good",
        )
    if unknown:
        raise UnavailableError(
            f"The remote {store.url} may keep contents for somebody else: {some(unknown)} cannot be read, or is of an "
            "object store",
            hint="Nothing was removed",
        )
    if not found and store.listing().packs:
        raise UnavailableError(
            f"The remote {store.url} does not tell whose contents it keeps",
            hint="'dws push --repair' in each workspace that sends some there notes that",
        )


def _needed_at_origin(workspace: Workspace, since: datetime) -> set[bytes]:
    """The digests of all contents that the origin needs; raises a DwsError if that cannot be told for sure."""
    if not isinstance(workspace, SyncedWorkspaceMixin):
        if isinstance(workspace, CentralWorkspaceMixin):
            return set()  # all snapshots are here
        raise workspace.not_supported("collecting garbage at a remote")
    trees = {r.name for r in (*workspace.get_resources(), *workspace.get_removed_resources()) if _is_tree(r)}
    needed: set[bytes] = set()
    seen: set[str] = set()
    for version in workspace.versions_at_origin(since):
        what = f"A snapshot at the origin, resource '{version.resource_name}'"
        if version.read_state(version.restore_hash) is not None:
            taking(needed, Tree(version.restore_hash, version.read_state), what, seen)
        elif version.resource_name in trees:
            raise UnavailableError(
                f"{what}: version {version.restore_hash} is not stored there, so it is not known which contents are "
                "still needed",
                hint="Nothing was removed. 'dws fsck' in a clone that has the snapshot shows more",
            )
    return needed


def _is_tree(resource: object) -> bool:
    return isinstance(resource, FileTreeMixin)


def _remove(
    workspace: Workspace, resource: FileTreeMixin, store: RemoteStore, garbage: RemoteGarbage, lease: Lease
) -> None:
    if garbage.is_empty:
        return
    with workspace.interaction.progress(f"Collecting at {store.url}", steps(garbage), "files") as advance:
        remove_remote_garbage(store, garbage, lease, resource.kept_content.store.temporary, advance)


def _report(
    url: str,
    resources: Sequence[FileTreeMixin],
    garbage: RemoteGarbage,
    others: Sequence[Workspace],
    removed: bool,
) -> RemoteReport:
    return RemoteReport(
        url=url,
        resources=tuple(resource.name for resource in resources),
        objects=garbage.objects,
        size=garbage.size,
        young=garbage.young,
        damaged=tuple(garbage.damaged),
        workspaces=tuple(user_of(each).origin for each in others),
        removed=removed,
    )
