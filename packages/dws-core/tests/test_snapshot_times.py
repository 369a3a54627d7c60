"""When a snapshot was taken, as people are told who are in another place."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from dataworkspaces.workspace import SnapshotMetadata

TAKEN = SnapshotMetadata("a" * 40, [], "", "h", "2026-11-29T05:29:50.123456", "", {}, utc_offset="-05:00")


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("snapshot", "told"),
    [
        (TAKEN, "2026-11-29T11:29:50"),
        (TAKEN.replace(timestamp="2026-07-29T05:29:50"), "2026-07-29T12:29:50"),
        # the hour that there is twice
        (TAKEN.replace(timestamp="2026-10-25T02:30:00", utc_offset="+02:00"), "2026-10-25T02:30:00"),
        (TAKEN.replace(timestamp="2026-10-25T02:30:00", utc_offset="+01:00"), "2026-10-25T02:30:00"),
        # of release 1.6, or damaged
        (TAKEN.replace(utc_offset=None), "2026-11-29T05:29:50"),
        (TAKEN.replace(utc_offset="east"), "2026-11-29T05:29:50"),
        (TAKEN.replace(timestamp="yesterday"), "yesterday"),
        (TAKEN.replace(timestamp="0001-01-01T00:00:00", utc_offset="+14:00"), "0001-01-01T00:00:00"),
    ],
)
def test_a_time_is_told_as_clocks_here_show_it(berlin: None, snapshot: SnapshotMetadata, told: str) -> None:
    assert snapshot.taken_at == told
