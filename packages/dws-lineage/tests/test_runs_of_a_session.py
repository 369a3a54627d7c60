"""Several runs of one script in one results directory: one that has ended may go on, wherever another one moved it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from dataworkspaces.lineage.runs.left import look_at
from dataworkspaces.lineage.runs.log import FileRecord
from dataworkspaces.lineage.runs.run import ResultsRun
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import ResourceRef

RESULTS = ResourceRef("results")


class Runs:
    def __init__(self, workspace: MemoryWorkspace) -> None:
        self.workspace = workspace

    def claim(self) -> ResultsRun:
        return ResultsRun.claim(self.workspace, RESULTS, "train", "SVC")

    def trained(self, model: str) -> ResultsRun:
        """A run that has trained and saved a model, and is not yet evaluated."""
        run = self.claim()
        self.train(run, model)
        return run

    def train(self, run: ResultsRun, model: str) -> None:
        run.start({}, datetime.now(), find_files=False)
        self.write(run, "model", model)
        run.end("completed")

    def write(self, run: ResultsRun, name: str, content: str) -> None:
        run.make_room_for(name)
        path = self.directory / (run.directory.ref.subpath or "") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        run.note_file(name, FileRecord(len(content), "ab"))

    @property
    def directory(self) -> Path:
        return self.workspace.directory / "results"

    def found(self) -> dict[str, dict[str, str]]:
        """By directory the files of a run with what they hold."""
        logs = [path.parent for path in self.directory.rglob("run.jsonl")]
        return {
            log.relative_to(self.directory).as_posix(): {
                path.name: path.read_text() for path in log.iterdir() if path.is_file() and path.name != "run.jsonl"
            }
            for log in logs
        }


@pytest.fixture
def runs(project: MemoryWorkspace) -> Runs:
    return Runs(project)


def test_a_run_goes_on_where_another_one_moved_it(runs: Runs) -> None:
    first = runs.trained("one")
    second = runs.trained("two")
    assert first.can_continue()
    runs.write(first, "score", "of one")
    runs.write(second, "score", "of two")
    assert runs.found() == {
        "runs/SVC-1": {"model": "one", "score": "of one"},
        ".": {"model": "two", "score": "of two"},
    }
    log = look_at(first.directory).log
    assert log is not None
    assert (log.run_id, sorted(log.files)) == (first.run_id, ["model", "score"])


def test_a_run_goes_on_while_another_one_is_about_to_move_it(runs: Runs) -> None:
    first = runs.trained("one")
    second = runs.claim()
    runs.write(first, "score", "of one")
    runs.train(second, "two")
    assert runs.found() == {"runs/SVC-1": {"model": "one", "score": "of one"}, ".": {"model": "two"}}


def test_a_run_makes_no_room_where_another_one_is_about_to_begin(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.trained("one")
    second, third = runs.claim(), None
    monkeypatch.setattr(ResultsRun, "_may_move", lambda _self, _other: False)  # as if it were another process
    third = runs.claim()
    runs.train(second, "two")
    runs.train(third, "three")
    assert sorted(runs.found().values(), key=str) == [{"model": "one"}, {"model": "three"}, {"model": "two"}]
    assert runs.found()["."] == {"model": "two"}


def test_a_run_that_leaves_nothing_takes_no_place_from_one_that_goes_on(runs: Runs) -> None:
    first = runs.trained("one")
    second = runs.claim()
    second.start({}, datetime.now(), find_files=False)
    runs.write(first, "score", "of one")
    second.abandon()
    first.end("completed")
    assert runs.found() == {"runs/SVC-1": {"model": "one", "score": "of one"}}
    third = runs.claim()
    third.start({}, datetime.now(), find_files=False)
    third.abandon()
    assert runs.found() == {"runs/SVC-1": {"model": "one", "score": "of one"}}
