"""Content of versions away from this machine: what push sends there, and clone, pull and restore get from there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dataworkspaces.filetree import manifest_name
from dataworkspaces.workspace.atomic import read_json_object, write_json
from dataworkspaces.workspace.remote_pushing import RemotePushing

if TYPE_CHECKING:
    from dataworkspaces.filetree.objects.ids import ObjectId

_PRESENT = "present_version.json"
NO_FILES = manifest_name(b"")
"""The version of an empty directory."""


class RemoteContent(RemotePushing):
    """The remote of one resource."""

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
        self._resource.kept_content.merge_packs()
