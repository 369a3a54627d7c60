"""What a person changes in the page: labels and notes, through the same commands as ``dws label`` and ``dws note``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.labels import label_command, parse_labels
from dataworkspaces.commands.notes import note_command
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.web.experiments import about

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace


def set_labels(workspace: Workspace, hashval: str, given: Any) -> dict[str, Any]:
    """Give a snapshot just these labels, ``KEY=VALUE`` each; what it becomes is returned."""
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise ConfigurationError("Labels are a list of strings", hint="As in stage=production")
    labels = parse_labels(given)
    before = workspace.as_snapshot_ws().get_snapshot_by_tag_or_hash(hashval)
    gone = [key for key in before.labels if key not in labels]
    return about(label_command(workspace, before.hashval, labels, gone).snapshot)


def add_note(workspace: Workspace, hashval: str, text: Any) -> dict[str, Any]:
    """Add a note to a snapshot; what it becomes is returned."""
    if not isinstance(text, str):
        raise ConfigurationError("A note is a string", hint="Type its text")
    return about(note_command(workspace, hashval, text))
