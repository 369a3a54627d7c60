"""Diffs of results, of the present state and of several snapshots; what ``dws show`` tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.commands.compare import compare_command
from dataworkspaces.commands.diff import ValueDiff, diff_command
from dataworkspaces.commands.diff_files import _difference, results_changes
from dataworkspaces.commands.show import show_command
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.testing.memory import MemoryWorkspace

Write = Callable[..., None]


@pytest.fixture
def runs(ws: MemoryWorkspace, write_results: Write, write_code: Write) -> MemoryWorkspace:
    for number, accuracy in enumerate((0.9, 0.8, 0.8)):
        write_code(str(number))
        write_results({"accuracy": accuracy, "report": {"0": {"recall": 0.5}}}, {"C": number % 2}, start_time=number)
        (ws.directory / "results" / "model").write_text(str(number % 2))
        snapshot_command(ws, f"RUN{number}")
    return ws


def results_of(ws: MemoryWorkspace, *names: str, **options: Any) -> Any:
    return next(r for r in diff_command(ws, *names, **options).resources if r.name == "results")


def test_results_are_those_of_these_two(runs: MemoryWorkspace) -> None:
    found = results_of(runs, "RUN0", "RUN2")
    assert [str(change) for change in found.files] == ["results.json"]
    assert [str(change) for change in results_of(runs, "RUN0", "RUN1").files] == ["model", "results.json"]


def test_identical_results_say_so(runs: MemoryWorkspace, write_results: Write, write_code: Write) -> None:
    write_code("more")
    write_results({"accuracy": 0.8, "report": {"0": {"recall": 0.5}}}, {"C": 0}, start_time="later")
    (runs.directory / "results" / "model").write_text("0")
    snapshot_command(runs, "AGAIN")
    diff = diff_command(runs, "RUN2", "AGAIN")
    assert [results.identical for results in diff.results] == [True]
    assert {r.name: r.state for r in diff.resources} == {"code": "different", "results": "same"}
    assert not diff.identical
    assert diff_command(runs, "RUN0", "RUN0").identical


def test_results_in_subdirectories(ws: MemoryWorkspace, write_results: Write) -> None:
    for tag, loss in (("A", 1.0), ("B", 2.0)):
        (ws.directory / "results" / "svc").mkdir()
        write_results({"loss": loss}, directory="results/svc")
        snapshot_command(ws, tag)
    (found,) = diff_command(ws, "A", "B").results
    assert found.metrics == (ValueDiff("svc.loss", "changed", 1.0, 2.0),)
    assert found.metrics[0].standing == "worse"


@pytest.mark.parametrize(("rtol", "count"), [(0.0, 1), (0.2, 0)])
def test_numbers_that_are_close(runs: MemoryWorkspace, rtol: float, count: int) -> None:
    (found,) = diff_command(runs, "RUN0", "RUN2", rtol=rtol).results
    assert len(found.metrics) == count


def test_against_the_present_state(runs: MemoryWorkspace, write_results: Write, write_code: Write) -> None:
    assert diff_command(runs, "RUN2").identical
    write_code("other")
    write_results({"accuracy": 1.0}, {"C": 0})
    diff = diff_command(runs, "RUN2")
    assert {r.name: r.state for r in diff.resources} == {"code": "different", "results": "different"}
    (found,) = diff.results
    assert [(m.name, m.state, m.standing) for m in found.metrics] == [
        ("accuracy", "changed", "better"), ("report.0.recall", "removed", None),
    ]  # fmt: skip
    assert diff.to_json()["second"] is None


def test_several(runs: MemoryWorkspace) -> None:
    found = compare_command(runs, ["RUN0", "RUN1", "RUN2"])
    assert [(line.name, line.values) for line in (*found.parameters, *found.metrics)] == [
        ("C", (0, 1, 0)), ("accuracy", (0.9, 0.8, 0.8)),
    ]  # fmt: skip
    assert [line.name for line in found.resources] == ["code", "results"]
    assert compare_command(runs, ["RUN0"] * 3).identical
    json.dumps(found.to_json())


def test_contents_of_parameter_files() -> None:
    assert _difference("a: 1\nb: 2\n", "a: 1\nb: 3\n") == ("-b: 2", "+b: 3")
    assert _difference(None, "x") == ()
    many = "\n".join(map(str, range(100)))
    assert len(_difference(many, "")) == 41


def test_one_that_has_no_results_has_no_files(runs: MemoryWorkspace, tmp_path: Path) -> None:
    resource: Any = runs.get_resource("results")
    one = runs.get_snapshot_by_tag("RUN0")
    assert results_changes(resource, one, None, (), are_equal=False) is None


def test_show_has_all_of_a_snapshot(runs: MemoryWorkspace) -> None:
    found = show_command(runs)
    assert found.snapshot.tags == ["RUN2"]
    assert [(r.name, r.change) for r in found.resources] == [("code", "different"), ("results", "different")]
    assert found.metrics == {"accuracy": 0.8, "report.0.recall": 0.5}
    assert found.parameters == {"C": 0}
    assert show_command(runs, "RUN0").metrics["accuracy"] == 0.9
    json.dumps(found.to_json())
