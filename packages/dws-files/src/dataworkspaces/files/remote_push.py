"""The part of a resource's remote that sends: what is missing there, and what was lost or damaged there since."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import NotFoundError
from dataworkspaces.filetree.contents import all_objects
from dataworkspaces.operations.executors import executor_of
from dataworkspaces.toolbox.atomic import read_json_object, read_json_object_if_any, write_json
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace import SyncedWorkspaceMixin

if TYPE_CHECKING:
    from dataworkspaces.files.file_tree import FileTreeMixin
    from dataworkspaces.filetree.objects.ids import ObjectId
    from dataworkspaces.filetree.remotes import RemoteStore
    from dataworkspaces.filetree.remotes.leases import Lease
    from dataworkspaces.filetree.remotes.users import User
    from dataworkspaces.workspace import Workspace

_TRANSFERS = 8
_ROUNDS = 5
_NOTE = "pushed.json"
_DAMAGE = "remote_damage.json"


@dataclass(frozen=True)
class RemoteFaults:
    """What is wrong at a remote.

    :ivar contents: how many were looked at.
    :ivar problems: by content what is wrong with it; ``paths`` have a file that needs it.
    :ivar packs: what is wrong with packs that cannot be read."""

    contents: int
    problems: dict[ObjectId, str] = field(default_factory=dict)
    paths: dict[ObjectId, str] = field(default_factory=dict)
    packs: tuple[str, ...] = ()


def user_of(workspace: Workspace) -> User:
    """The workspace, as remotes know it: all its copies by their origin, one without an origin by its place."""
    from dataworkspaces.filetree.remotes.users import User

    found = workspace.origin_identity() if isinstance(workspace, SyncedWorkspaceMixin) else None
    return User(found or f"{os.uname().nodename}:{workspace.get_workspace_local_path_if_any() or workspace.name}")


class RemotePushing:
    """The remote of one resource. :param url: see :class:`RemoteStore`."""

    def __init__(self, resource: FileTreeMixin, url: str) -> None:
        self._resource = resource
        self._workspace = resource.workspace
        self.url = url

    @cached_property
    def store(self) -> RemoteStore:
        return self._open_store()

    def _open_store(self) -> RemoteStore:
        """Raises RefusedError if the remote came with the workspace, and nobody here has agreed to contact it."""
        from dataworkspaces.filetree.remotes import RemoteStore

        resource = self._resource.as_resource()
        if self.url in resource.addresses():
            self._workspace.consent.to(self.url, f"Resource '{resource.name}'")
        return RemoteStore(self.url, cache=self._workspace.get_machine_directory() / "remote-index")

    def _executor(self) -> AbstractContextManager[Executor]:
        opened = executor_of(self._workspace)
        return ThreadPoolExecutor(_TRANSFERS) if opened is None else opened()

    def _local(self, name: str) -> Path:
        return self._workspace.get_resource_local_directory(self._resource.as_resource()) / name

    # -- pushing ---------------------------------------------------------------------------------------------------

    def push_precheck(self) -> None:
        """Raise ConfigurationError if the remote cannot be reached, or is another than what was pushed to; changes
        nothing there. One request, if there is nothing to push."""
        self._check_that_it_is_there()
        if self.unpushed():
            self.store.check_access()

    def _check_that_it_is_there(self) -> None:
        """A remote that has lost its mark is not what was pushed to: its directory was emptied, or another disk is at
        its place. One that only lost packs gets everything that is missing again."""
        note = self._pushed_note()
        if not note:
            return
        listing = self.store.listing()
        name = self._resource.name
        if note["mark"] not in listing.marks:
            raise NotFoundError(
                f"Resource '{name}': what was pushed to {self.url} is no longer there",
                hint="Check that it is the right place, and mounted. If it is: dws push --repair sends missing "
                "contents again from here",
            )
        lost = [pack for pack, size in note["packs"].items() if listing.packs.get(pack) != size]
        if listing.collected != frozenset(note.get("collected", ())):
            self.forget_pushed()  # what nobody needed there is gone, and much has moved
        elif lost:
            self._workspace.interaction.warn(
                f"Resource '{name}': {self.url} has lost {len(lost)} of the packs that were there; whatever "
                "this machine has of them is sent again"
            )
            self.forget_pushed()

    def push(self) -> None:
        """Send the content of all snapshots' versions that the remote lacks. The second time is idle."""
        unpushed = self.unpushed()
        name = self._resource.name
        if not unpushed:
            self._workspace.interaction.tell(f"Resource '{name}': nothing to push, {self.url} has everything")
            return
        wanted = self._wanted(unpushed.values())
        sent, lost = self._send_noted(wanted)
        if lost:
            names = some(map(repr, sorted(lost.values())))
            self._workspace.interaction.warn(
                f"Resource '{name}': the content of {names} is neither in the object store nor at {self.url}: "
                "run 'dws push --repair' in a clone that has it; 'dws fsck' shows which snapshots need it"
            )
        else:
            self._note_pushed(unpushed)
        if not self._resource.is_pushing:
            self._end_lease()
        self._workspace.interaction.tell(f"Resource '{name}': sent {sent} objects to {self.url}")

    def _send_noted(
        self, wanted: dict[ObjectId, str], damaged_there: Collection[ObjectId] = ()
    ) -> tuple[int, dict[ObjectId, str]]:
        """As :meth:`_send`, while no garbage is collected there. What a collection has removed that took this process
        for gone, since its machine slept, is sent again."""
        sent = 0
        for _ in range(_ROUNDS):
            lease = self._begin_lease()
            self.store.look_again()
            more, lost = self._send(wanted, damaged_there)
            sent += more
            if lease.has_held:
                break
            self._end_lease()
        return sent, lost

    def _begin_lease(self) -> Lease:
        from dataworkspaces.filetree.remotes.leases import Lease

        resource = self._resource
        if resource.lease is not None and not resource.lease.has_held:
            self._end_lease()
        if resource.lease is None:
            lease = Lease(self.store.place, "push")
            lease.begin(self._workspace.interaction.tell)
            resource.lease = lease
        return resource.lease

    def _end_lease(self) -> None:
        lease, self._resource.lease = self._resource.lease, None
        if lease is not None:
            lease.end()

    def end_push(self, *, is_known: bool) -> None:
        """See :meth:`KeptVersionsMixin.push_ended`."""
        lease = self._resource.lease
        if lease is None:
            return
        try:
            if is_known:
                from dataworkspaces.filetree.remotes.users import register

                register(self.store.place, user_of(self._workspace), self._workspace.name)
                note = self._pushed_note()
                if note.get("unconfirmed") and lease.has_held:
                    write_json(self._local(_NOTE), {**note, "unconfirmed": []})
        finally:
            self._end_lease()

    def _wanted(self, versions: Iterable[str | None]) -> dict[ObjectId, str]:
        """The contents of versions, each with the path of a file."""
        wanted: dict[ObjectId, str] = {}
        seen: set[str] = set()
        for version in dict.fromkeys(v for v in versions if v is not None):
            wanted.update(all_objects(self._resource.kept_content.tree(version), seen))
        return wanted

    def _send(
        self, wanted: dict[ObjectId, str], damaged_there: Collection[ObjectId] = ()
    ) -> tuple[int, dict[ObjectId, str]]:
        """Send what the remote lacks; how many contents went, and those that are nowhere."""
        kept = self._resource.kept_content
        missing = self.store.missing(wanted) | (set(damaged_there) & wanted.keys())
        lost: set[ObjectId] = set()
        sent = 0
        for _ in range(_ROUNDS):
            if not missing:
                break
            lost |= kept.mend(missing)
            missing -= lost
            total = sum(id_.size for id_ in missing)
            with (
                self._workspace.interaction.progress(f"Sending {self._resource.name}", total, "bytes") as advance,
                self._executor() as executor,
            ):
                done = self.store.push(kept.store, missing, executor=executor, advance=advance)
            sent += len(missing)
            if not done.damaged:
                break
            # What was in a pack with it has not been sent either.
            lost |= kept.mend(done.damaged, damaged=True)
            missing = self.store.missing(missing) - lost
            sent -= len(missing)
        return sent, {id_: wanted[id_] for id_ in lost}

    def unpushed(self) -> dict[str, str | None]:
        """The snapshots that have not been pushed from here, with the version of the resource in each."""
        snapshots = self._workspace.as_snapshot_ws()
        pushed = self._pushed()
        name = self._resource.name
        return {s.hashval: s.restore_hashes.get(name) for s in snapshots.list_snapshots() if s.hashval not in pushed}

    def _pushed(self) -> set[str]:
        """Snapshots whose content the remote has, as far as this machine knows. Of one that the origin did not come to
        know it may have been removed since."""
        note = self._pushed_note()
        return {str(snapshot) for snapshot in note.get("snapshots", ())} - set(note.get("unconfirmed", ()))

    def _pushed_note(self) -> dict[str, Any]:
        """What is known of the remote; nothing, if that is of another remote, or does not tell how to know it."""
        path = self._local(_NOTE)
        if not path.exists():
            return {}
        note = read_json_object(path)
        is_whole = isinstance(note.get("snapshots"), list) and isinstance(note.get("packs"), dict)
        return note if note.get("url") == self.url and is_whole and isinstance(note.get("mark"), str) else {}

    def _note_pushed(self, snapshots: Iterable[str]) -> None:
        mark = self.store.mark(self._resource.kept_content.store)
        listing = self.store.listing()
        new = sorted(snapshots)
        note = {
            "url": self.url,
            "mark": mark,
            "packs": listing.packs,
            "collected": sorted(listing.collected),
            "snapshots": sorted({*self._pushed(), *new}),
            "unconfirmed": new if self._resource.is_pushing else [],
        }
        write_json(self._local(_NOTE), note)

    def forget_pushed(self) -> None:
        """The next push looks for everything at the remote. Idempotent."""
        self._local(_NOTE).unlink(missing_ok=True)

    # -- checking and repairing ------------------------------------------------------------------------------------

    def check(self, *, read: bool) -> RemoteFaults:
        """Look whether all contents of snapshots are at the remote, by names and sizes; with ``read`` by their hashes.
        What is damaged is noted, for :meth:`repair`."""
        wanted = self._wanted_of_all()
        problems = dict.fromkeys(self.store.missing(wanted), f"its content is not at {self.url}")
        if read:
            rest = wanted.keys() - problems.keys()
            total = sum(id_.size for id_ in rest)
            with (
                self._workspace.interaction.progress(f"Reading {self.url}", total, "bytes") as advance,
                self._executor() as executor,
            ):
                damaged = self.store.damaged(rest, executor=executor, advance=advance)
            problems |= damaged
            self._note_damage(damaged)
        return RemoteFaults(len(wanted), problems, wanted, tuple(self.store.damaged_packs.values()))

    def _wanted_of_all(self) -> dict[ObjectId, str]:
        name = self._resource.name
        versions = [s.restore_hashes.get(name) for s in self._workspace.as_snapshot_ws().list_snapshots()]
        return self._wanted(versions)

    def _note_damage(self, damaged: Iterable[ObjectId]) -> None:
        found = sorted(id_.text for id_ in damaged)
        if found:
            write_json(self._local(_DAMAGE), {"url": self.url, "contents": found})
        else:
            self._local(_DAMAGE).unlink(missing_ok=True)

    def _noted_damage(self) -> set[ObjectId]:
        from dataworkspaces.filetree.objects.ids import ObjectId

        path = self._local(_DAMAGE)
        note = read_json_object_if_any(path) or {}
        return set(map(ObjectId.parse, note["contents"])) if note.get("url") == self.url else set()

    def repair(self) -> None:
        """Send again what is here, and there is missing or known to be damaged. Damaged packs are set aside there once
        all that is good in them is elsewhere."""
        self.forget_pushed()
        damaged = self._noted_damage()
        self._begin_lease()
        packs, held = self.store.distrust(damaged)
        wanted = {**{id_: f"content {id_.hex}" for id_ in held - damaged}, **self._wanted_of_all()}
        self._rescue(held - damaged)
        sent, lost = self._send(wanted, damaged)
        moved = self.store.set_aside(packs)
        if not self._resource.is_pushing:
            self._end_lease()
        self._note_damage(damaged & lost.keys())
        name = self._resource.name
        aside = f"; set aside there: {', '.join(moved)}" if moved else ""
        self._workspace.interaction.tell(f"Resource '{name}': sent {sent} objects to {self.url} again{aside}")

    def _rescue(self, held: set[ObjectId]) -> None:
        """Fetch what is good in packs that are going to be set aside, and is not here."""
        missing = self._resource.kept_content.store.missing(held)
        if missing:
            store = self._open_store()  # that of `self` no longer looks into these packs
            with self._executor() as executor:
                missing -= store.damaged(missing, executor=executor, advance=lambda _n: None).keys()
                store.fetch(self._resource.kept_content.store, missing, executor=executor, advance=lambda _n: None)
