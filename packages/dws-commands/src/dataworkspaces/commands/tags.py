"""Tags of snapshots. A tag names one snapshot, and a snapshot may have several."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.present import present_state
from dataworkspaces.errors import ConfigurationError, ConflictError, NotFoundError
from dataworkspaces.operations.unique_names import leave_tag_to
from dataworkspaces.params import check_tag
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace import ResourceRoles

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace


@dataclass(frozen=True)
class TagOutcome:
    """What became of a tag.

    :ivar snapshot: the hash of the snapshot that it names; of a tag that was deleted, named.
    :ivar moved_from: the hash of the snapshot that it named before.
    """

    tag: str
    snapshot: str
    moved_from: str | None = None
    deleted: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"tag": self.tag, "hash": self.snapshot, "moved_from": self.moved_from, "deleted": self.deleted}


def list_tags(workspace: Workspace) -> list[tuple[str, SnapshotMetadata]]:
    """All tags, sorted, each with the snapshot that it names."""
    snapshots = workspace.as_snapshot_ws()
    return [(tag, snapshots.get_snapshot_by_tag(tag)) for tag in snapshots.get_tags()]


def tag_command(workspace: Workspace, tag: str, tag_or_hash: str | None = None, *, move: bool = False) -> TagOutcome:
    """Give a tag to a snapshot: without one to that of the present state. Raises ConflictError for a tag that another
    snapshot has, unless it may ``move``."""
    check_tag(tag)
    snapshots = workspace.as_snapshot_ws()
    if tag_or_hash is None:
        hashval = _snapshot_of_present_state(workspace, tag)
    else:
        hashval = snapshots.get_snapshot_by_tag_or_hash(tag_or_hash).hashval
    with workspace.transaction("tag") as journal:
        snapshots.get_snapshot_metadata(hashval)
        holders = [holder for holder in snapshots.get_hashes_with_tag(tag) if holder != hashval]
        snapshots.expect_tag_holder(tag, holders[0] if holders else None)
        if holders and not move:
            raise ConflictError(
                f"Tag '{tag}' already names snapshot {holders[0][:7]}", hint=f"dws tag --move {tag} {hashval[:12]}"
            )
        if holders:
            journal.record("move-tag", tag=tag, to=hashval)
        snapshots.update_snapshot_metadata(hashval, lambda metadata: _with_tag(metadata, tag))
        leave_tag_to(snapshots, hashval, tag)
        workspace.save(f"Tag {tag} of snapshot {hashval[:7]}")
    return TagOutcome(tag, hashval, holders[0] if holders else None)


def delete_tag_command(workspace: Workspace, tag: str) -> TagOutcome:
    """Remove a tag. The snapshot that it named stays."""
    snapshots = workspace.as_snapshot_ws()
    with workspace.transaction("tag"):
        hashval = snapshots.get_snapshot_by_tag(tag).hashval
        for holder in snapshots.get_hashes_with_tag(tag):
            snapshots.remove_tag_from_snapshot(holder, tag)
        workspace.save(f"Removed tag {tag} of snapshot {hashval[:7]}")
    return TagOutcome(tag, hashval, deleted=True)


def _with_tag(metadata: SnapshotMetadata, tag: str) -> SnapshotMetadata:
    if metadata.has_tag(tag):
        return metadata
    return metadata.replace(tags=[*metadata.tags, tag], updated_timestamp=datetime.now().isoformat())


def _snapshot_of_present_state(workspace: Workspace, tag: str) -> str:
    """That which is the present state for sure: what cannot be told of one of its resources is a reason to ask, but
    whatever lies in results is none."""
    state = present_state(workspace)
    if state.snapshot is None:
        raise NotFoundError("There is no snapshot to tag", hint=f"Take one: dws snapshot {tag}")
    hashval = state.snapshot.hashval
    changed = [
        name
        for name, change in state.changes.items()
        if change.state != "unchanged" and workspace.get_resource_role(name) != ResourceRoles.RESULTS
    ]
    if changed:
        raise ConfigurationError(
            f"The present state is not a snapshot: since {hashval[:7]}, {some(changed)} changed",
            hint=f"Take one: dws snapshot {tag}. Or name the snapshot: dws tag {tag} {hashval[:12]}",
        )
    return hashval
