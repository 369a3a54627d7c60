"""OpenLineage events: valid by the schemas of the standard, and the same each time."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from export_graphs import FIXTURES, fixture, graphs
from hypothesis import given, settings
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from dataworkspaces.exports import formats
from dataworkspaces.lineage.graph import LineageGraph, StepNode
from dataworkspaces.lineage.model import StepLineage

pytestmark = pytest.mark.slow

SCHEMAS = [fixture(f"openlineage/{path.name}") for path in sorted((FIXTURES / "openlineage").glob("*.json"))]
OWN = json.loads((FIXTURES.parents[1] / "src/dataworkspaces/exports/facets.schema.json").read_text(encoding="utf-8"))
REGISTRY: Registry[Any] = Registry().with_resources(
    [(schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS] + [("own", Resource.from_contents(OWN))]
)
CHECKER = FormatChecker(["uuid"])


@CHECKER.checks("date-time")
def is_date_time(value: object) -> bool:
    """RFC 3339."""
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d", str(value)))


@CHECKER.checks("uri")
def is_uri(value: object) -> bool:
    """The characters of RFC 3986."""
    return bool(re.fullmatch(r"[a-z][a-z0-9+.-]*:([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-F]{2})*", str(value)))


def validator(reference: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": reference}, registry=REGISTRY, format_checker=CHECKER)


EVENT = validator("https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent")


def check(event: dict[str, Any]) -> None:
    EVENT.validate(event)
    holders = [event["run"], event["job"], *event["inputs"], *event["outputs"]]
    for name, facet in ((name, facet) for holder in holders for name, facet in holder["facets"].items()):
        definition = facet["_schemaURL"].rpartition("/")[2]
        validator(f"{schema_of(name, definition)}#/$defs/{definition}").validate(facet)


def schema_of(name: str, definition: str) -> str:
    """By the name of the facet, since the client's release decides on the version of its schema."""
    if name.startswith("dws_"):
        return "own"
    return next(schema["$id"] for schema in SCHEMAS if definition in schema["$defs"])


def export(graph: LineageGraph) -> list[dict[str, Any]]:
    return [json.loads(line, parse_constant=pytest.fail) for line in formats.OPENLINEAGE.text(graph).splitlines()]


@pytest.fixture
def events(graph: LineageGraph) -> dict[tuple[str, str], dict[str, Any]]:
    return {(event["job"]["name"], event["eventType"]): event for event in export(graph)}


def test_events_are_valid(graph: LineageGraph) -> None:
    for event in export(graph):
        check(event)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_events_with_any_names_are_valid(graph: LineageGraph) -> None:
    events = export(graph)
    for event in events:
        check(event)
    assert len(events) == 2 * len(graph.steps)
    assert len({event["run"]["runId"] for event in events}) == len(graph.steps)


def test_two_exports_are_the_same(graph: LineageGraph) -> None:
    assert formats.OPENLINEAGE.text(graph) == formats.OPENLINEAGE.text(graph)


def test_run_ids_say_which_execution_it_is() -> None:
    def run_ids(**changes: Any) -> set[str]:
        step = StepLineage(changes.get("name", "train"), datetime(2026, 1, changes.get("day", 1)), parameters={"C": 1})
        graph = LineageGraph(
            changes.get("workspace", "ws"), None, changes.get("snapshot"), steps=(StepNode("s", step),)
        )
        return {event["run"]["runId"] for event in export(graph)}

    (known,) = run_ids()
    assert UUID(known).version == 5
    assert run_ids(snapshot="9f") == {known}
    assert known not in run_ids(name="x") | run_ids(day=2) | run_ids(workspace="x")


def test_each_step_starts_and_ends(graph: LineageGraph) -> None:
    assert [(event["job"]["name"], event["eventType"]) for event in export(graph)] == [
        ("collect", "START"),
        ("collect", "COMPLETE"),
        ("prepare", "START"),
        ("prepare", "COMPLETE"),
        ("train", "START"),
        ("train", "COMPLETE"),
        ("report", "START"),
        ("report", "FAIL"),
    ]


def test_times_are_local_with_an_offset(
    graph: LineageGraph, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(time.tzset)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        times = [event["eventTime"] for event in export(graph)]
    assert times[2:4] == ["2026-01-01T10:00:00.250000+05:30", "2026-01-01T10:01:00.750000+05:30"]


def test_facets_of_a_run(events: dict[tuple[str, str], dict[str, Any]]) -> None:
    facets = events["train", "COMPLETE"]["run"]["facets"]
    assert {p["key"]: p["value"] for p in facets["executionParameters"]["parameters"]} == {
        "C": "1.5",
        "penalty": "l2",
        "grid": '{"a": [1, null]}',
        "warm": "true",
        "none": "null",
    }
    engine = facets["processing_engine"]
    assert (engine["name"], engine["version"]) == ("CPython", "3.11.7")
    step = facets["dws_step"]
    assert step["parameters"][2:] == [
        {"name": "grid", "json": '{"a": [1, null]}'},
        {"name": "warm", "value": True},
        {"name": "none", "json": "null"},
    ]
    assert step["metrics"] == [
        {"name": "accuracy", "value": 0.9},
        {"name": "loss", "value": "NaN"},
        {"name": "report", "json": '{"f1": null}'},
    ]
    assert step["commandLine"] == ["python", "train.py", "--name", "two words"]
    assert (step["user"], step["snapshot"], step["state"]) == ("ada", "9f", "out of date")
    assert step["code"] == [{"name": "code", "version": "c0de", "tree": "7ee"}]
    assert "metrics" not in events["train", "START"]["run"]["facets"]["dws_step"]


def test_steps_of_one_dws_run_have_one_parent(events: dict[tuple[str, str], dict[str, Any]]) -> None:
    parents = [events[name, "COMPLETE"]["run"]["facets"]["parent"] for name in ("prepare", "train")]
    assert parents[0] == parents[1]
    assert parents[0]["job"]["name"] == "pipeline"


def test_exit_status_that_is_no_success_is_an_error(events: dict[tuple[str, str], dict[str, Any]]) -> None:
    error = events["report", "FAIL"]["run"]["facets"]["errorMessage"]
    assert error["message"] == "The command ended with exit status 3"
    assert "errorMessage" not in events["train", "COMPLETE"]["run"]["facets"]


def test_datasets_have_versions_and_states(events: dict[tuple[str, str], dict[str, Any]]) -> None:
    train = events["train", "COMPLETE"]
    (read,), (wrote,) = train["inputs"], train["outputs"]
    assert (read["namespace"], read["name"]) == ("my ws", "middle/x/train set.csv")
    assert read["facets"]["version"]["datasetVersion"] == "3b"
    assert wrote["facets"]["version"]["datasetVersion"] == "unsnapshotted-3"
    assert wrote["facets"]["dws_version"]["state"] == "out of date"
    assert wrote["facets"]["dws_version"]["reasons"] == ["middle has changed"]


def test_what_another_workspace_made_is_told_apart(events: dict[tuple[str, str], dict[str, Any]]) -> None:
    collect = events["collect", "COMPLETE"]
    assert collect["run"]["facets"]["dws_step"]["imported"] is True
    assert [d["namespace"] for d in (*collect["inputs"], *collect["outputs"])] == ["my ws/imported", "my ws"]
    assert [d["facets"]["dws_version"]["imported"] for d in (*collect["inputs"], *collect["outputs"])] == [True, True]
