"""PROV-JSON: valid by the schema of the W3C submission, and read back as it was written."""

from __future__ import annotations

import json
import warnings
from datetime import datetime, timezone
from typing import Any

import pytest
from export_graphs import fixture, graphs
from hypothesis import given, settings
from jsonschema import Draft4Validator
from prov.model import ProvDocument

from dataworkspaces.exports import LineageView, formats
from dataworkspaces.exports.prov import to_document
from dataworkspaces.lineage.graph import LineageGraph

pytestmark = pytest.mark.slow

SCHEMA = Draft4Validator(fixture("prov-json.schema.json"))


def check(graph: LineageGraph) -> dict[str, Any]:
    """The export, having been validated and read back."""
    text = formats.PROV.text(graph)
    data: dict[str, Any] = json.loads(text, parse_constant=pytest.fail)
    SCHEMA.validate(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of names that the next release of the library refuses
        back = ProvDocument.deserialize(content=text, format="json")
        assert back == to_document(LineageView(graph))
        assert ProvDocument.deserialize(content=back.get_provn(), format="provn") == back
    return data


@pytest.fixture
def data(graph: LineageGraph) -> dict[str, Any]:
    return check(graph)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_any_names_are_valid(graph: LineageGraph) -> None:
    data = check(graph)
    assert len(data.get("activity", {})) == len(graph.steps)


def test_two_exports_are_the_same(graph: LineageGraph) -> None:
    assert formats.PROV.text(graph) == formats.PROV.text(graph)


def labels(data: dict[str, Any]) -> dict[str, str]:
    kinds = (data["entity"], data["activity"], data["agent"])
    return {name: attributes["prov:label"] for kind in kinds for name, attributes in kind.items()}


def relations(data: dict[str, Any], kind: str, source: str, target: str) -> set[tuple[str, str]]:
    known = labels(data)
    return {(known[r[f"prov:{source}"]], known[r[f"prov:{target}"]]) for r in data[kind].values()}


def test_what_was_used_and_made(data: dict[str, Any]) -> None:
    assert relations(data, "wasGeneratedBy", "entity", "activity") == {
        ("shared 5a", "collect"),
        ("middle/x/train set.csv 3b", "prepare"),
        ("results unsnapshotted-3", "train"),
    }
    assert relations(data, "used", "activity", "entity") == {
        ("collect", "raw/data.csv 7a"),
        ("prepare", "shared 5a"),
        ("train", "middle/x/train set.csv 3b"),
        ("train", "code c0de"),
        ("report", "results unsnapshotted-3"),
        ("report", "code c0de"),
    }
    assert ("results unsnapshotted-3", "middle/x/train set.csv 3b") in relations(
        data, "wasDerivedFrom", "generatedEntity", "usedEntity"
    )


def test_who_is_responsible(data: dict[str, Any]) -> None:
    environment = "Python 3.11.7 on Linux-6.1-x86_64"
    assert relations(data, "wasAssociatedWith", "activity", "agent") == {
        ("train", "ada"),
        ("train", environment),
        ("report", "ada"),
    }
    assert relations(data, "wasAssociatedWith", "activity", "plan") == {("train", "code c0de"), ("report", "code c0de")}
    assert relations(data, "wasAttributedTo", "entity", "agent") == {("results unsnapshotted-3", "ada")}
    assert relations(data, "actedOnBehalfOf", "delegate", "responsible") == {(environment, "ada")}


def step(data: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [attributes for attributes in data["activity"].values() if attributes["prov:label"] == name]
    return dict(found)


def test_attributes_of_a_step(data: dict[str, Any]) -> None:
    found = step(data, "train")
    assert found["dws:parameter/C"] == {"$": "1.5", "type": "xsd:double"}
    assert found["dws:parameter/warm"] is True
    assert found["dws:parameter/grid"] == {"$": '{"a": [1, null]}', "type": "dws:json"}
    assert found["dws:metric/loss"] == "NaN"
    assert found["dws:randomSeed/numpy.random"] == {"$": "17", "type": "xsd:int"}
    assert found["dws:commandLine"] == "python train.py --name 'two words'"
    assert found["dws:codeTree/code"] == "7ee"
    assert (found["dws:state"], found["dws:reason"]) == ("out of date", "middle has changed")
    assert step(data, "collect")["dws:imported"] is True
    assert step(data, "prepare")["dws:imported"] is False


def test_times_have_an_offset(data: dict[str, Any]) -> None:
    start = datetime.fromisoformat(step(data, "prepare")["prov:startTime"])
    assert start == datetime(2026, 1, 1, 10, 0, 0, 250000).astimezone(timezone.utc)
    assert "prov:endTime" not in step(data, "report")


def test_versions_of_a_place_belong_together(data: dict[str, Any]) -> None:
    places = {r["prov:specificEntity"]: r["prov:generalEntity"] for r in data["specializationOf"].values()}
    assert places["ws:resource/middle/x/train%20set.csv@3b"] == "ws:resource/middle/x/train%20set.csv"
    assert places["ws:imported/raw/data.csv@7a"] == "ws:imported/raw/data.csv"


def test_names_are_in_a_namespace_of_the_workspace(data: dict[str, Any]) -> None:
    assert data["prefix"]["ws"] == "arcp://name,my%20ws/"
    assert "ws:resource/results@~3" in data["entity"]
