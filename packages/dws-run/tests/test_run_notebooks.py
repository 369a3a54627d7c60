"""Notebooks that `dws run` runs in place."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dataworkspaces.cli.cmd_run import _describe
from dataworkspaces.commands.rerun_plan import plan_rerun
from dataworkspaces.commands.run import RunOutcome, run_command
from dataworkspaces.commands.run_request import RunRequest
from dataworkspaces.lineage import FileLineageStore
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import ResourceRef

EXECUTE = """
import json, sys, time
for path in sys.argv[1:]:
    document = json.load(open(path))
    document["cells"][0]["outputs"] = [str(time.time_ns())]
    json.dump(document, open(path, "w"))
"""


def notebook(path: str, source: str = "1 + 1") -> None:
    cell = {"cell_type": "code", "source": [source], "outputs": []}
    Path(path).write_text(json.dumps({"cells": [cell], "nbformat": 4, "nbformat_minor": 5}))


@pytest.fixture
def ws(workspace: MemoryWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryWorkspace:
    root = workspace.directory
    workspace.lineage_store = FileLineageStore(tmp_path / "current", tmp_path / "snapshots", tmp_path / "m" / "lock")
    for name, role in (("code", "code"), ("data", "source-data")):
        (root / name).mkdir()
        workspace.add_resource(name, "file", role, path=str(root / name))
    monkeypatch.chdir(root)
    monkeypatch.setattr("dataworkspaces.commands.run.gets_input", lambda: False)
    (tmp_path / "execute.py").write_text(EXECUTE)
    for number in (1, 2):
        notebook(f"code/{number}.ipynb")
    return workspace


def execute(ws: MemoryWorkspace, *paths: str, name: str = "nb") -> RunOutcome:
    program = str(ws.directory.parent / "execute.py")
    return run_command(ws, RunRequest(command=(sys.executable, program, *paths), name=name))


def test_notebook_that_runs_in_place_is_an_output(ws: MemoryWorkspace) -> None:
    assert execute(ws, "code/1.ipynb").outputs == (ResourceRef("code", "1.ipynb"),)
    assert execute(ws, "code/1.ipynb").skipped
    notebook("code/1.ipynb", "2 + 2")
    assert not execute(ws, "code/1.ipynb").skipped
    assert execute(ws, "code/1.ipynb").skipped


@pytest.mark.slow
def test_notebooks_do_not_make_each_other_out_of_date(ws: MemoryWorkspace) -> None:
    for number in ("1", "2"):
        execute(ws, f"code/{number}.ipynb", name=number)
    assert [step.reasons for step in plan_rerun(ws).steps] == [(), ()]
    Path("code/helper.sh").write_text("")
    assert all(step.reasons for step in plan_rerun(ws).steps)


@pytest.mark.slow
def test_new_notebook_is_an_output(ws: MemoryWorkspace) -> None:
    program = "import shutil; shutil.copy('code/1.ipynb', 'code/' + 'new' + '.ipynb')"
    command = (sys.executable, "-c", program)
    assert run_command(ws, RunRequest(command=command)).outputs == (ResourceRef("code", "new.ipynb"),)
    assert run_command(ws, RunRequest(command=command)).skipped
    assert run_command(ws, RunRequest(command=command, force=True)).outputs == (ResourceRef("code", "new.ipynb"),)


@pytest.mark.slow
def test_somebody_edits_code_meanwhile(ws: MemoryWorkspace) -> None:
    """What no argument names is not an output, be it a notebook; the message says what is so."""
    command = (sys.executable, "-c", "open('code/' + '1.ipynb', 'a').write(' '); open('code/' + 'x.py', 'w')")
    outcome = run_command(ws, RunRequest(command=command, name="edit"))
    assert outcome.outputs == ()
    assert set(outcome.code) == {ResourceRef("code", "1.ipynb"), ResourceRef("code", "x.py")}
    assert _describe(outcome) == "Step edit wrote nothing but code, so nothing is recorded"
