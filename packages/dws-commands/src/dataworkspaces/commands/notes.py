"""What people write of a snapshot after it was taken."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.toolbox.names import check_text
from dataworkspaces.workspace.snapshot_metadata import Note

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace


def note_command(workspace: Workspace, tag_or_hash: str, text: str) -> SnapshotMetadata:
    """Add a note to a snapshot, whose message stays."""
    check_text(text, "The note")
    if not text.strip():
        raise ConfigurationError(
            "The note is empty", hint='Write it as in: dws note run1 "The scaler was fitted on all data"'
        )
    snapshots = workspace.as_snapshot_ws()
    hashval = snapshots.get_snapshot_by_tag_or_hash(tag_or_hash).hashval
    with workspace.transaction("note"):
        note = new_note(workspace, text)
        after = snapshots.update_snapshot_metadata(hashval, lambda metadata: with_note(metadata, note))
        workspace.save(f"Note on snapshot {hashval[:7]}")
    return after


def new_note(workspace: Workspace, text: str) -> Note:
    now = datetime.now().astimezone()
    return Note(text.strip(), now.isoformat(timespec="seconds"), workspace.get_instance())


def with_note(metadata: SnapshotMetadata, note: Note) -> SnapshotMetadata:
    """What is said already is not said twice."""
    if note.text == metadata.message or any(note.text == other.text for other in metadata.notes):
        return metadata
    return metadata.replace(notes=[*metadata.notes, note], updated_timestamp=datetime.now().isoformat())
