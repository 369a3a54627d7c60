"""What restores replaced: of the last ones that this copy saw, enough to undo each as a whole.

``restores/TIME.json`` of the machine directory says which versions lay there, the lineage of these resources, and from
which snapshot the state came. The contents are where the resources keep those of any version. The names are in the
order of the restores, also where the clock was set back, or another time zone came into force.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import MetadataError
from dataworkspaces.operations.moments import MOMENT_RE, moment_after
from dataworkspaces.toolbox.atomic import read_json_object, write_json
from dataworkspaces.workspace.past_restore import PastRestore

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace

_DIRECTORY = "restores"
_KEPT = 20
_SUFFIX = ".json"


def note_restore(
    workspace: Workspace,
    snapshot: str | None,
    came_from: str | None,
    prior: Mapping[str, str | None],
    targets: Mapping[str, str | None],
    lineage: Mapping[str, Any],
    is_whole: bool = True,
) -> str:
    """Note what a restore is about to replace; returns the name of the note. On disk on return."""
    directory = workspace.get_machine_directory() / _DIRECTORY
    now = datetime.now()
    earlier = sorted(_notes(directory))
    name = moment_after([note.stem for note in earlier], now) + _SUFFIX
    note = {
        "time": now.isoformat(),
        "snapshot": snapshot,
        "came_from": came_from,
        "prior": dict(prior),
        "targets": dict(targets),
        "lineage": dict(lineage),
        "whole": is_whole,
    }
    write_json(directory / name, note, durable=True)
    for old in earlier[: 1 - _KEPT]:
        old.unlink(missing_ok=True)
    return name


def forget_restore(workspace: Workspace, name: str) -> None:
    """Idempotent."""
    (workspace.get_machine_directory() / _DIRECTORY / Path(name).name).unlink(missing_ok=True)


def past_restores(workspace: Workspace) -> list[PastRestore]:
    """The latest first. What cannot be read is left out: it can be of no use."""
    found = []
    for path in sorted(_notes(workspace.get_machine_directory() / _DIRECTORY), reverse=True):
        with suppress(MetadataError, ValueError, TypeError, KeyError, AttributeError):
            found.append(read_restore(path))
    names = workspace.resource_names
    return found if names.is_as_stored else [_with_present_names(past, names.present) for past in found]


def _with_present_names(past: PastRestore, present: Callable[[str], str]) -> PastRestore:
    prior, targets, lineage = (
        {present(name): value for name, value in each.items()} for each in (past.prior, past.targets, past.lineage)
    )
    return past._replace(prior=prior, targets=targets, lineage=lineage)


def read_restore(path: Path) -> PastRestore:
    data = read_json_object(path, "time", "snapshot", "came_from", "prior", "targets", "lineage")
    return PastRestore(
        path.name,
        datetime.fromisoformat(data["time"]),
        data["snapshot"],
        data["came_from"],
        {name: version for name, version in data["prior"].items() if isinstance(version, str)},
        {name: version for name, version in data["targets"].items() if isinstance(version, str)},
        dict(data["lineage"]),
        bool(data.get("whole", True)),
    )


def _notes(directory: Path) -> list[Path]:
    return [path for path in directory.glob(f"*{_SUFFIX}") if MOMENT_RE.fullmatch(path.stem)]
