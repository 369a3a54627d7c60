"""`dws sweep --executor dask:ADDRESS`: a real scheduler and two workers, each with a home and a directory of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from dask_cluster import Cluster, cluster_in, kill, wait_for
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
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with cluster_in(tmp_path) as running:
        yield running


def test_runs_on_a_cluster_of_which_a_worker_is_killed(here: User, cluster: Cluster, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    before = {
        p: told for p, told in whole_state(here.cwd).items() if not p.startswith((".git", ".dataworkspace/objects"))
    }
    command = ["dws", "sweep", "--name", "svc", "--executor", cluster.executor, "--param", "C=1,2,3,4", "--",
               "python", "code/train.py", "{C}", str(marks)]  # fmt: skip
    sweep = subprocess.Popen(
        command, cwd=here.cwd, env=here.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    at_work = wait_for(marks, "2.0-*", sweep).name.partition("-")[2]  # where it waits
    kill(cluster.workers[at_work])
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
