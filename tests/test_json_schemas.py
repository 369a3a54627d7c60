"""What commands print and what lies in workspaces, of this release and of 1.6, is as the schemas that ship say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from endtoend import FIXTURES, User, write_files
from forked import Forked
from json_schemas import faults, shape_of

from dataworkspaces.backends.git.pack_writer import write_packs
from dataworkspaces.backends.git.paths import WorkspacePaths

TRAIN = """\
import sys
from pathlib import Path
from dataworkspaces.lineage import LineageBuilder
builder = LineageBuilder().as_script_step().with_input_path("data").with_parameters({"C": 1, "rate": float("nan")})
with builder.as_results_step("results").eval() as lineage:
    Path("results/model.bin").write_text("model")
    lineage.add_param("late", [1, 2])
    lineage.end_epoch({"loss": 0.5})
    if len(sys.argv) > 1:
        raise ValueError("diverged")
    lineage.write_results({"accuracy": 0.5, "classes": {"a": {"recall": 1.0}}})
"""


def faults_of_files(root: Path, *, strict: bool) -> tuple[list[str], set[str]]:
    """Of a workspace; and which shapes it has files of."""
    metadata = ".dataworkspace"
    found: list[str] = []
    shapes = set()
    for shape, pattern in (
        ("workspace-config", f"{metadata}/config.json"),
        ("resource", f"{metadata}/resources/*.json"),
        ("resources", f"{metadata}/resources.json"),
        ("local-params", f"{metadata}/local_params.json"),
        ("resource-local-params", f"{metadata}/resource_local_params.json"),
        ("snapshot-manifest", f"{metadata}/snapshots/*.json"),
        ("snapshot-metadata", f"{metadata}/snapshot_metadata/*.json"),
        ("resource-lineage", f"{metadata}/snapshot_lineage/*/*.json"),
        ("resource-lineage", f"{metadata}/current_lineage/*.json"),
        ("lineage", "results/**/lineage.json"),
        ("results", "results/**/results.json"),
        ("run-log", "results/**/run.jsonl"),
    ):
        for path in root.glob(pattern):
            shapes.add(shape)
            text = path.read_text(encoding="utf-8")
            for document in map(json.loads, text.splitlines() if shape == "run-log" else [text]):
                found += [f"{path}: {fault}" for fault in faults(shape, document, strict=strict)]
    return found, shapes


SETTINGS = {"workspace-config", "resource", "local-params", "resource-local-params"}
OF_1_6 = {"snapshot-manifest", "snapshot-metadata", "resource-lineage", "lineage", "results"}


@pytest.mark.parametrize("name", ["digits", "local-files", "rclone", "s3"])
def test_files_of_release_1_6(user: User, name: str) -> None:
    user.git("clone", "--quiet", FIXTURES / f"release-1.6-{name}.bundle", "ws")
    found, shapes = faults_of_files(user.cwd / "ws", strict=True)
    assert found == []
    assert {"snapshot-manifest", "snapshot-metadata"} <= shapes
    assert name != "digits" or shapes == {*OF_1_6, "workspace-config", "resources"}


@pytest.fixture
def here(workspace: User) -> Forked:
    here = Forked(workspace.cwd, workspace.env)
    write_files(here.cwd, {"data/a": "1", "mid/.keep": "", "code/train.py": TRAIN})
    here.batch("add", "local-files", "--role", "source-data", "--name", "raw", "data")
    here.batch("add", "local-files", "--role", "intermediate-data", "--name", "mid", "mid")
    return here


@pytest.mark.slow
def test_runs_steps_and_files_of_this_release(here: Forked) -> None:
    def says(*arguments: str) -> Any:
        document = here.json(*arguments)
        shape = shape_of(arguments)
        assert shape is not None
        assert faults(shape, document, strict=True) == []
        return document

    def check_files() -> set[str]:
        found, shapes = faults_of_files(here.cwd, strict=True)
        assert found == []
        return shapes

    here.dws("run", "--name", "prepare", "--input", "data", "--output", "mid/x", "--", "cp", "data/a", "mid/x")
    here.dws("run", "--name", "bad", "--input", "mid/x", "--output", "mid/y", "--", "false", check=False)
    here.python("code/train.py")
    assert check_files() >= {"resource-lineage", "results", "run-log"} | SETTINGS
    assert [step["step"] for step in says("steps")] == ["prepare", "bad", "train"]
    assert len(says("report", "runs")["runs"][0]["files"]) == 1
    assert says("report", "results")["metrics_history"] == {"loss": [0.5]}
    assert [run["step"] for run in says("runs")["runs"]] == ["train", "bad", "prepare"]
    says("steps", "forget", "bad")
    here.python("code/train.py")
    assert says("report", "runs")["earlier"]
    says("snapshot", "-m", "first", "ONE")
    assert check_files() == {*OF_1_6, *SETTINGS, "run-log"}

    here.python("code/train.py", "diverge", check=False)
    assert says("report", "results")["properties"]["status"] == "failed"
    write_files(here.cwd, {"data/a": "2"})
    assert {row["state"] for row in says("report", "lineage")["lineage"]} >= {"out of date", "unknown"}
    assert says("rerun", "--dry-run")["steps"][0]["runs"]
    says("snapshot", "TWO")
    assert check_files() == {*OF_1_6, *SETTINGS, "run-log"}
    assert says("history")["snapshots"][0]["runs"] == {"results": "failed"}
    assert says("show", "ONE")["steps"]
    assert says("diff", "ONE", "TWO")["resources"]
    assert says("diff", "ONE", "TWO", "ONE")["snapshots"]

    says("restore", "ONE")
    for arguments in (["--list"], []):
        says("undo-restore", *arguments)
    says("delete-snapshot", "ONE")
    for arguments in (["--list"], ["ONE"]):
        says("undo-delete", *arguments)
    says("remove", "mid")
    for command in (["remove", "--list"], ["tag"], ["label"], ["config"]):
        says(*command)


@pytest.mark.slow
def test_packs_of_snapshots(here: Forked) -> None:
    """As the schema says, and so is what is taken out of one."""
    for tag in ("ONE", "TWO"):
        here.python("code/train.py")
        here.batch("snapshot", tag)
    hashes = [each["hash"] for each in here.json("history")["snapshots"]]
    (pack,) = write_packs(WorkspacePaths.of(here.cwd), hashes) and here.cwd.glob(".dataworkspace/snapshot_packs/*")
    lines = pack.read_bytes().splitlines(keepends=True)
    header, *documents = map(json.loads, lines)
    assert [fault for each in (header, *documents) for fault in faults("snapshot-pack", each, strict=True)] == []

    body = b"".join(lines[1:])
    line_at = lambda place: json.loads(body[place[0] : sum(place)])  # noqa: E731
    assert header["snapshots"].keys() == set(hashes)
    for snapshot in map(line_at, header["snapshots"].values()):
        assert faults("snapshot-manifest", json.loads(snapshot["manifest"]), strict=True) == []
        assert snapshot["lineage"]
        for document in snapshot["lineage"].values():
            whole = {**document, "lineages": list(map(line_at, document["lineages"]))}
            assert faults("resource-lineage", whole, strict=True) == []


def test_errors(user: User) -> None:
    here = Forked(user.cwd, user.env)
    for arguments in (["status"], ["cp"]):
        said = here.dws(*arguments, "--json", check=False)
        assert said.stdout == ""
        assert faults("error", json.loads(said.stderr), strict=True) == []


def test_another_document_is_told() -> None:
    assert faults("version", {}) == ["version: $: 'version' is a required property"]
    assert faults("version", {"version": "2.0", "new": 1}) == []
    assert faults("version", {"version": "2.0", "new": 1}, strict=True) != []
