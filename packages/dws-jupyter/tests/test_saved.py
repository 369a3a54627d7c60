"""Whether what ran is in the file of the notebook."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from dataworkspaces.kits.jupyter.ran import Ran
from dataworkspaces.kits.jupyter.saved import state_of_notebook

LATER = "save the notebook and take the snapshot again"


def save(path: Path, *sources: str, age: float = 0) -> Path:
    """The notebook as it was saved some seconds ago."""
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": [source]} for source in sources]}))
    saved = time.time() - age
    os.utime(path, (saved, saved))
    return path


def run(ran: Ran, *sources: str) -> Ran:
    """Each in a cell of its own, for which its source stands where no other is given before a colon."""
    for text in sources:
        cell, _, source = text.rpartition(":")
        ran.note(SimpleNamespace(cell_id=cell or None, raw_cell=source, store_history=True))
    return ran


def never() -> bool:
    return False


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.ipynb"


def state(path: Path, ran: Ran, saves_itself: Callable[[], bool] = never, seconds: float = 60) -> str:
    return state_of_notebook(path, ran, saves_itself, seconds)


def test_what_ran_is_in_the_file(path: Path) -> None:
    save(path, "x = 1\ny", "z", age=60)
    assert LATER not in state(path, run(Ran(), "x = 1\ny\n", "z"))


def test_the_cell_that_runs_is_not_in_the_file(path: Path) -> None:
    save(path, "x = 1", age=60)
    assert f"That is older than the cell that runs: {LATER}" in state(path, run(Ran(), "x = 1", "x = 2"))


def test_a_cell_that_ran_before_is_not_in_the_file(path: Path) -> None:
    save(path, "x = 1", "%dws_snapshot", age=60)
    assert f"older than 1 cell that ran since: {LATER}" in state(path, run(Ran(), "x = 2", "%dws_snapshot"))
    assert f"older than 2 cells that ran since: {LATER}" in state(path, run(Ran(), "x = 2", "y", "%dws_snapshot"))


def test_a_cell_that_was_changed_after_it_ran_and_saved(path: Path) -> None:
    ran = run(Ran(), "x = 1", "%dws_snapshot")
    save(path, "x = 2", "%dws_snapshot", age=-60)
    assert LATER not in state(path, ran)


def test_of_a_cell_counts_what_ran_last(path: Path) -> None:
    save(path, "x = 1", age=60)
    assert LATER not in state(path, run(Ran(), "a:x = 2", "a:x = 1"))
    assert LATER in state(path, run(Ran(), "a:x = 1", "a:x = 2"))


def test_what_the_front_end_runs_for_itself_does_not_count(path: Path) -> None:
    save(path, "x = 1", age=60)
    ran = run(Ran(), "x = 1")
    ran.note(SimpleNamespace(cell_id=None, raw_cell="inspect()", store_history=False))
    assert LATER not in state(path, ran)


@pytest.mark.slow
def test_a_server_that_saves_by_itself_is_waited_for(path: Path) -> None:
    save(path, "x = 1", age=60)
    asked = []

    def saves_itself() -> bool:
        asked.append(True)
        # As a server does: the file is another one.
        threading.Timer(0.3, lambda: save(path.with_name("new"), "x = 2").replace(path)).start()
        return True

    assert LATER not in state(path, run(Ran(), "x = 2"), saves_itself)
    assert asked == [True]


def test_the_wait_has_an_end(path: Path) -> None:
    save(path, "x = 1", age=60)
    assert LATER in state(path, run(Ran(), "x = 2"), lambda: True, seconds=0.2)


def test_a_file_that_is_being_written(path: Path) -> None:
    path.write_text('{"cells": [')
    threading.Timer(0.2, lambda: save(path.with_name("new"), "x = 1").replace(path)).start()
    assert LATER not in state(path, run(Ran(), "x = 1"))


@pytest.mark.slow
def test_a_file_that_is_no_notebook(path: Path) -> None:
    path.write_text("[]")
    assert "cannot be read" in state(path, run(Ran(), "x"))
    path.unlink()
    assert "has not been saved" in state(path, run(Ran(), "x"))


def test_no_file_is_known(path: Path) -> None:
    assert "it is not known which notebook this is" in state_of_notebook(None, run(Ran(), "x"), never)
