"""What `--executor` tells of workers, and how what they send comes here. (`tests/test_*_dask.py` have real ones.)"""

from __future__ import annotations

import json
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

import pytest

from dataworkspaces.commands import far as module
from dataworkspaces.commands.far import FarWork, LostExecutorError
from dataworkspaces.errors import DwsError, NotFoundError, ToolError, UnavailableError
from dataworkspaces.testing.memory import MemoryWorkspace


class KilledWorker(Exception):
    """As Dask has it."""


class Answering(ThreadPoolExecutor):
    """An executor whose workers give one answer, or fail in one way."""

    def __init__(self, answer: dict[str, Any] | BaseException) -> None:
        super().__init__(1)
        self.answer = answer

    def submit(self, *_arguments: Any, **_options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if isinstance(self.answer, BaseException):
            future.set_exception(self.answer)
        else:
            future.set_result(json.dumps(self.answer))
        return future


def far(workspace: MemoryWorkspace, answer: dict[str, Any] | BaseException) -> FarWork:
    return FarWork(workspace, Answering(answer), "dask:tcp://there:1", "/origin.git")


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        ({"ok": False, "kind": "not-found", "message": "No data.", "hint": None, "host": "n7"}, NotFoundError,
         "No data (at n7)"),
        ({"ok": False, "kind": "unavailable", "message": "No remote", "hint": "Mount it", "host": "n7"},
         UnavailableError, "No remote (at n7). Mount it"),
        ({"ok": False, "kind": "of another release", "message": "Odd", "hint": None}, ToolError, "Odd"),
        (KilledWorker("three times"), ToolError, "KilledWorker: three times. The workers that tried it died"),
        (ModuleNotFoundError("No module named 'x'"), ToolError, "Install the same distributions"),
        (CancelledError(), LostExecutorError, "dask:tcp://there:1 was stopped, or cannot be reached"),
    ],
)  # fmt: skip
def test_what_went_wrong_there_is_told_in_one_line(
    workspace: MemoryWorkspace, answer: dict[str, Any] | BaseException, kind: type[DwsError], told: str
) -> None:
    with pytest.raises(kind) as caught:
        far(workspace, answer).ask("sweep", {})
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_lost_executor_is_asked_nothing_more(workspace: MemoryWorkspace) -> None:
    work = far(workspace, CancelledError())
    with pytest.raises(LostExecutorError):
        work.ask("rerun", {})
    work.executor.answer = {"ok": True}  # type: ignore[attr-defined]
    with pytest.raises(LostExecutorError):
        work.ask("rerun", {})


def test_what_waits_is_fetched_together_and_one_that_fails_spoils_no_other(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[list[str]] = []
    first, go_on = threading.Event(), threading.Event()

    def pull(_workspace: Any, names: list[str]) -> None:
        fetched.append(list(names))
        if names == ["s/1"]:
            first.set()
            assert go_on.wait(30)
        if "s/3" in names:
            raise NotFoundError("s/3 is gone")

    monkeypatch.setattr(module, "pull_experiments_command", pull)
    monkeypatch.setattr(FarWork, "own", lambda _self: workspace)
    work = far(workspace, {"ok": True})
    with ThreadPoolExecutor(4) as pool:
        one = pool.submit(work.bring, "s/1")
        assert first.wait(30)
        others = [pool.submit(work.bring, f"s/{number}") for number in (2, 3, 4)]
        while len(work._waiting) < 3:
            assert not one.done()
        go_on.set()
        one.result(30)
        failed = [str(error) if (error := each.exception(30)) else None for each in others]
    assert failed == [None, "s/3 is gone", None]
    assert fetched == [["s/1"], ["s/2", "s/3", "s/4"], ["s/2"], ["s/3"], ["s/4"]]
