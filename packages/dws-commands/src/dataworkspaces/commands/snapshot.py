"""``dws snapshot``: keep the present state of all resources."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.commands.notes import new_note, with_note
from dataworkspaces.commands.summaries import snapshot_json
from dataworkspaces.errors import ConfigurationError, ConflictError, UserAbort
from dataworkspaces.lineage.run_environment import reproduced_snapshot
from dataworkspaces.lineage.runs.check import CheckedRuns, check_runs
from dataworkspaces.operations.questions import ask_unlocked
from dataworkspaces.params import check_tag
from dataworkspaces.toolbox.names import check_text
from dataworkspaces.workspace import FileResourceMixin
from dataworkspaces.workspace.snapshot_metadata import RESULTS_IN

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, SnapshotWorkspaceMixin, Workspace


class SnapshotOutcome(NamedTuple):
    """The snapshot of the present state.

    :ivar is_new: False if nothing had changed since a snapshot, which is then the one described here.
    :ivar tag_moved_from: hash of the snapshot that had the tag before.
    :ivar message_changed: whether a snapshot that is not new, and had no message, has one now.
    :ivar note_added: whether the message became a note of a snapshot that is not new, beside the message that it has.
    :ivar results: where the results are that a new snapshot keeps, as ``resource:path``.
    :ivar runs: how the files of results differ from what their runs have written, in words.
    """

    metadata: SnapshotMetadata
    is_new: bool
    tag_moved_from: str | None = None
    message_changed: bool = False
    note_added: bool = False
    results: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            **snapshot_json(self.metadata),
            "is_new": self.is_new,
            "tag_moved_from": self.tag_moved_from,
            "message_changed": self.message_changed,
            "note_added": self.note_added,
            "labels": dict(self.metadata.labels),
            "notes": [note.to_json() for note in self.metadata.notes],
            "relative_destination_path": self.metadata.relative_destination_path,
            "results": list(self.results),
            "metrics": self.metadata.metrics,
            "runs": list(self.runs),
        }


RUNS = "runs"
"""Key of a snapshot's metadata: by resource how the run stands whose results it holds, unless it was completed."""


def snapshot_command(
    workspace: Workspace,
    tag: str | None = None,
    message: str = "",
    labels: Mapping[str, str] | None = None,
) -> SnapshotOutcome:
    """Take a snapshot. A taken tag is moved on confirmation, and an error in batch mode.

    A step that takes one takes none while ``dws reproduce`` runs it: its results have to stay where they can be
    compared."""
    snapshots = workspace.as_snapshot_ws()
    reproduced = reproduced_snapshot(workspace)
    if reproduced is not None:
        workspace.interaction.warn("No snapshot is taken while 'dws reproduce' runs the steps of one")
        return SnapshotOutcome(snapshots.get_snapshot_metadata(reproduced), is_new=False)
    check_text(message, "The message")
    if tag is not None:
        check_tag(tag)
    holder = None if tag is None else _may_take_tag(workspace, snapshots, tag)  # asked before anything is locked
    before, metadata, is_new, checked = ask_unlocked(
        workspace, lambda: _take(workspace, tag, holder, message, labels or {})
    )
    moved_from = holder if holder != metadata.hashval else None
    results = _kept_results(workspace, metadata) if is_new else ()
    problems = tuple(problem for each in checked for problem in each.problems())
    for problem in problems:
        workspace.interaction.warn(problem)
    return SnapshotOutcome(
        metadata,
        is_new,
        moved_from,
        message_changed=metadata.message != before.message,
        note_added=len(metadata.notes) > len(before.notes),
        results=results,
        runs=problems,
    )


def _take(
    workspace: Workspace, tag: str | None, holder: str | None, message: str, labels: Mapping[str, str]
) -> tuple[SnapshotMetadata, SnapshotMetadata, bool, list[CheckedRuns]]:
    """The snapshot of the present state, as it was before (new, as it is) and as it is now; and whether it is new."""
    snapshots = workspace.as_snapshot_ws()
    with workspace.transaction("snapshot"):
        if tag is not None:
            _check_holder(snapshots, tag, holder)
        checked = check_runs(workspace)
        metadata, manifest = snapshots.snapshot(tag, message)
        states = {each.resource: each.status for each in checked if each.status is not None}
        if states:
            metadata = metadata.replace(other={**metadata.other, RUNS: states})
        is_new = not snapshots.has_snapshot(metadata.hashval)
        if is_new:
            before = metadata = metadata.replace(labels=dict(labels))
        else:
            before = snapshots.get_snapshot_metadata(metadata.hashval)
            metadata = _update(workspace, before, tag, message, labels)
        if is_new or metadata != before:
            snapshots.save_snapshot_metadata_and_manifest(metadata, manifest)
        snapshots.finish_snapshot(metadata.hashval)
        workspace.save(_commit_message(metadata, tag, is_new))
    return before, metadata, is_new, checked


def _kept_results(workspace: Workspace, metadata: SnapshotMetadata) -> tuple[str, ...]:
    """Of a directory that another snapshot filled, nothing."""
    destination, filled = metadata.relative_destination_path, metadata.other.get(RESULTS_IN)
    return tuple(
        f"{resource.name}:{destination}"
        for resource in workspace.get_resources()
        if (resource.name in filled if isinstance(filled, list) else resource.has_results_role())
        and isinstance(resource, FileResourceMixin)
        and resource.does_subpath_exist(destination)
    )


def _may_take_tag(workspace: Workspace, snapshots: SnapshotWorkspaceMixin, tag: str) -> str | None:
    """The hash of the snapshot that has the tag, if the tag may leave it; None if nobody has the tag.

    It leaves once the new snapshot is saved: see :meth:`SnapshotWorkspaceMixin.finish_snapshot`."""
    holders = snapshots.get_hashes_with_tag(tag)
    if not holders:
        return None
    holder = snapshots.get_snapshot_metadata(holders[0])
    taken = f"Tag '{tag}' already names snapshot {holder.hashval[:7]} of {holder.taken_at}"
    if workspace.batch:
        raise ConfigurationError(taken, hint=f"Choose another tag, or move it after the snapshot: dws tag --move {tag}")
    if not workspace.interaction.confirm(f"{taken}. Move it to the new snapshot?", default=False):
        raise UserAbort(f"{taken}, and stays there")
    return holder.hashval


def _check_holder(snapshots: SnapshotWorkspaceMixin, tag: str, expected: str | None) -> None:
    """Raise ConflictError if a tag is not where it was when the user was asked."""
    holders = snapshots.get_hashes_with_tag(tag)
    if holders and expected not in holders:
        raise ConflictError(
            f"Somebody else has given tag '{tag}' to snapshot {holders[0][:7]} in the meantime", hint="Try again"
        )
    snapshots.expect_tag_holder(tag, expected if holders else None)


def _update(
    workspace: Workspace, metadata: SnapshotMetadata, tag: str | None, message: str, labels: Mapping[str, str]
) -> SnapshotMetadata:
    """What is kept of a snapshot that was taken again: another message than it has becomes a note."""
    tags = metadata.tags if tag is None or metadata.has_tag(tag) else [*metadata.tags, tag]
    new = metadata.replace(tags=tags, labels={**metadata.labels, **labels}, message=metadata.message or message)
    if message and message != new.message:
        new = with_note(new, new_note(workspace, message))
    return new if new == metadata else new.replace(updated_timestamp=datetime.now().isoformat())


def _commit_message(metadata: SnapshotMetadata, tag: str | None, is_new: bool) -> str:
    verb = "Snapshot" if is_new else "Snapshot again"
    tagged = f" ({tag})" if tag is not None else ""
    return f"{verb} {metadata.hashval[:7]}{tagged}: {metadata.message}".rstrip(": ")
