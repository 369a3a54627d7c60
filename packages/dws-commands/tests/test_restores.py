"""The notes of restores are in the order of the restores, whatever the clock says."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from dataworkspaces.operations import restores
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
    monkeypatch.setattr(restores, "datetime", Clock)
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
