"""Live records: what is read of a run while it runs, after it was killed, and of what somebody else has written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataworkspaces.lineage import live
from dataworkspaces.lineage.live import KEPT, LiveRecord, LiveRun, live_runs
from dataworkspaces.lineage.runs.log import line_of
from dataworkspaces.lineage.runs.run import ResultsRun
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import ResourceRef

START = datetime(2026, 1, 2, 3, 4, 5)
BEGIN = {
    "run_id": "r1", "session": "s", "step": "train", "name": "SVC", "start_time": START.isoformat(),
    "parameters": {"C": 1}, "host": os.uname().nodename,
}  # fmt: skip
EPOCH = line_of("epoch", {"epoch": 1, "time": START.isoformat(), "metrics": {"loss": 0.5}})
DYING = """\
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.lineage.live import LiveRecord
record = LiveRecord(MemoryWorkspace(Path(sys.argv[2])), "r1")
record.begin({"run_id": "r1", "step": "train", "start_time": "2026-01-02T03:04:05"})
for epoch in (1, 2):
    record.append("epoch", {"epoch": epoch, "time": "2026-01-02T03:04:06", "metrics": {"loss": 1 / epoch}})
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def begin(project: MemoryWorkspace) -> Callable[[], ResultsRun]:
    def begin() -> ResultsRun:
        run = ResultsRun.claim(project, ResourceRef("results"), "train", "SVC")
        run.start({"C": 1}, datetime.now(), find_files=False)
        return run

    return begin


def record(workspace: MemoryWorkspace, content: bytes, name: str = "r1") -> Path:
    """The record of a run, as somebody has written it."""
    path = workspace.get_machine_directory() / "live" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def of_process(pid: int, **more: Any) -> bytes:
    return line_of("begin", {**BEGIN, "process": pid, **more})


def test_a_run_is_seen_while_it_runs(project: MemoryWorkspace, begin: Callable[[], ResultsRun]) -> None:
    run = begin()
    (seen,) = live_runs(project)
    assert (seen.run_id, seen.step, seen.name, seen.process) == (run.run_id, "train", "SVC", os.getpid())
    assert (seen.status, seen.is_alive, seen.is_running, seen.ended, seen.epochs) == ("running", True, True, None, ())
    run.add_parameters({"rate": 0.1})
    run.end_epoch({"loss": 0.5})
    run.end_epoch({"loss": float("nan"), "acc": 0.7})
    run.note_system({"cpu_percent": 12.5})
    (seen,) = live_runs(project)
    assert seen.parameters == {"C": 1, "rate": 0.1}
    assert [epoch.number for epoch in seen.epochs] == [1, 2]
    assert seen.history() == {"loss": [0.5, "NaN"], "acc": [None, 0.7]}
    assert seen.system[0].values == {"cpu_percent": 12.5}
    run.end("completed")
    (seen,) = live_runs(project)
    assert (seen.status, seen.is_alive, seen.is_running) == ("completed", True, False)
    assert seen.ended is not None
    assert seen.to_json()["epochs"][0]["metrics"] == {"loss": 0.5}


def test_a_run_that_goes_on_after_its_end_runs(project: MemoryWorkspace, begin: Callable[[], ResultsRun]) -> None:
    run = begin()
    run.end_epoch({"loss": 1})
    run.end("failed", "ValueError")
    assert [(seen.status, seen.error) for seen in live_runs(project)] == [("failed", "ValueError")]
    run.end_epoch({"loss": 2})
    (seen,) = live_runs(project)
    assert (seen.status, seen.ended, seen.error, len(seen.epochs)) == ("running", None, None, 2)


def test_a_run_that_left_nothing_has_no_record(project: MemoryWorkspace, begin: Callable[[], ResultsRun]) -> None:
    begin().abandon()
    assert live_runs(project) == []


def test_a_run_that_nobody_ended_is_over(project: MemoryWorkspace, begin: Callable[[], ResultsRun]) -> None:
    run = begin()
    run.end_epoch({"loss": 1})
    run.abandon()
    assert [seen.status for seen in live_runs(project)] == ["failed"]


def test_a_killed_run_keeps_its_epochs(project: MemoryWorkspace, begin: Callable[[], ResultsRun]) -> None:
    command = [sys.executable, "-c", DYING, str(Path(__file__).parents[1]), str(project.directory)]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    (seen,) = live_runs(project)
    assert (seen.status, seen.is_alive, seen.ended) == ("killed", False, None)
    assert seen.history() == {"loss": [1.0, 0.5]}
    begin()  # in nobody's way
    assert [run.status for run in live_runs(project)] == ["running", "killed"]


@pytest.mark.parametrize(
    ("more", "is_alive"),
    [
        ({}, True),
        ({"process_started": "another"}, False),
        ({"boot": "another"}, False),
        ({"host": "elsewhere", "process": 2**30}, True),
        ({"namespace": "another", "process": 2**30}, True),
        ({"process": 2**30}, False),
        ({"process": "1"}, False),
        ({"process": -1}, False),
        ({"process": 10**30}, False),
        ({"process_started": 3, "boot": []}, True),
    ],
)
def test_whose_process_lives(project: MemoryWorkspace, more: dict[str, Any], is_alive: bool) -> None:
    record(project, of_process(os.getpid()) if not more else of_process(**{"pid": os.getpid(), **more}))
    if "process" in more:
        record(project, line_of("begin", {**BEGIN, **more}))
    assert [run.is_alive for run in live_runs(project)] == [is_alive]


def test_cut_short_anywhere_the_lines_before_stay(project: MemoryWorkspace) -> None:
    begin = of_process(os.getpid())
    whole = begin + EPOCH + EPOCH.replace(b"1", b"2", 1)
    for length in range(len(whole)):
        record(project, whole[:length])
        seen = live_runs(project)
        complete = whole[: length + 1].count(b"\n") if length + 1 < len(whole) else 3
        assert len(seen) == (complete > 0)
        if seen:
            assert len(seen[0].epochs) in (complete - 1, complete)


@pytest.mark.parametrize(
    "line",
    [
        b"[1]\n", b"{}\n", b"\xff\xfe\n", b"[" * 10**5 + b"\n", b'{"event": "epoch", "epoch": 1e999}\n',
        b"\0" * 99 + b"\n",
        line_of("epoch", {"epoch": True, "time": START.isoformat(), "metrics": {}}),
        line_of("epoch", {"epoch": 1, "time": "soon", "metrics": {}}), line_of("epoch", {"epoch": 1, "metrics": []}),
        line_of("epoch", {"epoch": 1, "time": "2026-01-01T00:00:00+01:00", "metrics": {}}),
        line_of("end", {"time": 3}), line_of("system", {"values": 3}), line_of("parameters", {"parameters": 3}),
        line_of("something new", {"time": START.isoformat()}),
    ],
)  # fmt: skip
def test_what_is_no_line_is_left_out(project: MemoryWorkspace, line: bytes) -> None:
    record(project, of_process(os.getpid()) + line + EPOCH)
    (seen,) = live_runs(project)
    assert ([epoch.metrics for epoch in seen.epochs], seen.status) == ([{"loss": 0.5}], "running")


@pytest.mark.parametrize(
    "change",
    [{"run_id": "other"}, {"run_id": 3}, {"step": None}, {"start_time": "soon"}, {"start_time": 3}],
)
def test_what_is_no_record_is_left_out(project: MemoryWorkspace, change: dict[str, Any]) -> None:
    record(project, line_of("begin", {**BEGIN, **change}))
    assert live_runs(project) == []


def test_what_is_no_file_is_left_out(project: MemoryWorkspace) -> None:
    path = record(project, b"")
    path.unlink()
    os.mkfifo(path)
    path.with_name("r2.jsonl").mkdir()
    path.with_name("r3.jsonl").symlink_to("/dev/zero")
    assert live_runs(project) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from([*BEGIN, "event", "process", "process_started", "boot", "epoch", "time", "metrics", "status"])
EVENTS = st.sampled_from(["begin", "epoch", "parameters", "end", "system"])


@pytest.mark.slow
@given(st.lists(st.tuples(EVENTS, st.dictionaries(KEYS, JSON, max_size=4)), max_size=5), st.binary(max_size=20))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_somebody_wrote(project: MemoryWorkspace, events: list[tuple[str, Any]], torn: bytes) -> None:
    lines = [json.dumps({**BEGIN, **values, "event": event}).encode() for event, values in events]
    record(project, b"\n".join([of_process(os.getpid()), *lines, torn]))
    for seen in live_runs(project):
        assert isinstance(seen, LiveRun)
        assert seen.status in ("running", "completed", "failed", "killed")
        json.dumps(seen.to_json())


def test_old_records_go_and_those_of_running_ones_stay(
    project: MemoryWorkspace, begin: Callable[[], ResultsRun]
) -> None:
    record(project, line_of("begin", {**BEGIN, "run_id": "0-alive", "process": os.getpid()}), "0-alive")
    for number in range(KEPT):
        name = f"1-{number:03}"
        record(project, line_of("begin", {**BEGIN, "run_id": name, "process": 2**30}), name)
    begin()
    found = {run.run_id for run in live_runs(project)}
    assert "0-alive" in found
    assert "1-000" in found
    assert len(found) == KEPT + 2
    begin()
    found = {run.run_id for run in live_runs(project)}
    assert "0-alive" in found
    assert "1-000" not in found


def test_a_record_that_cannot_be_written_costs_one_warning(
    project: MemoryWorkspace, begin: Callable[[], ResultsRun], caplog: pytest.LogCaptureFixture
) -> None:
    directory = project.get_machine_directory() / "live"
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.write_text("in the way")
    run = begin()
    run.end_epoch({"loss": 0.5})
    run.end_epoch({"loss": 0.4})
    run.end("completed")
    assert caplog.text.count("could not be written") == 1
    assert (project.directory / "results" / "run.jsonl").read_bytes().count(b'"epoch"') >= 2
    assert live_runs(project) == []


def test_a_line_after_one_that_was_cut_short_is_whole(
    project: MemoryWorkspace, begin: Callable[[], ResultsRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, write = begin(), os.write
    (live,) = (project.get_machine_directory() / "live").iterdir()

    def half(fd: int, data: bytes) -> int:
        return write(fd, data[: len(data) // 2] if os.path.samestat(os.fstat(fd), live.stat()) else data)

    with monkeypatch.context() as full:
        full.setattr(os, "write", half)
        run.end_epoch({"loss": 1})
    run.end_epoch({"loss": 2})
    assert [seen.history() for seen in live_runs(project)] == [{"loss": [2]}]


def test_what_is_no_record_is_never_removed(project: MemoryWorkspace, begin: Callable[[], ResultsRun]) -> None:
    paths = [record(project, b'{"of": "somebody"}\n', f"0-{number:03}") for number in range(KEPT + 2)]
    begin()
    assert all(path.exists() for path in paths)


def test_a_line_that_is_cut_short_costs_itself_only(project: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    write, cut = os.write, [1, 3]  # bytes that the disk has no place for: first of the line, then of the one after
    mine = LiveRecord(project, "r1")
    mine.begin(BEGIN)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda fd, data: write(fd, data[: -cut.pop(0)]))
        for _ in (1, 2):
            with pytest.raises(OSError, match="could be written"):
                mine.append("epoch", {"epoch": 1, "time": START.isoformat(), "metrics": {}})
    mine.append("epoch", {"epoch": 3, "time": START.isoformat(), "metrics": {}})
    [found] = live_runs(project)
    assert 3 in [epoch.number for epoch in found.epochs]


def test_of_a_long_record_the_beginning_and_the_end_are_read(
    project: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_MOST_BYTES", 1000)
    monkeypatch.setattr(live, "_OF_THE_BEGINNING", 500)
    epochs = (line_of("epoch", {"epoch": n, "time": START.isoformat(), "metrics": {"loss": n}}) for n in range(1, 101))
    record(project, line_of("begin", BEGIN) + b"".join(epochs))
    [found] = live_runs(project)
    assert found.epochs[-1].metrics == {"loss": 100}
    assert found.step == "train"
