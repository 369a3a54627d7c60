"""Restores and deletions are in the order in which they were done, whatever the clock says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from dataworkspaces.commands.delete_snapshot import delete_snapshot_command
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.operations import deleted_snapshots, restores
from dataworkspaces.operations.deleted_snapshots import DeletedSnapshots
from dataworkspaces.operations.restores import note_restore, past_restores
from dataworkspaces.testing.memory import MemoryWorkspace

NOON = datetime(2026, 10, 25, 12)


class Clock(datetime):
    moment = NOON

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return cls.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> type[Clock]:
    monkeypatch.setattr(Clock, "moment", NOON)
    for module in (restores, deleted_snapshots):
        monkeypatch.setattr(module, "datetime", Clock)
    return Clock


def note(ws: MemoryWorkspace, snapshot: str) -> str:
    return note_restore(ws, snapshot, None, {"code": snapshot}, {"code": snapshot}, {})


@pytest.mark.parametrize("back", [timedelta(0), timedelta(hours=1), timedelta(days=40)])
def test_a_clock_that_was_set_back(ws: MemoryWorkspace, clock: type[Clock], back: timedelta) -> None:
    note(ws, "first")
    clock.moment = NOON - back
    note(ws, "second")
    note(ws, "third")
    assert [past.snapshot for past in past_restores(ws)] == ["third", "second", "first"]


def test_the_oldest_notes_go_first_when_the_clock_was_set_back(ws: MemoryWorkspace, clock: type[Clock]) -> None:
    for number in range(25):
        clock.moment = NOON - timedelta(hours=number)
        note(ws, str(number))
    assert [past.snapshot for past in past_restores(ws)] == [str(number) for number in range(24, 4, -1)]


def test_the_last_moment_of_a_day(ws: MemoryWorkspace, clock: type[Clock]) -> None:
    clock.moment = datetime(2026, 10, 25, 23, 59, 59, 999999)
    note(ws, "first")
    clock.moment = NOON
    note(ws, "second")
    clock.moment = NOON + timedelta(days=1)
    note(ws, "third")
    assert [past.snapshot for past in past_restores(ws)] == ["third", "second", "first"]


def test_snapshots_that_were_deleted(
    ws: MemoryWorkspace, clock: type[Clock], answer: Callable[..., Any], write_code: Callable[[str], None]
) -> None:
    answer(True, True, True)
    for tag in ("A", "B", "C"):
        write_code(tag)
        snapshot_command(ws, tag)
    for tag in ("B", "A", "C"):
        clock.moment -= timedelta(hours=1)
        delete_snapshot_command(ws, tag)
    assert [deleted.metadata.tags for deleted in DeletedSnapshots(ws).all()] == [["C"], ["A"], ["B"]]
