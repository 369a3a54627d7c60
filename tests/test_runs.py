"""Runs and their files, as scripts leave them in real workspaces, and what ``dws`` says of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from endtoend import User, write_files
from forked import Forked

TRAIN = """\
import sys
from pathlib import Path
from dataworkspaces.lineage import LineageBuilder
builder = LineageBuilder().as_script_step().with_no_inputs().with_parameters({"C": sys.argv[1]})
with builder.as_results_step("results").eval() as lineage:
    for name in sys.argv[2:]:
        Path("results", name).parent.mkdir(exist_ok=True)
        Path("results", name).write_text(f"of {sys.argv[1]}")
    lineage.write_results({"accuracy": 0.5})
"""
DYING = """\
import os, signal, sys
from dataworkspaces.lineage import LineageBuilder
builder = LineageBuilder().as_script_step().with_no_inputs().with_parameters({"rate": 0.1})
lineage = builder.as_results_step("results").eval()
for epoch in range(3):
    lineage.end_epoch({"loss": 1 / (epoch + 1)})
if len(sys.argv) > 1:
    raise ValueError("diverged")
os.kill(os.getpid(), signal.SIGKILL)
"""
LONG = """\
import sys
from dataworkspaces.lineage import LineageBuilder
with LineageBuilder().as_script_step().with_no_inputs().as_results_step("results").eval() as lineage:
    print("begun", flush=True)
    sys.stdin.readline()
    lineage.write_results({"accuracy": 0.9})
"""
SCRIPTS: dict[str, str | bytes] = {"train.py": TRAIN, "dying.py": DYING, "long.py": LONG}


@pytest.fixture
def ws(workspace: User) -> Forked:
    user = Forked(workspace.cwd, workspace.env)
    write_files(user.cwd / "code", SCRIPTS)
    return user


def names(user: User) -> list[str]:
    root = user.cwd / "results"
    files = [p.relative_to(root) for p in root.rglob("*") if p.is_file()]
    return sorted(p.as_posix() for p in files if p.parts[0] not in ("snapshots", "README.txt"))


def runs(user: User) -> Any:
    return user.json("report", "runs")


def test_an_earlier_run_moves_aside_and_what_the_user_put_there_stays(ws: Forked) -> None:
    ws.python("code/train.py", "1", "model.bin", "deep/plot.png")
    (ws.cwd / "results" / "notes.md").write_text("mine")
    (first,) = runs(ws)["runs"]
    assert first["status"] == "completed"
    assert sorted(first["files"]) == ["deep/plot.png", "model.bin"]
    results = json.loads((ws.cwd / "results" / "results.json").read_text())
    assert (results["run_id"], results["files"]) == (first["run_id"], first["files"])
    assert results["files"]["model.bin"]["size"] == 4

    ws.python("code/train.py", "2")
    assert names(ws) == ["notes.md", "results.json", "run.jsonl"]
    (earlier,) = runs(ws)["earlier"]
    assert (earlier["run_id"], earlier["step"], earlier["resource"]) == (first["run_id"], "train", "results")
    kept = Path(earlier["files"])
    assert sorted(p.name for p in kept.rglob("*") if p.is_file()) == [
        "model.bin",
        "plot.png",
        "results.json",
        "run.jsonl",
    ]
    assert (kept / "deep" / "plot.png").read_text() == "of 1"

    said = ws.dws("snapshot", "-m", "two").stderr
    assert "Files in 'results' that no run wrote: notes.md" in said
    assert ws.json("gc", "--yes", "--keep-days=0")["forgotten_runs"] == 1
    assert not kept.exists()
    assert runs(ws) == {"runs": [], "earlier": []}


def test_a_snapshot_says_what_is_not_as_the_run_left_it(ws: Forked) -> None:
    ws.python("code/train.py", "1", "gone", "changed", "kept")
    (ws.cwd / "results" / "gone").unlink()
    (ws.cwd / "results" / "changed").write_text("by hand")
    (ws.cwd / "results" / "mine").write_text("mine")
    found = ws.json("snapshot", "-m", "one")["runs"]
    assert found == [
        "Results in 'results' lack files that their run wrote: gone",
        "Results in 'results' were changed after their run: changed",
        "Files in 'results' that no run wrote: mine",
    ]
    ws.python("code/train.py", "2", "model")
    assert ws.json("snapshot", "-m", "two")["runs"] == []


@pytest.mark.parametrize("way", ["killed", "raised"])
def test_a_run_that_dies_keeps_its_epochs(ws: Forked, way: str) -> None:
    ws.python("code/train.py", "1", "model.bin")
    ws.python("code/dying.py", *(["raise"] if way == "raised" else []), check=False)
    found = ws.json("report", "results")
    assert found["parameters"] == {"rate": 0.1}
    assert found["metrics_history"] == {"loss": [1.0, 0.5, 1 / 3]}
    assert found["properties"]["status"] == "failed"
    assert names(ws) == ["run.jsonl"]
    if way == "killed":
        assert "was killed" in ws.dws("report", "lineage").stdout
    (live, before) = ws.json("runs")["runs"]
    assert (live["status"] in ("killed", "failed"), before["status"]) == (True, "completed")
    assert way != "killed" or live["status"] == "killed"
    assert [epoch["metrics"] for epoch in live["epochs"]] == [{"loss": 1.0}, {"loss": 0.5}, {"loss": 1 / 3}]
    assert "loss=0.333" in ws.dws("runs").stdout
    shown = ws.dws("runs", "dying").stdout
    assert ("rate" in shown, "0.5" in shown, live["run_id"] in shown) == (True, True, True)
    assert ws.dws("runs", live["run_id"], "--follow").stdout.splitlines()[1:] == [
        "epoch 1: loss=1.0",
        "epoch 2: loss=0.5",
        "epoch 3: loss=0.333",
        live["status"],
    ]
    ws.dws("snapshot", "-m", "three epochs")
    (snapshot,) = ws.json("report", "history")["snapshots"]
    assert snapshot["runs"] == {"results": "failed"}
    assert "run failed: three epochs" in " ".join(ws.dws("report", "history").stdout.split())
    assert ws.json("report", "results", "--snapshot", snapshot["hash"])["metrics_history"] == found["metrics_history"]


def test_the_live_record_of_a_command(ws: Forked) -> None:
    command = ["run", "--name", "prepare", "--param", "n=3", "--output", "results", "--", "false"]
    ws.dws(*command, check=False)
    ws.dws("run", "--name", "fit", "--", sys.executable, "code/train.py", "1")
    fit, prepare = ws.json("runs")["runs"]
    assert (prepare["step"], prepare["status"], prepare["parameters"]) == ("prepare", "failed", {"n": 3})
    assert (fit["status"], fit["session"] == fit["run_id"]) == ("completed", False)
    nothing = ws.dws("runs", "other", check=False)
    assert (nothing.returncode, "'other'" in nothing.stderr) == (4, True)


def test_a_run_that_fails_before_it_leaves_anything_changes_nothing(ws: Forked) -> None:
    ws.python("code/train.py", "1", "model.bin")
    before = names(ws)
    failing = TRAIN.replace("    for name", '    raise ValueError("no data")\n    for name')
    write_files(ws.cwd / "code", {"failing.py": failing})
    assert ws.python("code/failing.py", "2", check=False).returncode != 0
    assert names(ws) == before
    assert json.loads((ws.cwd / "results" / "results.json").read_text())["parameters"] == {"C": "1"}
    assert runs(ws)["earlier"] == []


@pytest.mark.real_starts
def test_a_second_run_at_the_same_time_is_refused_by_name(ws: Forked) -> None:
    user = ws.in_new_processes()
    command = [sys.executable, "code/long.py"]
    with subprocess.Popen(
        command, cwd=user.cwd, env=user.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "begun\n"
        (live,) = ws.json("runs")["runs"]
        assert (live["status"], live["process"], live["ended"]) == ("running", first.pid, None)
        second = ws.python("code/train.py", "2", "model.bin", check=False)
        assert second.returncode != 0
        assert f"step long of {time.strftime('%Y')}" in second.stderr
        assert f"process {first.pid}" in second.stderr
        assert [run["status"] for run in runs(ws)["runs"]] == ["running"]
        first.communicate("\n", timeout=60)
    ws.python("code/train.py", "2", "model.bin")
    assert names(ws) == ["model.bin", "results.json", "run.jsonl"]


def test_a_command_is_a_run(ws: Forked) -> None:
    write = "import pathlib, sys; [pathlib.Path('results', n).write_text('{\"loss\": 1}') for n in sys.argv[1:]]"
    run, python = ("run", "--name", "make", "--results", "results", "--"), ("python", "-c", write)
    ws.dws(*run, *python, "metrics.json", "model.bin")
    (first,) = runs(ws)["runs"]
    assert sorted(first["files"]) == ["metrics.json", "model.bin"]
    ws.dws(*run, *python, "metrics.json")
    assert names(ws) == ["metrics.json", "results.json", "run.jsonl"]
    assert json.loads((ws.cwd / "results" / "results.json").read_text())["metrics"] == {"loss": 1}
    assert [earlier["run_id"] for earlier in runs(ws)["earlier"]] == [first["run_id"]]
    assert ws.json("snapshot", "-m", "made")["runs"] == []


def test_a_kit_step_within_a_command_is_one_run_with_it(ws: Forked) -> None:
    ws.dws("run", "--name", "outer", "--results", "results", "--", "python", "code/train.py", "1", "model.bin")
    (found,) = runs(ws)["runs"]
    assert (found["status"], sorted(found["files"])) == ("completed", ["model.bin"])
    assert runs(ws)["earlier"] == []
    assert ws.json("snapshot", "-m", "made")["runs"] == []


def test_results_of_release_1_6_move_aside_and_can_be_read(ws: Forked) -> None:
    old = {"step": "old", "start_time": "2020-01-01T00:00:00", "parameters": {}, "metrics": {"accuracy": 0.1}}
    write_files(ws.cwd / "results", {"results.json": json.dumps(old), "model.pkl": "nobody knows whose"})
    assert ws.json("report", "results")["metrics"] == {"accuracy": 0.1}
    assert [(run["step"], run["status"]) for run in runs(ws)["runs"]] == [("old", None)]
    ws.python("code/train.py", "1")
    assert names(ws) == ["model.pkl", "results.json", "run.jsonl"]
    (earlier,) = runs(ws)["earlier"]
    assert json.loads(Path(earlier["files"], "results.json").read_text()) == old


FOLDS = """\
import json
from pathlib import Path
from sklearn.datasets import make_classification
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC
from dataworkspaces.kits.scikit_learn import LineagePredictor
X, y = make_classification(n_samples=60, random_state=0)
if __name__ == "__main__":
    model = LineagePredictor(SVC(), "binary_classification", "code", model_save_file="model.joblib")
    scores = cross_val_score(model, X, y, cv=4, n_jobs=2)
    found = [json.loads(p.read_text())["metrics"]["accuracy"] for p in Path("results").rglob("results.json")]
    assert sorted(found) == sorted(scores), (found, scores)
"""


@pytest.mark.slow
@pytest.mark.real_starts
def test_folds_of_several_processes_are_all_kept(ws: Forked) -> None:
    write_files(ws.cwd / "code", {"folds.py": FOLDS})
    ws.in_new_processes().python("code/folds.py")
    found = runs(ws)
    assert (len(found["runs"]), found["earlier"]) == (4, [])
    assert {run["status"] for run in found["runs"]} == {"completed"}
    assert ws.json("snapshot", "-m", "folds")["runs"] == []
