"""RO-Crates: valid by the validator of the standard's community, and read back by rocrate."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from export_graphs import example_graph, fixture, graphs
from hypothesis import given, settings
from rocrate.rocrate import ROCrate
from rocrate_validator import models, services
from rocrate_validator.utils.http import HttpRequester

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.exports import LineageView, formats
from dataworkspaces.exports.ro_crate import METADATA, to_crate
from dataworkspaces.lineage.attestations import Attestation
from dataworkspaces.lineage.graph import DataNode, LineageGraph
from dataworkspaces.lineage.model import PlaceholderCertificate, ResourceCert
from dataworkspaces.workspace import ResourceRef

pytestmark = pytest.mark.slow

CONTEXT = fixture("ro-crate-1.1-context.jsonld")
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
URI_RE = re.compile(r"([a-z][a-z0-9+.-]*:|#|\./)([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-F]{2})*")


class ContextFromFixture:
    """What the address of the context answers."""

    status_code, headers, content = 200, {"Content-Type": "application/ld+json"}, json.dumps(CONTEXT).encode()
    text = content.decode()

    def json(self) -> Any:
        return CONTEXT


@pytest.fixture
def problems(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is wrong with a crate, as a function of its path; the network is not used."""

    def get(_self: Any, url: str, *_args: Any, **_options: Any) -> ContextFromFixture:
        assert url == CONTEXT["@id"]
        return ContextFromFixture()

    monkeypatch.setattr(HttpRequester, "get", get, raising=False)  # else it asks the session that it holds

    cache = tmp_path_factory.mktemp("validator") / "cache"

    def validate(crate: Path) -> list[str]:
        chosen = models.ValidationSettings(
            rocrate_uri=str(crate), profile_identifier="process-run-crate", offline=True, cache_path=cache
        )
        return [f"{issue.violatingEntity}: {issue.message}" for issue in services.validate(chosen).get_issues()]

    return validate


def read(path: Path) -> dict[str, dict[str, Any]]:
    """The entities by identifier, read by rocrate too."""
    entities = {e["@id"]: e for e in json.loads((path / METADATA).read_text(), parse_constant=pytest.fail)["@graph"]}
    assert {e.id for e in ROCrate(path).get_entities()} == set(entities)
    return entities


@pytest.fixture
def entities(graph: LineageGraph, tmp_path: Path) -> dict[str, dict[str, Any]]:
    formats.RO_CRATE.write(graph, tmp_path / "crate")
    return read(tmp_path / "crate")


def named(entities: dict[str, dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = [e for e in entities.values() if e["@type"] == kind and e.get("name") == name]
    return found


# -- validity --------------------------------------------------------------------------------------------------------


def test_crate_is_a_process_run_crate(graph: LineageGraph, tmp_path: Path, problems: Any) -> None:
    formats.RO_CRATE.write(graph, tmp_path / "crate")
    assert problems(tmp_path / "crate") == []


def test_crate_with_attestations_is_one_too(graph: LineageGraph, tmp_path: Path, problems: Any) -> None:
    verdict = {
        "outputs": [{"verdict": "identical"}],
        "user": "ada",
        "hostname": "lab",
        "finished": "2026-11-29T10:00:00Z",
    }
    good = Attestation("reproduction.5a.json", b'{"a": 1}', verdict, ("-----BEGIN SSH SIGNATURE-----",))
    hostile = Attestation("reproduction.5b.json", b"{}", {"user": "\udcff\x1b<a b>", "finished": "\n"})
    bad = Attestation("reproduction.5c.json", b"\xff", {}, problem="about something else")
    formats.RO_CRATE.write(graph._replace(attestations=(good, hostile, bad)), tmp_path / "crate")
    assert problems(tmp_path / "crate") == []
    entities = read(tmp_path / "crate")
    first, second = (entities[f"#attestation/{each.name}"] for each in (good, hostile))
    assert (first["name"], first["text"]) == ("Reproduction: identical", '{"a": 1}')
    assert entities[first["author"]["@id"]]["name"] == "ada@lab"
    assert second["name"] == "Reproduction: nothing compared"
    assert f"#attestation/{bad.name}" not in entities
    assert {each["@id"] for each in entities["./"]["subjectOf"]} == {first["@id"], second["@id"]}


def test_validator_finds_what_is_wrong(graph: LineageGraph, tmp_path: Path, problems: Any) -> None:
    formats.RO_CRATE.write(graph, tmp_path / "crate")
    file = tmp_path / "crate" / METADATA
    file.write_text(file.read_text().replace('"instrument"', '"tool"'))
    assert any("MUST have an instrument" in problem for problem in problems(tmp_path / "crate"))


def test_names_that_want_out_stay_in(tmp_path: Path, problems: Any) -> None:
    out = tmp_path / "inner" / "crate"
    names = ["../../x", "/etc/passwd", "a b\n\"c'", "..", "%2e%2e/x", "données", "file:///x", "\udcff"]
    data = [
        DataNode(f"d{n}", ResourceCert(ResourceRef(name, name), PlaceholderCertificate(1)), None)
        for n, name in enumerate(names)
    ]
    formats.RO_CRATE.write(LineageGraph("../x", None, None, data=tuple(data)), out)
    assert problems(out) == []
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [METADATA]
    assert len([e for e in read(out).values() if e["@id"].startswith("arcp://name,..%2Fx/resource/")]) == len(names)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_any_names_make_a_crate_that_is_read_back(graph: LineageGraph) -> None:
    metadata = to_crate(LineageView(graph)).metadata
    text = b"".join(chunk for _, chunk in metadata.stream()).decode("utf-8")
    document = json.loads(text, parse_constant=pytest.fail)
    entities = {entity["@id"]: entity for entity in document["@graph"]}
    assert len(entities) == len(document["@graph"])
    assert {e.id for e in ROCrate(json.loads(text)).get_entities()} == set(entities)
    check_identifiers(entities)
    check_profile(entities)
    assert len([e for e in entities.values() if e["@type"] == "CreateAction"]) == len(graph.steps)


def check_identifiers(entities: dict[str, dict[str, Any]]) -> None:
    for identifier in entities.keys() - {METADATA}:
        assert URI_RE.fullmatch(identifier)
        assert ".." not in urlsplit(identifier).path.split("/")
    for entity in entities.values():
        for value in entity.values():
            for item in value if isinstance(value, list) else [value]:
                assert (
                    not isinstance(item, dict) or item["@id"] in entities or item["@id"].startswith("https://w3id.org")
                )


def check_profile(entities: dict[str, dict[str, Any]]) -> None:
    """What RO-Crate 1.1 and Process Run Crate 0.5 say that a crate MUST have."""
    root = entities["./"]
    assert all(root[key] for key in ("name", "description", "license", "datePublished"))
    assert root["conformsTo"] == {"@id": PROFILE}
    assert entities[PROFILE]["@type"] == "CreativeWork"
    parts = {part["@id"] for part in root.get("hasPart", [])}
    assert parts == {e["@id"] for e in entities.values() if e["@type"] == "Dataset" and e is not root}
    for action in entities.values():
        if action["@type"] == "CreateAction":
            assert entities[action["instrument"]["@id"]]["@type"] == "SoftwareApplication"


# -- content ---------------------------------------------------------------------------------------------------------


def refs(value: Any) -> list[str]:
    return [item["@id"] for item in (value if isinstance(value, list) else [value])]


def test_action_of_a_step(entities: dict[str, dict[str, Any]]) -> None:
    action = named(entities, "CreateAction", "train")
    assert action["description"] == "python train.py --name 'two words' (in the directory code)"
    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert entities[action["agent"]["@id"]]["name"] == "ada"
    assert (action["dwsState"], action["dwsReason"]) == ("out of date", "middle has changed")
    assert action["dwsCodeTree"] == "code: 7ee"
    tool = entities[action["instrument"]["@id"]]
    assert (tool["name"], tool["softwareVersion"]) == ("train", "c0de")
    assert [entities[ref]["@type"] for ref in refs(tool["isBasedOn"])] == ["SoftwareSourceCode"]
    assert [
        (entities[ref]["name"], entities[ref]["softwareVersion"]) for ref in refs(tool["softwareRequirements"])
    ] == [
        ("CPython", "3.11.7"),
        ("numpy", "2.1.0"),
        ("pandas", "2.2.3"),
    ]


def test_parameters_and_metrics_are_property_values(entities: dict[str, dict[str, Any]]) -> None:
    action = named(entities, "CreateAction", "train")

    def found(key: str) -> dict[str, Any]:
        items = [entities[ref] for ref in refs(action[key])]
        return {f"{e['propertyID']} {e['name']}": e["value"] for e in items if e["@type"] == "PropertyValue"}

    assert found("object") == {
        "parameter C": 1.5,
        "parameter penalty": "l2",
        "parameter grid": '{"a": [1, null]}',
        "parameter warm": True,
        "parameter none": "null",
        "seed numpy.random": 17,
    }
    assert found("result") == {"metric accuracy": 0.9, "metric loss": "NaN", "metric report": '{"f1": null}'}
    assert found("environment") == {"environment PYTHONHASHSEED": "0"}


def test_step_that_failed(entities: dict[str, dict[str, Any]]) -> None:
    action = named(entities, "CreateAction", "report")
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert action["error"] == "The command ended with exit status 3"
    assert "endTime" not in action


def test_data_refers_to_versions_of_places(entities: dict[str, dict[str, Any]]) -> None:
    data = named(entities, "Dataset", "middle/x/train set.csv")
    assert data["@id"] == "arcp://name,my%20ws/resource/middle/x/train%20set.csv@3b/"
    assert data["version"] == "3b"
    assert named(entities, "Dataset", "results")["dwsState"] == "out of date"
    foreign = named(entities, "Dataset", "raw/data.csv")
    assert foreign["@id"] == "arcp://name,my%20ws/imported/raw/data.csv@7a/"
    assert (foreign["dwsImported"], data["dwsImported"]) == (True, False)


# -- where it is written ---------------------------------------------------------------------------------------------


def test_zip_file(graph: LineageGraph, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        formats.RO_CRATE.write(graph, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == [METADATA]
    assert ROCrate(tmp_path / "a.zip").name == "Lineage of my ws"


def test_former_crate_is_replaced(graph: LineageGraph, tmp_path: Path) -> None:
    formats.RO_CRATE.write(LineageGraph("old", None, None), tmp_path)
    (tmp_path / "README").write_text("mine")
    formats.RO_CRATE.write(graph, tmp_path)
    assert ROCrate(tmp_path).name == "Lineage of my ws"
    assert (tmp_path / "README").read_text() == "mine"


def test_directory_with_other_files_is_refused(graph: LineageGraph, tmp_path: Path) -> None:
    (tmp_path / "README").write_text("mine")
    with pytest.raises(ConfigurationError, match="with other files, not an RO-Crate"):
        formats.RO_CRATE.write(graph, tmp_path)
    with pytest.raises(ConfigurationError, match="README is a file"):
        formats.RO_CRATE.write(graph, tmp_path / "README")
    assert [path.name for path in tmp_path.iterdir()] == ["README"]


def test_context_has_none_of_our_terms() -> None:
    own = to_crate(LineageView(example_graph())).metadata.extra_terms
    assert not own.keys() & CONTEXT["@context"].keys()
