"""The runs of a sweep: experiments whose metadata say of which sweep they are, and with which parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.toolbox.flat import cells

if TYPE_CHECKING:
    from dataworkspaces.commands.experiments import Experiment
    from dataworkspaces.workspace import SnapshotMetadata

SWEEP = "sweep"
"""In the metadata of a snapshot: ``name``, ``number``, ``parameters``, ``status``, ``exit_status`` and ``seconds``."""

_MOST_SECONDS = 1e12


class SweepRun(NamedTuple):
    """:ivar parameters: those that the sweep gave it.
    :ivar status: ``completed``, ``failed`` or ``pruned``."""

    name: str
    number: int
    parameters: dict[str, Any]
    status: str
    exit_status: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "number": self.number,
            "parameters": self.parameters,
            "status": self.status,
            "exit_status": self.exit_status,
            "seconds": self.seconds,
        }


def run_of(snapshot: SnapshotMetadata) -> SweepRun | None:
    """What an experiment says of its sweep; somebody else may have written anything there."""
    found = snapshot.other.get(SWEEP)
    if not isinstance(found, dict):
        return None
    name, number, parameters = found.get("name"), found.get("number"), found.get("parameters")
    status, exit_status, seconds = found.get("status"), found.get("exit_status"), found.get("seconds")
    if not isinstance(name, str) or not isinstance(number, int) or not isinstance(parameters, dict):
        return None
    if not isinstance(status, str) or not isinstance(exit_status, int) or not isinstance(seconds, (int, float)):
        return None
    if not 0 <= seconds < _MOST_SECONDS:  # nor is NaN
        return None
    return SweepRun(name, number, {str(k): v for k, v in parameters.items()}, status, exit_status, float(seconds))


def with_sweep(snapshot: SnapshotMetadata, experiment: Experiment) -> Experiment:
    """The experiment with the parameters of its sweep: a run that failed has recorded them nowhere else, and what lies
    there may come from an earlier one."""
    from dataworkspaces.commands.experiments import Part

    run = run_of(snapshot)
    if run is None:
        return experiment
    given = cells(run.parameters)
    parts = [
        part._replace(parameters={name: given.get(name, value) for name, value in part.parameters.items()})
        for part in experiment.parts
    ]
    known = {name for part in parts for name in part.parameters}
    missing = {name: value for name, value in given.items() if name not in known}
    added = [Part("", "", {}, missing)] if missing else []
    return experiment._replace(parts=(*parts, *added))
