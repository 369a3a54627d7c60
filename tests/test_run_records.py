"""What `dws run` records is what happened, and what nobody knows is said to be unknown."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from endtoend import HOST, User, write_files

SCRIPT = """
import sys
import click
open(sys.argv[1], "w").write("out")
"""
EXECUTE = """
import json, sys, time
document = json.load(open(sys.argv[1]))
document["cells"][0]["outputs"] = [str(time.time_ns())]
json.dump(document, open(sys.argv[1], "w"))
"""
NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": ["1"], "outputs": []}], "nbformat": 4})


@pytest.fixture
def here(user: User) -> User:
    root = user.cwd / "ws"
    root.mkdir()
    here = user.at(root)
    here.batch("init", "--hostname", HOST, "--create-resources", "code,source-data,intermediate-data")
    write_files(root, {"code/script.py": SCRIPT, "code/nb.ipynb": NOTEBOOK, "source-data/a": "a"})
    write_files(root.parent, {"execute.py": EXECUTE})
    return here


def step(here: User, resource: str) -> Any:
    lineage = json.loads((here.cwd / f".dataworkspace/current_lineage/{resource}.json").read_text())
    return next(entry for entry in lineage["lineages"] if entry["type"] == "step")


def inputs(here: User) -> str:
    (row,) = [r for r in here.json("report", "lineage")["lineage"] if r["type"] == "Step"]
    table = here.dws("report", "lineage").stdout
    assert ("not told" in table) == (row.get("inputs_told") is False)
    return "not told" if "not told" in table else str(row["inputs"])


def test_script_whose_inputs_nobody_told(here: User) -> None:
    command = ["--", sys.executable, "code/script.py", "intermediate-data/out"]
    here.dws("run", *command)
    environment = step(here, "intermediate-data")["environment"]
    assert "click" in environment["distributions"]
    assert "pytest" not in environment["distributions"]
    assert environment["python"] == ".".join(map(str, sys.version_info[:3]))
    assert inputs(here) == "not told"
    assert "inputs: not told" in here.dws("steps").stdout
    assert here.json("steps")[0]["inputs_told"] is False
    here.batch("snapshot", "S1")
    assert inputs(here) == "not told"
    # Now somebody tells: other data may change.
    assert "another use of --no-input" in here.dws("run", "--no-input", *command).stderr
    assert inputs(here) == "[]"
    assert "nobody" not in here.dws("steps").stdout
    Path(here.cwd, "source-data/a").write_text("b")
    assert "was not run" in here.dws("run", "--no-input", *command).stderr
    failed = here.dws("run", "--no-input", "--input", "source-data/a", *command, check=False)
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr


def test_notebook_that_is_run_in_place(here: User) -> None:
    command = ["--name", "nb", "--", sys.executable, "../execute.py", "code/nb.ipynb"]
    assert "wrote code:nb.ipynb" in here.dws("run", *command).stderr
    assert "was not run" in here.dws("run", *command).stderr
    assert here.dws("rerun").stdout == "All is up to date\n"
    here.batch("snapshot", "S1")
    assert "was not run" in here.dws("run", *command).stderr
    Path(here.cwd, "code/nb.ipynb").write_text(NOTEBOOK.replace("1", "2"))
    assert "Ran nb" in here.dws("rerun").stderr
    assert here.dws("rerun").stdout == "All is up to date\n"
    # The snapshot says who took it, and what it came from.
    here.batch("snapshot", "S2")
    second = here.json("show", "S2")
    assert second["author"] == "Ada"
    assert second["parents"] == [here.json("show", "S1")["hash"]]
