"""The checks that hold for every backend, with a workspace in memory."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.operations.integrity import unique
from dataworkspaces.testing.folder import FolderResource
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.toolbox.move_files import set_aside
from dataworkspaces.workspace.journal import Journal
from dataworkspaces.workspace.problem import AREAS, Problem

Write = Callable[..., None]
Change = Callable[[MemoryWorkspace, str], Any]


@pytest.fixture
def snapshot(ws: MemoryWorkspace, write_results: Write) -> str:
    """The hash of a snapshot with results."""
    write_results({"accuracy": 0.9})
    return snapshot_command(ws, "ONE", "first").metadata.hashval


def told(ws: MemoryWorkspace) -> list[str]:
    return [f"{p.severity} {p.area} {p.where}: {p.what}" for p in ws.check_integrity()]


def test_a_healthy_workspace_has_no_problems(ws: MemoryWorkspace, snapshot: str) -> None:
    assert told(ws) == []


def test_looking_changes_nothing(ws: MemoryWorkspace, snapshot: str) -> None:
    before = (repr(ws.store), sorted(ws.directory.rglob("*")))
    told(ws)
    assert (repr(ws.store), sorted(ws.directory.rglob("*"))) == before


def metadata(**values: Any) -> Change:
    def change(ws: MemoryWorkspace, hashval: str) -> None:
        ws.store.snapshots[hashval] = json.dumps({**json.loads(ws.store.snapshots[hashval]), **values})

    return change


def manifest(content: bytes) -> Change:
    return lambda ws, hashval: ws.store.manifests.update({hashval: content})


def parameter(name: str, value: Any) -> Change:
    return lambda ws, _: ws.store.params.update({True: json.dumps({name: value})})


def resource(name: str, **values: Any) -> Change:
    params = {"resource_type": "folder", "name": name, "role": "code", **values}
    return lambda ws, _: ws.store.resources.update({name: json.dumps(params)})


def results(name: str, text: str) -> Change:
    def change(ws: MemoryWorkspace, _: str) -> None:
        path = ws.directory / "results" / "snapshots" / "here-ONE" / name
        path.chmod(0o644)
        path.write_text(text)

    return change


def lineage(ws: MemoryWorkspace, hashval: str) -> None:
    (ws.directory.parent / "snapshots" / hashval / "results.json").write_text('{"resource_name": "results"}')


PROBLEMS: dict[str, tuple[Change, str]] = {
    "parameter": (parameter("results.dir_template", "/etc"), "error metadata parameter results.dir_template"),
    "type that is not installed": (resource("odd", resource_type="x"), "error resource odd"),
    "parameters of a resource": (resource("odd"), "error local state odd"),
    "name of a resource": (resource("../up", path="/"), "error resource ../up"),
    "manifest of another": (manifest(b"[]"), "error manifest ONE"),
    "manifest is gone": (lambda ws, h: ws.store.manifests.pop(h), "error manifest ONE"),
    "time": (metadata(timestamp="noon"), "error snapshot ONE"),
    "time of another type": (metadata(timestamp=12), "error snapshot ONE"),
    "restore hashes": (metadata(restore_hashes={"code": 5, "results": None}), "'code' is 5, not a string"),
    "resource in the metadata only": (metadata(restore_hashes={"x": "y"}), "'x' is missing in its manifest"),
    "resource in the manifest only": (metadata(restore_hashes={}), "'code' is missing in its metadata"),
    "place of results": (metadata(relative_destination_path="../../up"), "error results ONE"),
    "place of results that is none": (metadata(relative_destination_path=["x"]), "error results ONE"),
    "results are gone": (
        lambda ws, _: shutil.rmtree(ws.directory / "results" / "snapshots"), "no resource holds snapshots/here-ONE"
    ),
    "results are no object": (results("results.json", "[]"), "error results results:/snapshots/here-ONE/results.json"),
    "results are nested": (results("results.json", "[" * 100_000), "error results results:/snapshots/here-ONE/results"),
    "lineage of results": (results("lineage.json", "{}"), "error results results:/snapshots/here-ONE/lineage.json"),
    "lineage": (lineage, "error lineage ONE"),
    "directory is gone": (lambda ws, _: shutil.rmtree(ws.directory / "code"), "warning resource code"),
}  # fmt: skip


@pytest.mark.parametrize("kind", PROBLEMS)
def test_problem_is_named(ws: MemoryWorkspace, snapshot: str, kind: str) -> None:
    change, text = PROBLEMS[kind]
    change(ws, snapshot)
    lines = told(ws)
    assert any(text in line for line in lines), lines
    assert all(p.remedy and "\n" not in p.what + p.remedy and p.area in AREAS for p in ws.check_integrity())


def test_one_bad_resource_spoils_only_itself(ws: MemoryWorkspace, snapshot: str) -> None:
    resource("odd", resource_type="x")(ws, snapshot)
    manifest(b"[]")(ws, snapshot)
    assert [line.split(":")[0] for line in told(ws)] == ["error resource odd", f"error manifest ONE ({snapshot[:7]})"]


def test_a_tag_in_two_snapshots_stays_with_the_newest(ws: MemoryWorkspace, snapshot: str, write_code: Write) -> None:
    write_code("2")
    newest = snapshot_command(ws, "TWO", "second").metadata.hashval
    metadata(tags=["ONE", "TWO"])(ws, newest)
    (problem,) = ws.check_integrity()
    assert problem.repair is not None
    problem.repair()
    assert told(ws) == []
    assert ws.get_snapshot_metadata(newest).tags == ["ONE", "TWO"]


def test_an_interrupted_command_is_a_warning_and_stays(ws: MemoryWorkspace, snapshot: str) -> None:
    Journal(ws.get_machine_directory(), "snapshot").record("snapshot", destination="x", moved={})
    (problem,) = ws.check_integrity()
    assert (problem.area, problem.severity) == ("interrupted", "warning")
    assert "'dws snapshot'" in problem.what
    assert Journal.pending(ws.get_machine_directory()) is not None


@pytest.mark.parametrize("content", ["[", "[]", '{"pid": "x"}', '{"data": [1]}', "[" * 100_000])
def test_a_damaged_journal_is_set_aside(ws: MemoryWorkspace, content: str) -> None:
    path = Journal.path(ws.get_machine_directory())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    (problem,) = ws.check_integrity()
    assert problem.severity == "error"
    assert problem.comes_first
    assert problem.repair is not None
    problem.repair()
    assert told(ws) == []
    assert [p.read_text() for p in (path.parent / "set-aside").iterdir()] == [content]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (f"{os.getpid()}\n{os.uname().nodename}\n", f"process {os.getpid()}"),
        (f"{2**22 + 1}\n{os.uname().nodename}\n", "is gone"),
        ("1\nanother-host\n", "on host another-host"),
        ("", "just after it had locked"),
        ("nonsense", "another process"),
        ("99999999999999999999999\nx\n", "on host x"),
    ],
    ids=["this process", "a dead process", "another host", "empty", "nonsense", "no process"],
)
def test_whose_the_lock_is(ws: MemoryWorkspace, content: str, text: str) -> None:
    path = ws.get_machine_directory() / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    (line,) = told(ws)
    assert line.startswith("warning interrupted lock")
    assert text in line


def test_resource_types_say_what_they_know(ws: MemoryWorkspace, snapshot: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(self: FolderResource, restore_hashes: Mapping[str, str]) -> Iterable[Problem]:
        if self.name == "results":
            raise KeyError("somebody else's mistake")
        return [Problem("resource", self.name, f"does not like {sorted(restore_hashes)}", "ask it")]

    monkeypatch.setattr(FolderResource, "check_integrity", check)
    lines = told(ws)
    assert lines[0] == f"error resource code: does not like ['{snapshot}']"
    assert "somebody else's mistake" in lines[1]


def test_problems_are_told_once_and_by_area() -> None:
    lineage_problem, metadata_problem = Problem("lineage", "x", "y", "z"), Problem("metadata", "x", "y", "z")
    warning = Problem("metadata", "w", "y", "z", "warning")
    found = unique([lineage_problem, warning, metadata_problem, Problem("lineage", "x", "y", "z", repair=str)])
    assert found == [metadata_problem, warning, lineage_problem]


def test_what_is_set_aside_never_replaces_what_was(tmp_path: Any) -> None:
    for text in ("one", "two"):
        path = tmp_path / "config.json"
        path.write_text(text)
        set_aside(path, tmp_path / "machine")
    assert sorted(p.read_text() for p in (tmp_path / "machine" / "set-aside").iterdir()) == ["one", "two"]
