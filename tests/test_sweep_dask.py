"""`dws sweep --executor dask:ADDRESS`: a real scheduler and two workers, each with a home and a directory of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from endtoend import HOST, User, isolated_environment, whole_state, write_files

pytestmark = [pytest.mark.slow, pytest.mark.real_starts]

TRAIN = """\
import json, os, sys, time
from pathlib import Path
c = float(sys.argv[1])
Path(sys.argv[2], f"{c}-{os.environ['HOME'].rpartition('/')[2]}").touch()
while c == 2 and not Path(sys.argv[2], "go").exists():
    time.sleep(0.05)
rows = len(Path("data/rows").read_text().split())
Path("results/results.json").write_text(json.dumps({"metrics": {"accuracy": rows * c}}))
"""


@pytest.fixture
def here(tmp_path: Path) -> User:
    """A workspace with an origin, and data whose contents a remote keeps."""
    user = User(tmp_path / "ada", isolated_environment(tmp_path / "home-ada"))
    write_files(user.cwd, {"code/train.py": TRAIN, "data/rows": "1 2 3\n"})
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    user.batch(
        "add", "local-files", "--role", "source-data", "--restorable", "--remote", str(tmp_path / "remote"), "./data"
    )
    user.batch("snapshot", "V1")
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "hub.git")], check=True, env=user.env)
    user.batch("publish", str(tmp_path / "hub.git"))
    return user


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, dict[str, subprocess.Popen[bytes]]]]:
    """The address of the scheduler, and the workers by the names of their homes."""
    programs = Path(sys.executable).parent
    processes = []

    def start(home: str, *command: str) -> subprocess.Popen[bytes]:
        (tmp_path / home).mkdir()
        env = {**isolated_environment(tmp_path / home), "PATH": f"{programs}:{os.environ['PATH']}"}
        with (tmp_path / f"{home}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=tmp_path / home, env=env, stdout=log, stderr=log, start_new_session=True
            )
        processes.append(process)
        return process

    dask = str(programs / "dask")
    start("scheduler", dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    until, found = time.monotonic() + 60, None
    while found is None:
        assert time.monotonic() < until
        time.sleep(0.1)
        found = re.search(r"Scheduler at:\s+(tcp://\S+)", (tmp_path / "scheduler.log").read_text())
    workers = {
        home: start(
            home, dask, "worker", found[1], "--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--no-nanny"
        )
        for home in ("one", "two")
    }
    yield found[1], workers
    for process in processes:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_runs_on_a_cluster_of_which_a_worker_is_killed(
    here: User, cluster: tuple[str, dict[str, subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    address, workers = cluster
    marks = tmp_path / "marks"
    marks.mkdir()
    before = {
        p: told for p, told in whole_state(here.cwd).items() if not p.startswith((".git", ".dataworkspace/objects"))
    }
    command = ["dws", "sweep", "--name", "svc", "--executor", f"dask:{address}", "--param", "C=1,2,3,4", "--",
               "python", "code/train.py", "{C}", str(marks)]  # fmt: skip
    sweep = subprocess.Popen(
        command, cwd=here.cwd, env=here.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 120
    while not list(marks.glob("2.0-*")):  # it waits there
        assert sweep.poll() is None, sweep.communicate()
        assert time.monotonic() < until
        time.sleep(0.1)
    at_work = next(marks.glob("2.0-*")).name.partition("-")[2]
    kill(workers[at_work])
    (marks / "go").touch()
    out, err = sweep.communicate(timeout=240)
    assert sweep.returncode == 0, out + err
    assert "4 completed" in out
    rows = here.json("history", "--sweep", "svc")["snapshots"]
    assert {row["sweep"]["number"]: row["values"]["accuracy"] for row in rows} == {1: 3.0, 2: 6.0, 3: 9.0, 4: 12.0}
    after = {
        p: told for p, told in whole_state(here.cwd).items() if not p.startswith((".git", ".dataworkspace/objects"))
    }
    assert after == before
    assert here.json("fsck")["problems"] == []
    assert here.batch("adopt", "svc/3").returncode == 0
    assert here.git("ls-remote", "origin", "refs/dws/experiments/*") == ""  # what came back is not kept there
    again = here.dws(*command[1:])
    assert "4 completed" in again.stdout


def test_without_an_origin_or_a_scheduler(here: User, workspace: User) -> None:
    options = ["--name", "svc", "--param", "C=1", "--", "python", "code/train.py", "{C}"]
    missing = here.dws("sweep", "--executor", "dask:tcp://127.0.0.1:1", *options, check=False, timeout=180)
    assert missing.returncode != 0
    assert "The Dask scheduler at 'tcp://127.0.0.1:1' cannot be reached" in missing.stderr
    unknown = here.dws("sweep", "--executor", "slrum", *options, check=False)
    assert (unknown.returncode != 0, "slrum" in unknown.stderr, "Traceback" in unknown.stderr) == (True, True, False)
    alone = workspace.dws("sweep", "--executor", "dask", *options, check=False)
    assert alone.returncode != 0
    assert "dws publish" in alone.stderr
