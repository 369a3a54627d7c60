"""Comparing snapshots."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dataworkspaces.commands.add import add_command
from dataworkspaces.commands.diff import SnapshotDiff, ValueDiff, diff_command
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import FileChange

Write = Callable[..., None]


def states(diff: SnapshotDiff) -> dict[str, str]:
    return {resource.name: resource.state for resource in diff.resources}


def test_resources_are_the_same_or_different(ws: MemoryWorkspace, write_code: Write) -> None:
    snapshot_command(ws, "ONE")
    write_code("2")
    snapshot_command(ws, "TWO")
    assert states(diff_command(ws, "ONE", "TWO")) == {"code": "different", "results": "same"}


def test_the_files_of_a_different_one_are_listed(ws: MemoryWorkspace, write_code: Write) -> None:
    snapshot_command(ws, "ONE")
    write_code("2")
    snapshot_command(ws, "TWO")
    diff = diff_command(ws, "ONE", "TWO")
    assert diff.resources[0].files == (FileChange("modified", "a.py"),)
    assert diff.resources[1].files is None


@pytest.mark.parametrize(("first", "second", "state"), [("ONE", "TWO", "added"), ("TWO", "ONE", "removed")])
def test_one_that_only_one_snapshot_holds(ws: MemoryWorkspace, first: str, second: str, state: str) -> None:
    snapshot_command(ws, "ONE")
    (ws.directory / "more").mkdir()
    add_command(ws, "folder", "source-data", "more", path=ws.directory / "more")
    snapshot_command(ws, "TWO")
    assert states(diff_command(ws, first, second))["more"] == state


def test_one_that_is_no_longer_in_the_workspace_has_no_files(ws: MemoryWorkspace, write_code: Write) -> None:
    snapshot_command(ws, "ONE")
    write_code("2")
    snapshot_command(ws, "TWO")
    del ws.store.resources["code"]
    (code, _results) = diff_command(ws, "ONE", "TWO").resources
    assert (code.state, code.files) == ("different", None)


def compared(ws: MemoryWorkspace, write_results: Write, one: dict[str, Any], other: dict[str, Any]) -> SnapshotDiff:
    for tag, run in (("ONE", one), ("TWO", other)):
        write_results(**run)
        snapshot_command(ws, tag)
    return diff_command(ws, "ONE", "TWO")


def test_parameters_and_metrics_that_differ_are_listed(ws: MemoryWorkspace, write_results: Write) -> None:
    one = {"parameters": {"C": 1.0, "kernel": "rbf"}, "metrics": {"accuracy": 0.9}}
    other = {"parameters": {"C": 2.0, "kernel": "rbf"}, "metrics": {"accuracy": 0.8}}
    (found,) = compared(ws, write_results, one, other).results
    assert found.resource == "results"
    assert found.parameters == (ValueDiff("C", "changed", 1.0, 2.0),)
    assert found.metrics == (ValueDiff("accuracy", "changed", 0.9, 0.8),)


def test_a_value_that_is_none_is_not_one_that_is_missing(ws: MemoryWorkspace, write_results: Write) -> None:
    one, other = {"parameters": {"a": None, "b": None}}, {"parameters": {"b": 1, "c": None}}
    (found,) = compared(ws, write_results, one, other).results
    assert found.parameters == (
        ValueDiff("a", "removed", None, None),
        ValueDiff("b", "changed", None, 1),
        ValueDiff("c", "added", None, None),
    )


def test_metrics_that_are_dictionaries_are_taken_apart(ws: MemoryWorkspace, write_results: Write) -> None:
    one = {"metrics": {"report": {"macro avg": {"recall": 0.5, "support": 3}}}}
    other = {"metrics": {"report": {"macro avg": {"recall": 0.6, "support": 3}}}}
    (found,) = compared(ws, write_results, one, other).results
    assert found.metrics == (ValueDiff("report.macro avg.recall", "changed", 0.5, 0.6),)


def test_nan_is_no_difference(ws: MemoryWorkspace, write_results: Write) -> None:
    nan = float("nan")
    one, other = {"metrics": {"loss": nan, "n": 1}}, {"metrics": {"loss": nan, "n": 2}}
    (found,) = compared(ws, write_results, one, other).results
    assert [metric.name for metric in found.metrics] == ["n"]


def test_results_of_one_snapshot_alone_are_not_compared(
    ws: MemoryWorkspace, write_results: Write, write_code: Write
) -> None:
    write_results()
    snapshot_command(ws, "ONE")
    write_code("2")
    snapshot_command(ws, "TWO")
    assert diff_command(ws, "ONE", "TWO").results == ()


def test_a_resource_that_cannot_be_looked_at_spoils_only_itself(
    ws: MemoryWorkspace, write_code: Write, answer: Callable[..., Any]
) -> None:
    snapshot_command(ws, "ONE")
    write_code("2")
    snapshot_command(ws, "TWO")
    stored = json.loads(ws.store.resources["code"])
    ws.store.resources["code"] = json.dumps({**stored, "resource_type": "not-installed"})
    user = answer()
    diff = diff_command(ws, "ONE", "TWO")
    assert states(diff) == {"code": "different", "results": "same"}
    assert "not-installed" in user.warnings[0]


def test_a_diff_is_json(ws: MemoryWorkspace, write_results: Write) -> None:
    diff = compared(ws, write_results, {"parameters": {"a": 1}}, {"parameters": {"a": 2}})
    document = json.loads(json.dumps(diff.to_json()))
    assert document["resources"][0] == {"name": "code", "state": "same", "files": None}
    assert document["results"][0]["parameters"] == [
        {"name": "a", "state": "changed", "first": 1, "second": 2, "change": 1.0}
    ]
