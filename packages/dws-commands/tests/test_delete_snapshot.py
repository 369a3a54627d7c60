"""Deleting snapshots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dataworkspaces.commands.delete_snapshot import delete_snapshot_command
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.errors import ConfigurationError, UserAbort
from dataworkspaces.testing.memory import MemoryWorkspace

Answer = Callable[..., Any]
Write = Callable[..., None]


@pytest.fixture
def hashval(ws: MemoryWorkspace, write_results: Write) -> str:
    """A snapshot with results, tagged ONE."""
    write_results()
    return snapshot_command(ws, "ONE").metadata.hashval


@pytest.mark.parametrize("include_resources", [True, False])
def test_it_goes_with_its_results_unless_told_otherwise(
    ws: MemoryWorkspace, hashval: str, include_resources: bool
) -> None:
    deleted = delete_snapshot_command(ws, "ONE", include_resources)
    assert deleted.hashval == hashval
    assert ws.get_snapshot_count() == 0
    assert (ws.directory / "results" / "snapshots").exists() is not include_resources
    assert ws.store.saved[-1] == f"Deleted snapshot {hashval[:7]}"


def test_it_is_named_by_hash_too(ws: MemoryWorkspace, hashval: str) -> None:
    delete_snapshot_command(ws, hashval[:8])
    assert ws.get_snapshot_count() == 0


def test_the_user_is_asked(ws: MemoryWorkspace, hashval: str, answer: Answer) -> None:
    asked = answer(True)
    delete_snapshot_command(ws, "ONE")
    assert "ONE" in asked.questions[0]
    assert ws.get_snapshot_count() == 0


def test_it_stays_if_the_user_says_no(ws: MemoryWorkspace, hashval: str, answer: Answer) -> None:
    answer(False)
    with pytest.raises(UserAbort):
        delete_snapshot_command(ws, "ONE")
    assert ws.get_snapshot_count() == 1
    assert (ws.directory / "results" / "snapshots" / "here-ONE" / "results.json").exists()


def test_one_that_is_not_there(ws: MemoryWorkspace) -> None:
    with pytest.raises(ConfigurationError, match="NONE"):
        delete_snapshot_command(ws, "NONE")
