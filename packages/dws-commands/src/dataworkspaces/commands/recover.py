"""``dws recover``: the way out of a command that can be neither completed nor undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import MetadataError
from dataworkspaces.operations.recovery import places_of_unfinished
from dataworkspaces.toolbox.lock import hold_lock
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace.factory import unfinished_before_opening
from dataworkspaces.workspace.journal import Journal, JournalEntry
from dataworkspaces.workspace.workspace_uri import find_workspace_uri

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace
    from dataworkspaces.workspace.unfinished import UnfinishedPart

_ASIDE = "the record of how to finish it is set aside; nothing else was changed"


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
    has_journal = is_present(Journal.path(directory))
    if not has_journal and not list(workspace.unfinished_parts()):
        return Recovery()
    with hold_lock(directory, "recover"):
        if not is_present(Journal.path(directory)):
            parts = list(workspace.unfinished_parts())
            return _recover_parts(parts, abandon) if parts else Recovery(outcome="another command has finished it")
        if abandon:
            return _abandon(workspace)
        entry = _pending(workspace)
        outcome = workspace.finish_interrupted(interrupted=True)
        return Recovery(None if entry is None else entry.describe(), outcome or "nothing is unfinished")


def recover_before_opening(place: str | None, *, abandon: bool = False) -> Recovery | None:
    """The same for a workspace that cannot be opened; None if nothing is known to be unfinished there.

    :param place: see :func:`find_workspace_uri`."""
    parts = unfinished_before_opening(find_workspace_uri(place))
    if not parts:
        return None
    found = _recover_parts(parts, abandon)
    return (
        replace(found, places=(*found.places, "the workspace could not be opened: dws fsck --repair"))
        if abandon
        else found
    )


def _recover_parts(parts: list[UnfinishedPart], abandon: bool) -> Recovery:
    """Without a journal: it has been set aside before, or what is unfinished does not belong to the workspace."""
    unfinished = ", ".join(part.what for part in parts)
    if not abandon:
        return Recovery(unfinished, "; ".join(part.finish() for part in parts))
    kept_as, places = _abandon_parts(parts)
    return Recovery(unfinished, _ASIDE, kept_as[0], places)


def _abandon_parts(parts: Iterable[UnfinishedPart]) -> tuple[list[str], tuple[str, ...]]:
    """Where the notes are now, and what lies where."""
    done = [(part.what, part.abandon()) for part in parts]
    lines = [line for what, each in done for line in (f"{what}: its note is kept as {each.kept_as}", *each.places)]
    return [str(each.kept_as) for _, each in done], tuple(lines)


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
        places = places_of_unfinished(workspace, entry.operation, entry.data)
    _, of_parts = _abandon_parts(workspace.unfinished_parts())
    kept_as = Journal.abandon(workspace.get_machine_directory())  # last, or nobody would look for the parts
    return Recovery(unfinished, _ASIDE, str(kept_as), (*places, *of_parts))
