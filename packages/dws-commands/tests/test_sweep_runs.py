"""What an experiment says of its sweep, which somebody else may have written."""

from __future__ import annotations

from typing import Any

import pytest

from dataworkspaces.commands.sweep_runs import run_of
from dataworkspaces.workspace import SnapshotMetadata

TOLD = {"name": "s", "number": 1, "parameters": {"C": 1}, "status": "completed", "exit_status": 0, "seconds": 2}
PLAIN = SnapshotMetadata("0" * 40, [], "", "host", "2026-01-01T00:00:00", "snapshots/x", {}, None)


def test_a_run() -> None:
    found = run_of(PLAIN.replace(other={"sweep": TOLD}))
    assert found is not None
    assert found.to_json() == TOLD


@pytest.mark.parametrize(
    "given", [{"seconds": 10**400}, {"seconds": float("nan")}, {"seconds": -1}, {"number": "1"}, {"parameters": []}]
)
def test_what_is_none(given: dict[str, Any]) -> None:
    assert run_of(PLAIN.replace(other={"sweep": {**TOLD, **given}})) is None
