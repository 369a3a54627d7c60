"""The phases of a training: calls of ``fit`` that follow each other, perhaps compiled anew in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_OF_A_CALL = ("epochs", "initial_epoch", "model_parameters")
"""What may differ in calls of one phase."""

_TOLD = 25
"""So many phases are told from the beginning, and from the end."""

_ABSENT: Any = object()


class Phases:
    """Calls with the same settings, one after the other, are one phase."""

    def __init__(self) -> None:
        self._phases: list[dict[str, Any]] = []
        self._settings: list[Mapping[str, Any]] = []
        self._trained = 0

    def begin(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """``fit`` is called with these parameters. Returns what the step says of its phases."""
        self._trained = 0
        settings = {name: value for name, value in parameters.items() if name not in _OF_A_CALL}
        requested = _requested(parameters)
        if self._settings and self._settings[-1] == settings and "ended_by" not in self._phases[-1]:
            self._phases[-1]["calls"] += 1
            if requested is not None:
                self._phases[-1]["epochs_requested"] += requested
        else:
            self._settings.append(settings)
            self._phases.append({"calls": 1, "epochs_requested": requested or 0, "epochs_trained": 0})
        return self._told()

    def skip(self, epochs: int) -> bool:
        """The call has begun after so many epochs. Whether that is news."""
        if self._trained or not epochs:
            return False
        requested = self._phases[-1]["epochs_requested"]
        self._phases[-1]["epochs_requested"] = max(requested - epochs, 0)
        return True

    def end_epoch(self) -> None:
        self._trained += 1
        self._phases[-1]["epochs_trained"] += 1

    def end(self, ended_by: str | None = None) -> dict[str, Any]:
        """The call has ended; after an error, ``ended_by`` names it."""
        if ended_by is not None and self._phases:
            self._phases[-1]["ended_by"] = ended_by
        return {"epochs_trained": self._trained, **self._told()}

    def _told(self) -> dict[str, Any]:
        """Of several calls the phases, each with those of its settings that others do not share."""
        if sum(phase["calls"] for phase in self._phases) < 2:
            return {}
        told = [{**phase, **own} for phase, own in zip(self._phases, _not_shared(self._settings), strict=True)]
        if len(told) <= 2 * _TOLD:
            return {"phases": told}
        # They are written with each call: a loop of thousands must not write millions.
        return {"phases": [*told[:_TOLD], {"left_out": len(told) - 2 * _TOLD}, *told[-_TOLD:]]}


def _not_shared(several: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each what is not the same in all."""
    found: list[dict[str, Any]] = [{} for _ in several]
    for name in dict.fromkeys(name for one in several for name in one):
        values = [one.get(name, _ABSENT) for one in several]
        if all(value == values[0] for value in values):
            continue
        shown = _not_shared(values) if all(isinstance(value, dict) for value in values) else values
        for own, value in zip(found, shown, strict=True):
            if value is not _ABSENT:
                own[name] = value
    return found


def _requested(parameters: Mapping[str, Any]) -> int | None:
    epochs, initial = parameters.get("epochs"), parameters.get("initial_epoch") or 0
    return max(epochs - initial, 0) if isinstance(epochs, int) and isinstance(initial, int) else None
