"""Content of versions away from this machine: what push sends there, and clone, pull and restore get from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.filetree import manifest_name
from dataworkspaces.filetree.restoring import all_objects
from dataworkspaces.workspace.atomic import read_json_object, write_json
from dataworkspaces.workspace.executors import executor_of

if TYPE_CHECKING:
    from dataworkspaces.filetree.objects.ids import ObjectId
    from dataworkspaces.filetree.remotes import RemoteStore
    from dataworkspaces.workspace.file_tree import FileTreeMixin

_TRANSFERS = 8
_NOTE = "pushed.json"
_PRESENT = "present_version.json"
NO_FILES = manifest_name(b"")
"""The version of an empty directory."""


class RemoteContent:
    """The remote of one resource. :param url: see :class:`RemoteStore`."""

    def __init__(self, resource: FileTreeMixin, url: str) -> None:
        self._resource = resource
        self._workspace = resource.workspace
        self.url = url

    @cached_property
    def store(self) -> RemoteStore:
        from dataworkspaces.filetree.remotes import RemoteStore

        return RemoteStore(self.url, cache=self._workspace.get_machine_directory() / "remote-index")

    def _executor(self) -> AbstractContextManager[Executor]:
        opened = executor_of(self._workspace)
        return ThreadPoolExecutor(_TRANSFERS) if opened is None else opened()

    def _local(self, name: str) -> Path:
        return self._workspace.get_resource_local_directory(self._resource.as_resource()) / name

    # -- pushing ---------------------------------------------------------------------------------------------------

    def push_precheck(self) -> None:
        """Raise ConfigurationError if the remote cannot be reached; changes nothing."""
        if self.unpushed():
            self.store.check_access()

    def push(self) -> None:
        """Send the content of all snapshots' versions that the remote lacks. The second time is idle."""
        unpushed = self.unpushed()
        name = self._resource.name
        if not unpushed:
            self._workspace.interaction.tell(f"Resource '{name}': nothing to push, {self.url} has everything")
            return
        wanted: dict[ObjectId, str] = {}
        seen: set[str] = set()
        for version in dict.fromkeys(v for v in unpushed.values() if v is not None):
            wanted.update(all_objects(self._resource.kept_content.tree(version), seen))
        missing = self.store.missing(wanted)
        lost = self._resource.kept_content.store.missing(missing)
        if lost:
            from dataworkspaces.workspace.kept_content import some

            names = some(sorted(wanted[id_] for id_ in lost))
            self._workspace.interaction.warn(
                f"Resource '{name}': the content of {names} is neither in the object store nor at {self.url}; "
                "dws fsck shows which snapshots need it"
            )
            missing -= lost
        if missing:
            total = sum(id_.size for id_ in missing)
            with (
                self._workspace.interaction.progress(f"Sending {name}", total, "bytes") as advance,
                self._executor() as executor,
            ):
                self.store.push(self._resource.kept_content.store, missing, executor=executor, advance=advance)
        if not lost:
            self._note_pushed(unpushed)
        self._workspace.interaction.tell(f"Resource '{name}': sent {len(missing)} objects to {self.url}")

    def unpushed(self) -> dict[str, str | None]:
        """The snapshots that have not been pushed from here, with the version of the resource in each."""
        snapshots = self._workspace.as_snapshot_ws()
        pushed = self._pushed()
        name = self._resource.name
        return {s.hashval: s.restore_hashes.get(name) for s in snapshots.list_snapshots() if s.hashval not in pushed}

    def _pushed(self) -> set[str]:
        """Snapshots whose content the remote has, as far as this machine knows."""
        path = self._local(_NOTE)
        if not path.exists():
            return set()
        note = read_json_object(path)
        if note.get("url") != self.url or not isinstance(note.get("snapshots"), list):
            return set()
        return {str(snapshot) for snapshot in note["snapshots"]}

    def _note_pushed(self, snapshots: Iterable[str]) -> None:
        write_json(self._local(_NOTE), {"url": self.url, "snapshots": sorted({*self._pushed(), *snapshots})})

    # -- pulling ---------------------------------------------------------------------------------------------------

    def note_present(self, version: str) -> None:
        """A snapshot was taken of what is here; while that is so, a pull may put something newer in its place."""
        if self._note() != {"version": version}:
            write_json(self._local(_PRESENT), {"version": version})

    def is_incomplete(self) -> bool:
        """Whether a pull or clone has begun to bring files here, and not ended."""
        return "following" in self._note()

    def _note(self) -> dict[str, Any]:
        path = self._local(_PRESENT)
        return read_json_object(path) if path.exists() else {}

    def follow(self) -> bool:
        """Bring the files to the version of the newest snapshot, if they are as the last snapshot or pull on this
        machine left them, or if there are none yet. Returns whether they changed.

        One that was killed is completed by the next."""
        resource = self._resource
        newest = self.newest_version()
        if newest is None:
            return False
        here = resource.present_tree().hashval
        note = self._note()
        is_new = "version" not in note and here == NO_FILES
        if here == newest:
            self.note_present(newest)
            return False
        if not is_new and here != note.get("version") and "following" not in note:
            self._workspace.interaction.warn(
                f"Resource '{resource.name}' stays as it is, since it is not as the last snapshot on this machine left "
                f"it; dws restore --only {resource.name} SNAPSHOT brings it to a snapshot"
            )
            return False
        write_json(self._local(_PRESENT), {**note, "following": newest}, durable=True)
        try:
            resource.restore_precheck(newest)
            resource.restore(newest)
        except Exception:
            if not is_new and "following" not in note and resource.present_tree().hashval == here:
                write_json(self._local(_PRESENT), note)  # nothing has been changed
            raise
        self.note_present(newest)
        self._workspace.interaction.tell(f"Resource '{resource.name}' is now as in the newest snapshot")
        return True

    def newest_version(self) -> str | None:
        """The version of the newest snapshot that keeps one of the resource, or None."""
        name = self._resource.name
        for snapshot in self._workspace.as_snapshot_ws().list_snapshots():
            version = snapshot.restore_hashes.get(name)
            if version is not None:
                return version
        return None

    # -- fetching --------------------------------------------------------------------------------------------------

    def fetch(self, wanted: Mapping[ObjectId, str]) -> None:
        """Bring contents here; ``wanted`` has the path of a file for each.

        Raises ConfigurationError that names what the remote does not have; the rest has arrived."""
        total = sum(id_.size for id_ in wanted)
        with (
            self._workspace.interaction.progress(f"Fetching {self._resource.name}", total, "bytes") as advance,
            self._executor() as executor,
        ):
            self.store.fetch(self._resource.kept_content.store, set(wanted), executor=executor, advance=advance)
