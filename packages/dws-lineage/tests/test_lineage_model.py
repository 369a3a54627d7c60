"""The model of lineage, and its JSON."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataworkspaces.errors import MetadataError
from dataworkspaces.lineage.from_json import MAX_DEPTH, entries_from_json, entry_from_json
from dataworkspaces.lineage.model import (
    CodeLineage,
    HashCertificate,
    ImportedLineage,
    LineageEntry,
    PlaceholderCertificate,
    ResourceCert,
    SourceDataLineage,
    StepLineage,
)
from dataworkspaces.workspace import ResourceRef

WORDS = st.text("abcXYZ-_ .é\n'\"", min_size=1, max_size=12)
SUBPATHS = st.one_of(st.none(), st.lists(st.text("abé '\n", min_size=1, max_size=5), min_size=1).map("/".join))
REFS = st.builds(ResourceRef, st.text("abc-_", min_size=1, max_size=8), SUBPATHS)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)
CERTIFICATES = st.one_of(
    st.builds(HashCertificate, st.text("0123456789abcdef", min_size=1, max_size=40), WORDS),
    st.builds(PlaceholderCertificate, st.integers(0, 1000), WORDS, st.booleans()),
)
CERTS = st.builds(ResourceCert, REFS, CERTIFICATES)
CERT_LISTS = st.lists(CERTS, max_size=3).map(tuple)
STEPS = st.builds(
    lambda **fields: StepLineage(
        **fields
    ),  # of a named tuple itself, hypothesis would make up the other fields as well
    step_name=WORDS,
    start_time=st.datetimes(),
    execution_time_seconds=st.one_of(st.none(), st.floats(0, 1e6)),
    parameters=st.dictionaries(WORDS, JSON, max_size=3),
    inputs=CERT_LISTS,
    code=CERT_LISTS,
    outputs=CERT_LISTS,
    command_line=st.one_of(st.none(), st.lists(WORDS, max_size=3).map(tuple)),
    run_from_directory=st.one_of(st.none(), REFS),
    other=st.dictionaries(st.text("klm", min_size=1, max_size=4), JSON, max_size=2),
)
SIMPLE = st.one_of(STEPS, st.builds(SourceDataLineage, CERTS), st.builds(CodeLineage, CERTS))
ENTRIES = st.one_of(SIMPLE, st.builds(ImportedLineage, st.text("abc", min_size=1), st.lists(SIMPLE).map(tuple)))


def a_step() -> dict[str, Any]:
    cert = {
        "resource_name": "data",
        "subpath": None,
        "certificate": {"cert_type": "hash", "hashval": "abc", "comment": ""},
    }
    return {
        "type": "step",
        "step_name": "prepare",
        "start_time": "2026-01-31T12:00:00",
        "execution_time_seconds": 0.5,
        "parameters": {},
        "input_resources": [cert],
        "code_resources": [],
        "output_resources": [],
        "command_line": None,
        "run_from_directory": None,
    }


@pytest.mark.slow
@given(ENTRIES)
def test_what_is_written_is_read_back(entry: LineageEntry) -> None:
    assert entry_from_json(json.loads(json.dumps(entry.to_json())), "a file") == entry


@pytest.mark.parametrize("directory", ["digits", "placeholders", "imported"])
def test_files_of_release_1_6_are_written_as_they_were(release_1_6: Path, directory: str) -> None:
    for path in (release_1_6 / directory).iterdir():
        data = json.loads(path.read_text())
        assert [entry.to_json() for entry in entries_from_json(data, str(path))] == data["lineages"]


def test_keys_have_the_order_of_release_1_6(release_1_6: Path) -> None:
    (written,) = json.loads((release_1_6 / "digits" / "results.json").read_text())["lineages"]
    assert list(entry_from_json(written, "a file").to_json()) == list(written)


def test_placeholder_is_written_as_release_1_6_spells_it() -> None:
    assert PlaceholderCertificate(2, "by hand", True).to_json() == {
        "cert_type": "placeholder", "version": 2, "comment": "by hand", "is_ouput": True,
    }  # fmt: skip


def test_right_spelling_of_is_output_is_read_too() -> None:
    data = {
        "type": "code",
        "resource_name": "code",
        "subpath": None,
        "certificate": {"cert_type": "placeholder", "version": 1, "comment": "", "is_output": True},
    }
    entry = entry_from_json(data, "a file")
    assert isinstance(entry, CodeLineage)
    assert entry.cert.certificate == PlaceholderCertificate(1, "", True)


def test_unknown_keys_of_a_step_are_kept() -> None:
    data = {**a_step(), "user": "ada", "exit_status": 0}
    assert entry_from_json(data, "a file").to_json() == data


def test_step_is_described_by_name_and_time() -> None:
    step = StepLineage("digits-svc", datetime(2020, 1, 14, 12, 54, 0, 473892))
    assert step.describe() == "digits-svc at 2020-01-14 12:54:00.473892"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("type", "pipeline"),
        ("type", None),
        ("type", []),
        ("step_name", 7),
        ("start_time", "yesterday"),
        ("start_time", None),
        ("execution_time_seconds", "long"),
        ("parameters", [1]),
        ("input_resources", None),
        ("input_resources", {}),
        ("input_resources", ["data"]),
        ("input_resources", [{}]),
        ("input_resources", [{"resource_name": "data", "subpath": 3, "certificate": {}}]),
        ("input_resources", [{"resource_name": "data", "subpath": None, "certificate": None}]),
        ("input_resources", [{"resource_name": "data", "subpath": None, "certificate": {"cert_type": "seal"}}]),
        ("input_resources", [{"resource_name": "data", "subpath": None, "certificate": {"cert_type": "hash"}}]),
        ("input_resources", [{"resource_name": "d", "certificate": {"cert_type": "placeholder", "version": "1"}}]),
        ("command_line", "rm -rf /"),
        ("command_line", [1]),
        ("run_from_directory", "code"),
        ("run_from_directory", ["code"]),
        ("run_from_directory", [None, None]),
    ],
)
def test_malformed_step_is_an_error_that_names_the_file(key: str, value: Any) -> None:
    with pytest.raises(MetadataError, match=r"^here\.json: "):
        entry_from_json({**a_step(), key: value}, "here.json")


@pytest.mark.parametrize("key", ["type", "step_name", "start_time", "input_resources", "output_resources"])
def test_missing_key_is_an_error(key: str) -> None:
    data = a_step()
    del data[key]
    with pytest.raises(MetadataError):
        entry_from_json(data, "here.json")


@pytest.mark.parametrize("data", [None, [], "step", 3, {"lineages": None}, {"lineages": {}}, {"lineages": [1]}, {}])
def test_what_is_no_lineage_file_is_an_error(data: Any) -> None:
    with pytest.raises(MetadataError):
        entries_from_json(data, "here.json")


@pytest.mark.slow
@given(JSON)
def test_any_json_is_lineage_or_a_metadata_error(data: Any) -> None:
    with pytest.raises(MetadataError):
        entry_from_json(data, "here.json")


def test_imports_nested_too_deeply_are_refused() -> None:
    data: dict[str, Any] = {"type": "imported", "resource_name": "data", "nested_lineage": []}
    for _ in range(MAX_DEPTH + 1):
        data = {"type": "imported", "resource_name": "data", "nested_lineage": [data]}
    with pytest.raises(MetadataError, match="nested"):
        entry_from_json(data, "here.json")


def test_imported_lineage_gets_no_hash_of_this_workspace() -> None:
    inner = SourceDataLineage(ResourceCert(ResourceRef("code"), PlaceholderCertificate(1)))
    imported = ImportedLineage("shared", (inner,))
    assert imported.resolved({"code": "abc", "shared": "def"}) == imported
