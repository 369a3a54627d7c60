"""What commands read of a workspace they read once, and alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from dataworkspaces.commands.experiments import ExperimentReader
from dataworkspaces.commands.history import history_report
from dataworkspaces.commands.present import present_state
from dataworkspaces.commands.report import status_report
from dataworkspaces.commands.results import directories_of_results, find_results_files
from dataworkspaces.commands.show import show_command
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.commands.tags import tag_command
from dataworkspaces.errors import ConfigurationError, LineageError, UnavailableError
from dataworkspaces.lineage.file_store import FileLineageStore
from dataworkspaces.operations.present_snapshot import note_present_snapshot
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import FileResourceMixin, ResourceChange
from dataworkspaces.workspace.results import results_exclude

Write = Callable[..., None]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Counter[object]]:
    """``calls(type, "method")`` counts its calls by their arguments."""

    def count(owner: type, name: str) -> Counter[object]:
        counted: Counter[object] = Counter()
        original = getattr(owner, name)

        def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
            counted[args] += 1
            return original(self, *args, **kwargs)

        monkeypatch.setattr(owner, name, counting)
        return counted

    return count


def test_show_reads_the_lineage_of_each_resource_once(
    ws: MemoryWorkspace, write_results: Write, calls: Callable[..., Counter[object]]
) -> None:
    write_results({"accuracy": 1.0})
    hashval = snapshot_command(ws, "A").metadata.hashval
    read = calls(FileLineageStore, "entries")
    show_command(ws, "A")
    assert read == {("code", hashval): 1, ("results", hashval): 1}


def test_show_tells_lineage_that_cannot_be_read(
    ws: MemoryWorkspace, answer: Callable[..., Any], write_results: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_results({"accuracy": 1.0})
    snapshot_command(ws, "A")
    said = answer()

    def fail(*_: object) -> None:
        raise LineageError("it is torn")

    monkeypatch.setattr(FileLineageStore, "entries", fail)
    found = show_command(ws, "A")
    assert (found.steps, found.metrics) == ((), {"accuracy": 1.0})
    assert said.warnings == [
        "The steps of the snapshot cannot be read: The lineage of 'code' cannot be read: it is torn"
    ]


def test_status_asks_for_the_newest_snapshot_once(
    ws: MemoryWorkspace, write_code: Write, calls: Callable[..., Counter[object]]
) -> None:
    first = snapshot_command(ws, "A").metadata.hashval
    write_code("2")
    newest = snapshot_command(ws, "B").metadata.hashval
    write_code("1")
    note_present_snapshot(ws, first)
    asked = calls(MemoryWorkspace, "get_most_recent_snapshot")
    report = status_report(ws)
    assert asked.total() == 1
    assert report.snapshot is not None
    assert report.last_snapshot is not None
    assert (report.snapshot.hashval, report.last_snapshot.hashval, report.is_snapshot) == (first, newest, True)


@pytest.mark.parametrize(
    ("metrics", "parameters", "rows"), [({}, {}, 0), ({}, {"C": 1}, 0), ({"a": 1}, {}, 1), ({"a": 1}, {"C": 1}, 1)]
)
def test_history_reads_the_present_once_before_the_first_snapshot(
    ws: MemoryWorkspace,
    write_results: Write,
    calls: Callable[..., Counter[object]],
    metrics: Any,
    parameters: Any,
    rows: int,
) -> None:
    write_results(metrics, parameters)
    read = calls(ExperimentReader, "read")
    assert len(history_report(ws).table.rows) == rows
    assert read == {(None,): 1}


def test_tag_and_status_agree_on_which_snapshot_the_present_state_is(ws: MemoryWorkspace, write_code: Write) -> None:
    first = snapshot_command(ws, "A").metadata.hashval
    write_code("2")
    newest = snapshot_command(ws, "B").metadata.hashval
    note_present_snapshot(ws, first)  # as after a pull, which brought the files of the newest
    assert present_state(ws).newest == present_state(ws).snapshot
    assert tag_command(ws, "best").snapshot == newest
    write_code("3")
    with pytest.raises(ConfigurationError, match=rf"not a snapshot: since {first[:7]}, code changed"):
        tag_command(ws, "other")


def test_a_tag_is_given_to_what_is_the_present_state_for_sure(
    ws: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot_command(ws, "A")
    monkeypatch.setattr(MemoryWorkspace, "changes_since", lambda *_: {"code": ResourceChange("unknown")})
    assert present_state(ws).is_snapshot
    with pytest.raises(ConfigurationError, match="code changed"):
        tag_command(ws, "best")


def test_a_note_that_cannot_be_followed_now_is_not_taken_for_none(
    ws: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot_command(ws, "A")

    def fail(*_: object) -> None:
        raise UnavailableError("The server does not answer")

    monkeypatch.setattr(MemoryWorkspace, "get_snapshot_metadata", fail)
    with pytest.raises(UnavailableError):
        present_state(ws)


def test_results_are_walked_in_one_way(ws: MemoryWorkspace, write_results: Write) -> None:
    for place in ("", "svc", "svc/deep", ".copies", "snapshots/x"):
        (ws.directory / "results" / place).mkdir(parents=True, exist_ok=True)
        write_results({"a": 1}, directory=f"results/{place}")
    resource = ws.get_resource("results")
    assert isinstance(resource, FileResourceMixin)
    assert find_results_files(resource, None) == ["results.json", "svc/results.json", "svc/deep/results.json"]
    walked = [path for files in directories_of_results(resource, None) for path in files]
    assert sorted(walked) == [
        ".copies/results.json", "results.json", "svc/deep/results.json", "svc/results.json"
    ]  # fmt: skip
    assert walked[0] == "results.json"


def test_what_no_snapshot_takes_of_results(ws: MemoryWorkspace) -> None:
    assert results_exclude(ws) == {"README.txt", "README.rst", "README.md", "lineage.json"}
