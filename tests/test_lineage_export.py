"""`dws lineage export`: the lineage of a pipeline in the formats of standards, read by the library of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from endtoend import FAILED, HOST, User, copy_workspace, isolated_environment, read_tree, whole_state, write_files
from forked import Forked
from prov.model import ProvDocument
from rocrate.rocrate import ROCrate

STEP = """
import random, sys
from dataworkspaces.lineage import LineageBuilder

name, source, target = sys.argv[1:]
random.seed(17)
builder = LineageBuilder().with_step_name(name).with_parameters({"C": 1.5}).with_code_path("code")
builder.with_input_path(source)
if target == "results":
    builder.as_results_step(target)
with builder.eval() as lineage:
    if target == "results":
        lineage.write_results({"accuracy": 0.9})
    else:
        lineage.add_output_path(target)
        with open(f"{target}/half.csv", "w") as file:
            file.write("1")
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> User:
    """A workspace where `prepare` and `train` ran, the snapshot V1 was taken, and the source changed then."""
    directory = tmp_path_factory.mktemp("export")
    root = directory / "my ws"
    root.mkdir()
    here = Forked(root, isolated_environment(directory / "home"))
    here.batch("init", "--hostname", HOST, "--create-resources", "code,source-data,intermediate-data,results")
    write_files(root, {"code/step.py": STEP, "source-data/raw data.csv": "1\n2\n"})
    here.python("code/step.py", "prepare", "source-data/raw data.csv", "intermediate-data")
    here.python("code/step.py", "train", "intermediate-data", "results")
    here.batch("snapshot", "V1", "-m", "first")
    write_files(root, {"source-data/raw data.csv": "3\n"})
    return here


@pytest.fixture
def pipeline(made: User, tmp_path: Path) -> User:
    return made.at(copy_workspace(made.cwd, tmp_path / "my ws"))


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_openlineage(pipeline: User) -> None:
    pipeline.dws("lineage", "export", "--format", "openlineage", "../events.jsonl")
    found = events((pipeline.cwd.parent / "events.jsonl").read_text())
    assert [(event["job"]["name"], event["eventType"]) for event in found] == [
        ("prepare", "START"), ("prepare", "COMPLETE"), ("train", "START"), ("train", "COMPLETE"),
    ]  # fmt: skip
    prepare, train = found[1], found[3]
    assert (prepare["job"]["namespace"], prepare["inputs"][0]["name"]) == ("my ws", "source-data/raw data.csv")
    assert prepare["outputs"][0]["facets"] == train["inputs"][0]["facets"]
    assert prepare["outputs"][0]["facets"]["dws_version"]["state"] == "out of date"
    facets = train["run"]["facets"]
    assert facets["dws_step"]["metrics"] == [{"name": "accuracy", "value": 0.9}]
    assert facets["dws_step"]["randomSeeds"] == [{"name": "random", "value": 17}]
    assert facets["dws_step"]["user"] == "ada"
    assert facets["processing_engine"]["name"] == "CPython"


def test_prov(pipeline: User) -> None:
    said = pipeline.dws("lineage", "export", "--format", "prov", "../prov.json").stdout
    assert said == "Lineage written to ../prov.json\n"
    document = ProvDocument.deserialize(pipeline.cwd.parent / "prov.json", format="json")
    assert {str(label) for record in document.records for label in record.get_attribute("prov:label")} >= {
        "prepare", "train", "ada", "source-data/raw data.csv",
    }  # fmt: skip


def test_ro_crate(pipeline: User) -> None:
    for out in ("../crate", "../crate", "../crate.zip"):
        pipeline.dws("lineage", "export", "--format", "ro-crate", out)
        crate = ROCrate(pipeline.cwd / out)
        assert [action["name"] for action in crate.get_by_type("CreateAction")] == ["prepare", "train"]
        assert {action["agent"]["name"] for action in crate.get_by_type("CreateAction")} == {"ada"}


def test_lineage_of_a_snapshot_and_of_a_resource(pipeline: User) -> None:
    def export(*options: str) -> list[dict[str, Any]]:
        return events(pipeline.dws("lineage", "export", "--format", "openlineage", *options, "-").stdout)

    now, then, middle = export(), export("--snapshot", "V1"), export("--resource", "intermediate-data")
    assert [event["run"]["runId"] for event in then] == [event["run"]["runId"] for event in now]
    assert {event["run"]["facets"]["dws_step"]["state"] for event in then} == {"current"}
    assert {tuple(event["run"]["facets"]["dws_step"]["snapshotTags"]) for event in then} == {("V1",)}
    assert {event["job"]["name"] for event in middle} == {"prepare"}
    assert export() == now


def test_export_changes_nothing(pipeline: User) -> None:
    before = whole_state(pipeline.cwd)
    for name in ("openlineage", "prov"):
        assert pipeline.dws("lineage", "export", "--format", name, "-").stderr == ""
    assert whole_state(pipeline.cwd) == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--format", "nonsense", "out"], "There is no export format 'nonsense'"),
        (["--format", "ro-crate", "-"], "The format ro-crate is not a string"),
        (["--format", "ro-crate", "code"], "code is a directory with other files"),
        (["--format", "prov", "code"], "code is a directory"),
        (["--format", "prov", "--snapshot", "V2", "out"], "V2"),
        (["--format", "prov", "--resource", "nonsense", "out"], "no resource 'nonsense'"),
    ],
)
def test_what_cannot_be_exported(pipeline: User, arguments: list[str], reason: str) -> None:
    before = read_tree(pipeline.cwd)
    done = pipeline.dws("lineage", "export", *arguments, check=False)
    assert done.returncode in FAILED
    assert len(done.stderr.splitlines()) == 1
    assert reason in done.stderr
    assert read_tree(pipeline.cwd) == before


def test_library_that_is_not_installed(pipeline: User) -> None:
    write_files(pipeline.cwd.parent, {"hidden/prov.py": "raise ModuleNotFoundError(\"No module named 'prov'\")\n"})
    without = pipeline.at(pipeline.cwd, PYTHONPATH=str(pipeline.cwd.parent / "hidden"))
    done = without.dws("lineage", "export", "--format", "prov", "out", check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "error: The export needs the distribution prov, which is not installed (No module named 'prov'). "
        "Install it with: pip install dws-exports\n",
    )


def test_help_imports_no_library(user: User) -> None:
    check = "import sys, dataworkspaces.cli.cmd_lineage_export, dataworkspaces.exports.formats as f; "
    user.python("-c", check + "assert not {'openlineage', 'prov', 'rocrate', 'attr'} & set(sys.modules)")
