"""Taking snapshots: tags, messages, and what happens when nothing has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.errors import ConfigurationError, ParamValidationError, UserAbort
from dataworkspaces.testing.memory import MemoryWorkspace

Answer = Callable[..., Any]
Write = Callable[..., None]


def test_it_is_kept_under_its_hash_and_tag(ws: MemoryWorkspace) -> None:
    outcome = snapshot_command(ws, "ONE", "first")
    assert outcome.is_new
    kept = ws.get_snapshot_by_tag("ONE")
    assert kept == outcome.metadata
    assert (kept.tags, kept.message, kept.hostname) == (["ONE"], "first", "here")
    assert ws.store.saved == [f"Snapshot {kept.hashval[:7]} (ONE): first"]


def test_results_move_to_a_directory_of_their_own(ws: MemoryWorkspace, write_results: Write) -> None:
    write_results({"accuracy": 0.9})
    metadata = snapshot_command(ws, "ONE").metadata
    names = {p.relative_to(ws.directory / "results").as_posix() for p in (ws.directory / "results").rglob("*.json")}
    assert names == {"snapshots/here-ONE/results.json", "snapshots/here-ONE/lineage.json"}
    assert metadata.metrics == {"accuracy": 0.9}


@pytest.mark.parametrize("tag", ["", "-x", "a b", "a/b", "abcdef0", "0123456789abcdef0123456789abcdef01234567"])
def test_a_tag_that_cannot_be_one_changes_nothing(ws: MemoryWorkspace, write_results: Write, tag: str) -> None:
    write_results()
    with pytest.raises(ParamValidationError):
        snapshot_command(ws, tag)
    assert ws.get_snapshot_count() == 0
    assert (ws.directory / "results" / "results.json").exists()


def test_a_resource_that_refuses_changes_nothing(ws: MemoryWorkspace, write_results: Write) -> None:
    write_results()
    (ws.directory / "code" / "refuse").touch()
    with pytest.raises(ConfigurationError, match="'code' refuses"):
        snapshot_command(ws)
    assert ws.get_snapshot_count() == 0
    assert (ws.directory / "results" / "results.json").exists()


# -- tags -----------------------------------------------------------------------------------------------------------


def test_a_taken_tag_is_an_error_in_batch(ws: MemoryWorkspace, write_code: Write, write_results: Write) -> None:
    first = snapshot_command(ws, "ONE").metadata
    write_code("2")
    write_results()
    with pytest.raises(ConfigurationError, match=f"'ONE' already names snapshot {first.hashval[:7]}"):
        snapshot_command(ws, "ONE")
    assert ws.get_snapshot_count() == 1
    assert (ws.directory / "results" / "results.json").exists()


def test_a_taken_tag_moves_on_confirmation(ws: MemoryWorkspace, write_code: Write, answer: Answer) -> None:
    first = snapshot_command(ws, "ONE").metadata
    write_code("2")
    answer(True)
    outcome = snapshot_command(ws, "ONE")
    assert outcome.tag_moved_from == first.hashval
    assert ws.get_hashes_with_tag("ONE") == [outcome.metadata.hashval]


def test_only_that_tag_moves(ws: MemoryWorkspace, write_code: Write, answer: Answer) -> None:
    first = snapshot_command(ws, "ONE").metadata
    snapshot_command(ws, "OTHER")
    write_code("2")
    answer(True)
    snapshot_command(ws, "ONE")
    assert ws.get_snapshot_metadata(first.hashval).tags == ["OTHER"]


def test_no_snapshot_is_taken_if_the_tag_stays(ws: MemoryWorkspace, write_code: Write, answer: Answer) -> None:
    first = snapshot_command(ws, "ONE").metadata
    write_code("2")
    answer(False)
    with pytest.raises(UserAbort):
        snapshot_command(ws, "ONE")
    assert [s.hashval for s in ws.list_snapshots()] == [first.hashval]


# -- nothing has changed --------------------------------------------------------------------------------------------


def test_the_snapshot_that_is_there_is_the_outcome(ws: MemoryWorkspace) -> None:
    first = snapshot_command(ws, "ONE", "first")
    again = snapshot_command(ws)
    assert not again.is_new
    assert again.metadata == first.metadata
    assert ws.get_snapshot_count() == 1


def test_it_gains_the_tag(ws: MemoryWorkspace) -> None:
    snapshot_command(ws, "ONE")
    outcome = snapshot_command(ws, "TWO")
    assert outcome.metadata.tags == ["ONE", "TWO"]
    assert outcome.metadata.updated_timestamp is not None
    assert ws.get_snapshot_by_tag("TWO") == outcome.metadata


def test_its_message_stays_and_another_is_a_note(ws: MemoryWorkspace, answer: Answer) -> None:
    snapshot_command(ws, "ONE", "first")
    asked = answer()
    outcome = snapshot_command(ws, "TWO", "second", {"stage": "test"})
    assert (outcome.metadata.message, outcome.message_changed, outcome.note_added) == ("first", False, True)
    assert outcome.metadata.description == "first\nsecond"
    assert outcome.metadata.labels == {"stage": "test"}
    assert not snapshot_command(ws, None, "second").note_added  # it is there already
    assert asked.questions == []


@pytest.mark.parametrize("message", ["first", ""])
def test_nobody_is_asked_for_the_message_that_it_has(ws: MemoryWorkspace, answer: Answer, message: str) -> None:
    snapshot_command(ws, None, "first")
    asked = answer()
    snapshot_command(ws, None, message)
    assert asked.questions == []


def test_a_message_where_there_was_none_needs_no_confirmation(ws: MemoryWorkspace, answer: Answer) -> None:
    snapshot_command(ws)
    answer()
    assert snapshot_command(ws, None, "said later").message_changed


def test_a_tag_that_it_has_stays_once(ws: MemoryWorkspace, answer: Answer) -> None:
    snapshot_command(ws, "ONE")
    answer(True)
    outcome = snapshot_command(ws, "ONE")
    assert (outcome.metadata.tags, outcome.tag_moved_from) == (["ONE"], None)
