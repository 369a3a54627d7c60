"""`dws sweep`: many runs of a command, each in a checkout of its own and an experiment."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from endtoend import (
    HOST,
    User,
    copy_workspace,
    isolated_environment,
    know_environment,
    program,
    whole_state,
    write_files,
)
from forked import Forked

TRAIN = """\
import argparse, json, sys, time
from pathlib import Path
parser = argparse.ArgumentParser()
parser.add_argument("--C", type=float, default=1.0)
parser.add_argument("--kernel", default="rbf")
a = parser.parse_args()
if a.kernel == "slow":
    time.sleep(1.5)
if a.kernel == "bad":
    sys.exit("there is no such kernel")
rows = len(Path("data/rows").read_text().split())
factor = json.loads(Path("params.yaml").read_text())["factor"]
Path("results/results.json").write_text(json.dumps({"metrics": {"accuracy": factor * rows * a.C}}))
"""
COMMAND = ("--", "python", "code/train.py", "--C", "{C}", "--kernel", "{kernel}")


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return isolated_environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Path:
    root = tmp_path_factory.mktemp("sweep") / "base"
    write_files(root, {"code/train.py": TRAIN, "data/rows": "1 2\n", "params.yaml": '{"factor": 1}\n'})
    user = Forked(root, env)
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    user.batch("add", "local-files", "--role", "source-data", "--restorable", "./data")
    user.batch("snapshot", "V1")
    write_files(root, {"data/rows": "1 2 3\n"})
    know_environment(user)
    return root


@pytest.fixture
def here(base: Path, tmp_path: Path, env: dict[str, str]) -> User:
    return Forked(copy_workspace(base, tmp_path / "ws"), env)


def rows(user: User, name: str = "svc") -> dict[int, dict[str, object]]:
    found = user.json("history", "--sweep", name)["snapshots"]
    return {row["sweep"]["number"]: {**row["sweep"], "values": row["values"]} for row in found}


def files(user: User) -> dict[str, str]:
    everything = whole_state(user.cwd)
    return {p: told for p, told in everything.items() if not p.startswith((".git", ".dataworkspace/objects"))}


def test_each_run_is_an_experiment_and_nothing_moves_here(here: User) -> None:
    before, head = files(here), here.git("rev-parse", "HEAD")
    arguments = ("sweep", "--name", "svc", "--param", "C=1,10", "--param", "kernel=rbf,bad", "--jobs", "2")
    done = here.dws(*arguments, *COMMAND, check=False)
    assert (done.returncode, "2 completed, 2 failed" in done.stdout) == (1, True), done.stderr
    assert "there is no such kernel" in done.stderr
    assert (files(here), here.git("rev-parse", "HEAD")) == (before, head)
    found = rows(here)
    assert {n: (r["status"], r["exit_status"], r["values"].get("accuracy")) for n, r in found.items()} == {  # type: ignore[attr-defined]
        1: ("completed", 0, 3.0), 2: ("failed", 1, None), 3: ("completed", 0, 30.0), 4: ("failed", 1, None),
    }  # fmt: skip
    assert {n: (r["values"]["C"], r["values"]["kernel"]) for n, r in found.items()} == {  # type: ignore[index]
        1: (1, "rbf"), 2: (1, "bad"), 3: (10, "rbf"), 4: (10, "bad"),
    }  # fmt: skip
    assert [path.name for path in here.cwd.parent.iterdir() if path.name.startswith(".dws-")] == []
    assert here.json("fsck")["problems"] == []
    again = json.loads(here.dws(*arguments, "--json", *COMMAND, check=False).stdout)
    assert [run["is_new"] for run in again["runs"]] == [False] * 4
    other = here.dws("sweep", "--name", "svc", "--param", "C=5", "--param", "kernel=rbf", *COMMAND, check=False)
    assert (other.returncode, "begun with another command" in other.stderr) == (8, True)
    here.batch("adopt", "svc/3")
    assert here.json("show", "svc-3")["metrics"] == {"accuracy": 30.0}
    assert here.json("reproduce", "svc-3")["reproduced"]


def test_keys_of_files_and_rows(here: User) -> None:
    write_files(here.cwd, {"rows.csv": "C\n2\n4\n"})
    here.batch(
        "sweep", "--name", "tune/a", "--rows", "rows.csv", "--param", "params.yaml:factor=1,2",
        "--", "python", "code/train.py", "--C={C}",
    )  # fmt: skip
    assert [row["values"]["accuracy"] for row in rows(here, "tune/a").values()] == [6.0, 12.0, 12.0, 24.0]  # type: ignore[index]
    assert (here.cwd / "params.yaml").read_text() == '{"factor": 1}\n'


def test_what_would_run(here: User) -> None:
    arguments = ("sweep", "--name", "svc", "--param", "C=uniform:0:1", "--random", "3", "--seed", "1", "--dry-run")
    planned = json.loads(here.dws(*arguments, "--json", "--", "python", "code/train.py", "--C", "{C}").stdout)
    assert (planned["total"], len({tuple(run["command"]) for run in planned["runs"]})) == (3, 3)
    assert "refs/dws" not in here.git("for-each-ref")
    refused = here.dws("sweep", "--name", "a b", "--param", "C=1", "--", "true", "{C}", check=False)
    assert (refused.returncode, "cannot name an experiment" in refused.stderr) == (1, True)
    write_files(here.cwd.parent, {"rows.jsonl": '{"C": 1}\n{"kernel": "rbf"}\n'})
    rows = ("sweep", "--name", "rows", "--rows", "../rows.jsonl", "--dry-run", "--", "python", "{C}", "{kernel}")
    assert "row 1 has no 'kernel'" in here.dws(*rows, check=False).stderr


@pytest.mark.slow
def test_killed_and_resumed_no_run_is_lost_or_repeated(here: User) -> None:
    command = [program("dws"), "sweep", "--name", "svc", "--param", "C=1,2,3,4", "--param", "kernel=slow", "-j", "2"]
    process = subprocess.Popen([*command, *COMMAND], cwd=here.cwd, env=here.env, stderr=subprocess.DEVNULL)
    reference = here.cwd / ".git/refs/dws/experiments/svc"
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and len([p for p in reference.glob("*") if p.name.isdigit()]) < 1:
        time.sleep(0.05)
    other = here.dws("sweep", "--resume", "svc", check=False)
    assert (other.returncode, "Sweep 'svc' is running already" in other.stderr) == (7, True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {row["experiment"]: row["timestamp"] for row in here.json("history", "--sweep", "svc")["snapshots"]}
    assert 1 <= len(before) < 4
    here.batch("sweep", "--resume", "svc", "--jobs", "2")
    after = {row["experiment"]: row["timestamp"] for row in here.json("history", "--sweep", "svc")["snapshots"]}
    assert after.items() >= before.items()
    assert sorted(after) == ["svc/1", "svc/2", "svc/3", "svc/4"]
    assert [path.name for path in here.cwd.parent.iterdir() if path.name.startswith(".dws-")] == []


@pytest.mark.slow
def test_one_works_on_meanwhile(here: User) -> None:
    command = [program("dws"), "sweep", "--name", "svc", "--param", "C=1,2", "--param", "kernel=slow"]
    process = subprocess.Popen([*command, *COMMAND], cwd=here.cwd, env=here.env)
    while not list(here.cwd.parent.glob(".dws-sweep-*/run-1/workspace")):
        assert process.poll() is None
        time.sleep(0.05)
    write_files(here.cwd, {"code/train.py": "raise SystemExit(3)\n"})
    here.batch("snapshot", "MEANWHILE")
    assert process.wait(timeout=120) == 0
    assert [row["values"]["accuracy"] for row in rows(here).values()] == [3.0, 6.0]  # type: ignore[index]


@pytest.mark.slow
def test_optuna_asks_and_is_told(here: User) -> None:
    pytest.importorskip("optuna")
    arguments = ("sweep", "--name", "o", "--optuna", "6", "--metric", "accuracy:max", "--seed", "1")
    here.batch(*arguments, "--param", "C=uniform:0:10", "--", "python", "code/train.py", "--C", "{C}")
    found = rows(here, "o")
    assert len(found) == 6
    assert len({row["values"]["C"] for row in found.values()}) == 6  # type: ignore[index]
    here.git("update-ref", "-d", "refs/dws/experiments/o/6")
    here.batch("sweep", "--resume", "o")
    assert len(rows(here, "o")) == 6


LIVE = """\
import sys, time
from dataworkspaces.lineage import LineageBuilder
rate = float(sys.argv[1])
builder = LineageBuilder().as_script_step().with_no_inputs().with_parameters({"rate": rate}).as_results_step("results")
with builder.eval() as lineage:
    for epoch in range(15):
        time.sleep(0.1)
        lineage.end_epoch({"loss": rate})
    lineage.write_results({"loss": rate})
"""


@pytest.mark.slow
def test_a_hopeless_run_is_pruned(here: User) -> None:
    pytest.importorskip("optuna")
    write_files(here.cwd, {"code/live.py": LIVE})
    arguments = ("sweep", "--name", "p", "--optuna", "7", "--metric", "loss:min", "--prune", "--seed", "3")
    here.batch(*arguments, "--param", "r=uniform:1:50", "--", "python", "code/live.py", "{r}")
    found = rows(here, "p")
    assert {row["status"] for row in found.values()} == {"completed", "pruned"}
    assert found[6]["status"] == "pruned"  # worse than most before, as the seed has it


def test_a_process_that_dies_spoils_its_own_run_only(here: User) -> None:
    """As when the system kills the largest process of all: here the command kills that which runs it."""
    write_files(
        here.cwd,
        {"code/kill.py": "import os, signal, sys\nif sys.argv[1] == '1':\n    os.kill(os.getppid(), signal.SIGKILL)\n"},
    )
    done = here.dws("sweep", "--name", "svc", "--param", "n=1,2", "--", "python", "code/kill.py", "{n}", check=False)
    assert done.returncode == 1
    assert "1 completed, 1 unrecorded" in done.stdout
    assert "Traceback" not in done.stderr
    again = here.dws("sweep", "--resume", "svc", check=False)
    assert "1 completed, 1 unrecorded" in again.stdout  # what is done stays, and the other is tried again
