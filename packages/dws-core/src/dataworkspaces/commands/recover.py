"""``dws recover``: the way out of a command that can be neither completed nor undone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import MetadataError
from dataworkspaces.workspace.journal import Journal, JournalEntry
from dataworkspaces.workspace.locking import hold_lock

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace


@dataclass(frozen=True)
class Recovery:
    """What became of an unfinished command.

    :ivar unfinished: which one it was; None if there was none.
    :ivar outcome: what was done.
    :ivar kept_as: where the journal is now, if it was set aside.
    :ivar places: what it left where, a line each.
    """

    unfinished: str | None = None
    outcome: str = "nothing is unfinished"
    kept_as: str | None = None
    places: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "unfinished": self.unfinished,
            "outcome": self.outcome,
            "kept_as": self.kept_as,
            "places": list(self.places),
        }


def recover_command(workspace: Workspace, *, abandon: bool = False) -> Recovery:
    """Complete or undo what a command left unfinished; with ``abandon`` set its journal aside instead, and change
    nothing else. Raises UnfinishedError or MetadataError if it can be neither completed nor undone."""
    directory = workspace.get_machine_directory()
    if not os.path.lexists(Journal.path(directory)):
        return Recovery()
    with hold_lock(directory, "recover"):
        if not os.path.lexists(Journal.path(directory)):
            return Recovery(outcome="another command has finished it")
        if abandon:
            return _abandon(workspace)
        entry = _pending(workspace)
        outcome = workspace.finish_interrupted(interrupted=True)
        return Recovery(None if entry is None else entry.describe(), outcome or "nothing is unfinished")


def _pending(workspace: Workspace) -> JournalEntry | None:
    """What the journal tells of; None if it is damaged."""
    try:
        return Journal.pending(workspace.get_machine_directory())
    except MetadataError:
        return None


def _abandon(workspace: Workspace) -> Recovery:
    unfinished, places = "a command whose journal is damaged", list[str]()
    if (entry := _pending(workspace)) is not None:
        unfinished = entry.describe()
        places = workspace.places_of_unfinished(entry.operation, entry.data)
    kept_as = Journal.abandon(workspace.get_machine_directory())
    return Recovery(unfinished, "its journal is set aside, and nothing else was changed", str(kept_as), tuple(places))
