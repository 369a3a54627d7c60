"""The metrics of a model by epoch, of all its trainings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dataworkspaces.lineage import jsonable


class EpochHistory:
    """Of each metric a value for each epoch; None where it was not measured.

    :ivar numbers: of the epochs. They rise, whatever the trainings say that follow each other.
    :ivar metrics: by name the values."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.metrics: dict[str, list[Any]] = {}

    def number_of(self, number: int | None = None) -> int:
        """Which number the next epoch has, if its training says that it is ``number``."""
        following = self.numbers[-1] + 1 if self.numbers else 1
        return following if number is None else max(following, number)

    def add(self, metrics: Mapping[str, Any], number: int | None = None) -> int:
        """An epoch has ended with these metrics. Returns its number."""
        self.numbers.append(self.number_of(number))
        for name, value in metrics.items():
            values = self.metrics.setdefault(str(name), [])
            values.extend([None] * (len(self.numbers) - 1 - len(values)))
            values.append(jsonable(value))
        for values in self.metrics.values():
            values.extend([None] * (len(self.numbers) - len(values)))
        return self.numbers[-1]

    def to_json(self) -> dict[str, Any]:
        return {"epochs": self.numbers, "metrics": self.metrics}
