"""The reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dataworkspaces.commands.delete_snapshot import delete_snapshot_command
from dataworkspaces.commands.history import history_report
from dataworkspaces.commands.report import lineage_report, results_report, status_report
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.lineage.model import HashCertificate, PlaceholderCertificate, ResourceCert, SourceDataLineage
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import ResourceChange, ResourceRef

Write = Callable[..., None]

# -- status ---------------------------------------------------------------------------------------------------------


def test_status_lists_resources_in_their_order(ws: MemoryWorkspace) -> None:
    report = status_report(ws)
    assert [(r.name, r.role, r.resource_type) for r in report.resources] == [
        ("code", "code", "folder"),
        ("results", "results", "folder"),
    ]
    assert report.resources[0].parameters == {"path": str(ws.directory / "code")}
    assert report.roles_without_resource == ("source-data", "intermediate-data")


def test_status_without_a_snapshot_says_nothing_of_changes(ws: MemoryWorkspace) -> None:
    report = status_report(ws)
    assert report.last_snapshot is None
    assert [r.change for r in report.resources] == [None, None]


def test_status_compares_with_the_last_snapshot(ws: MemoryWorkspace, write_code: Write) -> None:
    snapshot_command(ws, "ONE")
    write_code("2")
    report = status_report(ws)
    assert report.last_snapshot is not None
    assert report.last_snapshot.tags == ["ONE"]
    assert [r.change for r in report.resources] == [ResourceChange("changed"), ResourceChange("unchanged")]


# -- history --------------------------------------------------------------------------------------------------------


def test_history_is_newest_first(ws: MemoryWorkspace, write_code: Write) -> None:
    for tag in ("ONE", "TWO", "THREE"):
        write_code(tag)
        snapshot_command(ws, tag)
    report = history_report(ws)
    assert [s.tags for s in report.snapshots] == [["THREE"], ["TWO"], ["ONE"]]
    assert report.total == 3


def test_history_can_be_limited(ws: MemoryWorkspace, write_code: Write) -> None:
    for tag in ("ONE", "TWO", "THREE"):
        write_code(tag)
        snapshot_command(ws, tag)
    report = history_report(ws, 2)
    assert [s.tags for s in report.snapshots] == [["THREE"], ["TWO"]]
    assert report.total == 3


def test_history_of_none(ws: MemoryWorkspace) -> None:
    report = history_report(ws)
    assert (report.snapshots, report.table.metric_names, report.total) == ((), (), 0)


def test_history_has_all_metrics_the_most_telling_first(ws: MemoryWorkspace, write_results: Write) -> None:
    for number, metrics in enumerate(({"n": 1, "accuracy": 1}, {"n": 1, "loss": 1, "accuracy": 1}, {"accuracy": 2})):
        write_results(metrics)
        snapshot_command(ws, f"RUN{number}")
    assert history_report(ws).table.metric_names == ("accuracy", "loss", "n")


def test_history_needs_a_limit_of_at_least_one(ws: MemoryWorkspace) -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        history_report(ws, 0)


# -- results --------------------------------------------------------------------------------------------------------


def test_current_results_come_first(ws: MemoryWorkspace, write_results: Write) -> None:
    write_results({"accuracy": 0.1})
    snapshot_command(ws, "ONE")
    write_results({"accuracy": 0.2})
    report = results_report(ws)
    assert report is not None
    assert (report.location, report.snapshot) == ("results:/results.json", None)
    assert report.metrics == {"accuracy": 0.2}


def test_then_those_of_the_most_recent_snapshot_that_has_some(
    ws: MemoryWorkspace, write_results: Write, write_code: Write
) -> None:
    for tag in ("ONE", "TWO"):
        write_results({"accuracy": tag})
        snapshot_command(ws, tag)
    write_code("2")
    snapshot_command(ws, "EMPTY")
    report = results_report(ws)
    assert report is not None
    assert report.location == "results:/snapshots/here-TWO/results.json"
    assert report.snapshot is not None
    assert report.snapshot.tags == ["TWO"]


def test_those_of_a_snapshot(ws: MemoryWorkspace, write_results: Write) -> None:
    for tag in ("ONE", "TWO"):
        write_results({"accuracy": tag})
        snapshot_command(ws, tag)
    report = results_report(ws, "ONE")
    assert report is not None
    assert report.metrics == {"accuracy": "ONE"}


def test_the_history_of_metrics_lies_beside_them(ws: MemoryWorkspace, write_results: Write) -> None:
    write_results({"loss": 0.5})
    history = {"epochs": [1, 2, 3], "metrics": {"loss": [1, 0.5, None], "other": [float("nan"), "NaN", 10**400]}}
    (ws.directory / "results" / "metrics_history.json").write_text(json.dumps(history))
    report = results_report(ws)
    assert report is not None
    assert report.history == {"loss": [1.0, 0.5, None], "other": [None, None, None]}
    assert report.to_json()["metrics_history"] == report.history


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"metrics": 3}', '{"metrics": {"a": 3, "b": []}}'])
def test_a_file_that_holds_no_history(ws: MemoryWorkspace, write_results: Write, content: str) -> None:
    write_results({"loss": 0.5})
    (ws.directory / "results" / "metrics_history.json").write_text(content)
    report = results_report(ws)
    assert report is not None
    assert report.history == {}
    assert "metrics_history" not in report.to_json()


def test_a_snapshot_without_results_has_none(ws: MemoryWorkspace, write_results: Write) -> None:
    snapshot_command(ws, "EMPTY")
    write_results()
    assert results_report(ws, "EMPTY") is None


def test_no_results_at_all(ws: MemoryWorkspace) -> None:
    assert results_report(ws) is None


def test_results_are_in_results_resources_only(ws: MemoryWorkspace, write_results: Write) -> None:
    write_results(directory="code")
    assert results_report(ws) is None
    with pytest.raises(ConfigurationError, match="role code, not results"):
        results_report(ws, resource="code")


def test_they_are_taken_apart(ws: MemoryWorkspace, write_results: Write) -> None:
    write_results({"accuracy": 0.9, "report": {"recall": 0.5}}, {"C": 1}, run_description=None)
    report = results_report(ws)
    assert report is not None
    assert report.properties == {"step": "train", "run_description": None}
    assert report.parameters == {"C": 1}
    assert report.metrics == {"accuracy": 0.9}
    assert report.metric_tables == {"report": {"recall": 0.5}}


@pytest.mark.parametrize("metrics", [3, ["x"], "text"])
def test_metrics_that_are_no_dictionary_are_none(ws: MemoryWorkspace, write_results: Write, metrics: Any) -> None:
    write_results(metrics)
    report = results_report(ws)
    assert report is not None
    assert report.metrics == {}


# -- lineage --------------------------------------------------------------------------------------------------------


def read_source(ws: MemoryWorkspace) -> None:
    """As if a step had read the resource ``code`` as its data."""
    cert = ResourceCert(ResourceRef("code"), PlaceholderCertificate(1, "read"))
    ws.get_lineage_store().update("code", lambda _old: [SourceDataLineage(cert)])


def test_lineage_now_and_at_a_snapshot(ws: MemoryWorkspace, write_code: Write) -> None:
    read_source(ws)
    snapshot_command(ws, "ONE")
    hashval = ws.get_snapshot_versions(ws.get_snapshot_by_tag("ONE").hashval)["code"].compare_hash
    write_code("2")
    read_source(ws)
    (now,), (then,) = lineage_report(ws).rows, lineage_report(ws, "ONE").rows
    assert (now.ref, now.lineage_type, now.details, now.inputs) == ("code", "Source Data", "Version:1", None)
    assert then.details == f"Hash:{str(hashval)[:8]}"


def test_lineage_of_a_snapshot_has_resources_that_are_gone(ws: MemoryWorkspace) -> None:
    cert = ResourceCert(ResourceRef("code"), HashCertificate("abc", ""))
    ws.get_lineage_store().update("code", lambda _old: [SourceDataLineage(cert)])
    snapshot_command(ws, "ONE")
    del ws.store.resources["code"]
    assert [row.ref for row in lineage_report(ws, "ONE").rows] == ["code"]
    assert lineage_report(ws).rows == ()


# -- JSON -----------------------------------------------------------------------------------------------------------


def test_reports_are_json(ws: MemoryWorkspace, write_results: Write) -> None:
    write_results({"accuracy": 0.9, "report": {"recall": 0.5}})
    read_source(ws)
    snapshot_command(ws, "ONE", "first")
    results = results_report(ws)
    assert results is not None
    documents = [report.to_json() for report in (status_report(ws), history_report(ws), lineage_report(ws), results)]
    status, history, lineage, found = json.loads(json.dumps(documents))
    assert status["resources"][0]["state"] == "unchanged"
    assert status["last_snapshot"]["tags"] == ["ONE"]
    assert (history["total"], history["snapshots"][0]["message"]) == (1, "first")
    assert lineage["lineage"][0]["resource"] == "code"
    assert found["metrics"] == {"accuracy": 0.9, "report": {"recall": 0.5}}


def test_a_deleted_snapshot_is_in_no_report(ws: MemoryWorkspace, write_results: Write) -> None:
    write_results()
    snapshot_command(ws, "ONE")
    delete_snapshot_command(ws, "ONE")
    assert history_report(ws).total == 0
    assert results_report(ws) is None
