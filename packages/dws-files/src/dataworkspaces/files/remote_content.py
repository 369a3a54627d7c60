"""Content of versions away from this machine: what push sends there, and clone, pull and restore get from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dataworkspaces.files.pull_merge import PullMerge, merge_heads
from dataworkspaces.files.remote_push import RemotePushing
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.toolbox.regular import is_present

if TYPE_CHECKING:
    from dataworkspaces.files.directory_ancestry import DirectoryAncestry
    from dataworkspaces.filetree import Tree
    from dataworkspaces.filetree.objects.ids import ObjectId


class RemoteContent(RemotePushing):
    """The remote of one resource.

    :ivar conflicts: what both sides had changed, when :meth:`follow` merged them; in words."""

    conflicts: Sequence[str] = ()

    # -- pulling ---------------------------------------------------------------------------------------------------

    def follow(self) -> bool:
        """Merge what snapshots hold, and the files here do not, into these. Returns whether they changed.

        One that was killed is completed by the next. Raises DwsError if some of it could not be had; the rest is in
        place."""
        resource, ancestry = self._resource, self._resource.ancestry
        changed = self._complete(ancestry)
        heads = ancestry.heads()
        if not heads:
            return changed
        is_new = not ancestry.seen()
        if not is_new and not resource.local_root().exists():
            self._workspace.interaction.warn(
                f"Resource '{resource.name}' stays as it is: {resource.local_root()} is gone; "
                f"dws restore --only {resource.name} SNAPSHOT brings it back"
            )
            return changed
        if is_new and ancestry.is_incomplete():
            ancestry.await_files()
        present = resource.present_tree(keep=True)
        merge = merge_heads(resource, ancestry, present, lambda tree: resource.restorer.fetch_for(present, tree))
        if merge.merged:
            self._put_in_place(ancestry, present, merge)
            changed = changed or merge.tree.hashval != present.hashval
        if merge.failed:
            raise merge.failed[0]
        return changed

    def _complete(self, ancestry: DirectoryAncestry) -> bool:
        """Finish what a killed pull has begun to put in place."""
        begun = ancestry.begun()
        if begun is None:
            return False
        self._resource.restore_precheck(begun)
        self._resource.restore(begun)
        ancestry.end()
        return True

    def _put_in_place(self, ancestry: DirectoryAncestry, present: Tree, merge: PullMerge) -> None:
        resource, version = self._resource, merge.tree.hashval
        if version != present.hashval:
            self._workspace.write_resource_state(resource.as_resource(), merge.tree.manifests(resource.has_manifest))
            ancestry.begin(version, merge.seen)
            resource.restore(version)
            for before, now in merge.moved_results.items():
                self._move_lineage(f"{before}/{LINEAGE_FILE}", f"{now}/{LINEAGE_FILE}")
            self._tell(ancestry, merge)
        ancestry.note_merged(merge.seen)
        self.conflicts = [str(conflict) for conflict in merge.conflicts]
        if self.conflicts:
            self._workspace.interaction.warn(
                f"Resource '{resource.name}': both sides changed {', '.join(self.conflicts)}. Your files keep "
                "their names, and the others stand beside them: combine each pair as you like, then take a snapshot"
            )

    def _move_lineage(self, before: str, now: str) -> None:
        """The lineage of results goes with them; no version holds it."""
        old, new = (self._resource.local_root() / path for path in (before, now))
        if old.is_file() and new.parent.is_dir() and not is_present(new):
            old.rename(new)

    def _tell(self, ancestry: DirectoryAncestry, merge: PullMerge) -> None:
        name = self._resource.name
        same = [snapshot for snapshot in merge.merged if ancestry.version_of(snapshot) == merge.tree.hashval]
        if same:
            which = f"snapshot {same[-1][:7]}, the newest that was available" if merge.failed else "the newest snapshot"
            self._workspace.interaction.tell(f"Resource '{name}' is now as in {which}")
            return
        snapshots = ", ".join(snapshot[:7] for snapshot in merge.merged)
        self._workspace.interaction.tell(f"Resource '{name}': merged what is here with snapshot {snapshots}")

    # -- fetching --------------------------------------------------------------------------------------------------

    def fetch(self, wanted: Mapping[ObjectId, str]) -> None:
        """Bring contents here; ``wanted`` has the path of a file for each.

        Raises ConfigurationError that names what the remote does not have, UnavailableError if it has not answered; the
        rest has arrived."""
        total = sum(id_.size for id_ in wanted)
        with (
            self._workspace.interaction.progress(f"Fetching {self._resource.name}", total, "bytes") as advance,
            self._executor() as executor,
        ):
            self.store.fetch(self._resource.kept_content.store, set(wanted), executor=executor, advance=advance)
        self._resource.kept_content.merge_packs()
