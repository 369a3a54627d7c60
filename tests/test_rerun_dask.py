"""`dws rerun` and `dws reproduce --executor dask:ADDRESS`: a real scheduler and two workers, each with a home and a
directory of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from dask_cluster import Cluster, cluster_in, kill, wait_for
from endtoend import FAILED, HOST, User, isolated_environment, write_files

pytestmark = [pytest.mark.slow, pytest.mark.real_starts]

PART = """\
import os, sys, time
from pathlib import Path
name, marks = sys.argv[1:]
if Path(marks).is_dir():
    Path(marks, f"{name}-{os.environ['HOME'].rpartition('/')[2]}").touch()
while name == "a" and Path(marks, "wait").exists():
    time.sleep(0.05)
print("part", name)
Path("parts", name).write_text(name + Path("data/rows").read_text())
"""
JOIN = """\
import json
from pathlib import Path
text = Path("parts/a").read_text() + Path("parts/b").read_text()
Path("results/results.json").write_text(json.dumps({"metrics": {"length": len(text)}}))
"""


@pytest.fixture
def here(tmp_path: Path) -> User:
    """Two steps, and one that reads what they write; the contents of what they read and write are at a remote. The
    workspace lies in a directory of its repository."""
    user = User(tmp_path / "ada" / "team", isolated_environment(tmp_path / "home-ada"))
    marks = tmp_path / "marks"
    write_files(user.cwd, {"code/part.py": PART, "code/join.py": JOIN, "data/rows": "1 2 3\n", "parts/.keep": ""})
    user.git("init", "-q", "..")
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    for role, name in (("source-data", "data"), ("intermediate-data", "parts")):
        remote = str(tmp_path / f"remote-{name}")
        user.batch("add", "local-files", "--role", role, "--restorable", "--remote", remote, f"./{name}")
    for name in ("a", "b"):
        files = ["--input", "data/rows", "--output", f"parts/{name}"]
        user.batch("run", "--name", name, *files, "--", "python", "code/part.py", name, marks)
    user.batch("run", "--name", "join", "--input", "parts/a", "--input", "parts/b", "--", "python", "code/join.py")
    user.batch("snapshot", "V1")
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "hub.git")], check=True, env=user.env)
    user.batch("publish", str(tmp_path / "hub.git"))
    return user


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with cluster_in(tmp_path) as running:
        yield running


def test_steps_on_a_cluster_of_which_a_worker_is_killed(here: User, cluster: Cluster, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    write_files(marks, {"wait": ""})
    write_files(here.cwd, {"data/rows": "1 2 3 4\n"})
    head = here.git("rev-parse", "HEAD")
    command = ["dws", "--batch", "rerun", "--executor", cluster.executor]
    rerun = subprocess.Popen(
        command, cwd=here.cwd, env=here.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    at_work = wait_for(marks, "a-*", rerun).name.partition("-")[2]
    wait_for(marks, "b-*", rerun)  # beside it
    kill(cluster.workers[at_work])
    (marks / "wait").unlink()
    out, err = rerun.communicate(timeout=240)
    assert rerun.returncode == 0, out + err
    assert "Ran a, b, join" in err
    assert "part a" in out + err
    assert (here.cwd / "parts/a").read_text() == "a1 2 3 4\n"
    assert "18" in (here.cwd / "results/results.json").read_text()
    # It is the state here, as if it had run here: nothing is left to do, and nothing beside is left.
    assert "All is up to date" in here.batch("rerun").stdout
    assert here.git("rev-parse", "HEAD") == head
    assert here.json("history", "--experiments")["snapshots"] == []
    assert here.git("ls-remote", "origin", "refs/dws/experiments/*") == ""
    here.batch("snapshot", "V2")
    assert here.json("fsck")["problems"] == []
    here.batch("push")

    found = here.dws("reproduce", "V2", "--executor", cluster.executor, "--json")
    assert '"reproduced": true' in found.stdout
    assert len(here.json("attest", "list", "V2")) == 1
    write_files(here.cwd, {"code/part.py": PART.replace('print("part", name)', 'raise SystemExit("no part")')})
    here.batch("snapshot", "V3")
    unknown = here.batch("reproduce", "V3", "--executor", cluster.executor, check=False)
    assert (unknown.returncode, unknown.stderr.count("\n")) == (4, 2), unknown.stderr
    assert "does not have snapshot V3" in unknown.stderr
    assert "dws push" in unknown.stderr
    failed = here.batch("rerun", "a", "--executor", cluster.executor, check=False)
    assert failed.returncode == 1
    assert "no part" in failed.stdout + failed.stderr
    assert "Step a failed with exit status 1" in failed.stdout + failed.stderr
    assert (here.cwd / "parts/a").read_text() == "a1 2 3 4\n"

    # A worker that cannot reach a remote, since nothing of it has come there before.
    for home in cluster.workers:
        for clone in (tmp_path / home / ".cache/dws/workers").glob("[0-9a-f]*"):
            shutil.rmtree(clone) if clone.is_dir() else clone.unlink()
    (tmp_path / "remote-data").rename(tmp_path / "away")
    away = here.batch("reproduce", "V2", "--executor", cluster.executor, check=False)
    assert away.returncode in FAILED
    assert away.stderr.count("\n") == 2, away.stderr  # with the line that says where it runs
    assert f"{tmp_path}/remote-data" in away.stderr
    assert "(at " in away.stderr
