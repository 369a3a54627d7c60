"""`dws reproduce`: the steps behind a snapshot run again in a checkout, and all that they write is compared."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from endtoend import HOST, User, copy_workspace, isolated_environment, machine_files, program, whole_state, write_files

pytestmark = pytest.mark.slow

TOTAL = """
import csv, sys
with open("data/table.csv") as file:
    total = sum(float(cell) for row in csv.reader(file) for cell in row)
with open("middle/total.csv", "w") as file:
    file.write(f"total\\n{total}\\n")
"""
NOISE = """
import json, random
with open("middle/noise.json", "w") as file:
    json.dump({"same": 1, "x": random.random()}, file)
"""
TRAIN = """
import json, os, sys
if os.path.exists(os.environ["HOME"] + "/fail"):
    sys.exit("it does not work")
with open("middle/total.csv") as file:
    total = float(file.read().split()[1])
with open(sys.argv[1], "w") as file:
    json.dump({"metrics": {"total": total}, "start_time": str(os.getpid()), "place": os.getcwd()}, file)
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("reproduce")
    root = directory / "ws"
    root.mkdir()
    user = User(root, isolated_environment(directory / "home"))
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    write_files(root, {"code/total.py": TOTAL, "code/noise.py": NOISE, "code/train.py": TRAIN})
    write_files(root, {"data/table.csv": "1,2\n3,4\n", "middle/.keep": ""})
    user.batch("add", "local-files", "--role", "source-data", "--restorable", "data")
    user.batch("add", "git", "--role", "intermediate-data", "middle")
    python = sys.executable
    user.dws("run", "--input", "data", "--output", "middle/total.csv", "--", python, root / "code/total.py")
    user.dws("run", "--no-input", "--output", "middle/noise.json", "--", python, "code/noise.py")
    user.dws(
        "run", "--input", "middle/total.csv", "--results", "results", "--", python, "code/train.py",
        root / "results/results.json",
    )  # fmt: skip
    user.batch("snapshot", "V1")
    write_files(root, {"data/table.csv": "5,6\n", "code/train.py": "raise SystemExit('of today')\n"})
    return root


@pytest.fixture
def here(base: Path, user: User) -> User:
    shutil.copytree(base.parent / "home" / ".config", user.env["XDG_CONFIG_HOME"], dirs_exist_ok=True)
    return user.at(copy_workspace(base, user.cwd / "ws"))


def reproduce(user: User, *arguments: str | Path, status: int = 0) -> Any:
    done = user.dws("reproduce", *arguments, "--json", check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


def verdicts(found: Any) -> dict[str, str]:
    return {output["output"]: output["verdict"] for output in found["outputs"]}


def test_what_is_the_same_and_what_is_not(here: User) -> None:
    """With the data and the code of then, by absolute paths too; times and places are no difference."""
    here.dws("status")
    before = whole_state(here.cwd), machine_files(here.cwd)
    found = reproduce(here, "V1", "--yes", "--no-attest", status=1)
    assert verdicts(found) == {
        "middle:total.csv": "identical",
        "middle:noise.json": "different",
        "results:results.json": "equal",
    }
    noise = next(output for output in found["outputs"] if output["output"] == "middle:noise.json")
    assert noise["details"][0].startswith("x: ")
    assert 0 < noise["largest"] < 1
    assert [step["reasons"][:1] for step in found["steps"] if step["name"] == "noise"] == [["no random seed was set"]]
    assert (whole_state(here.cwd), machine_files(here.cwd)) == before
    assert [path.name for path in here.cwd.parent.iterdir() if path.name.startswith(".dws")] == []


def test_some_steps_only(here: User) -> None:
    found = reproduce(here, "V1", "train", "--yes")
    assert [step["name"] for step in found["steps"]] == ["total", "train"]
    assert (found["reproduced"], found["complete"]) == (True, False)


def test_the_verdict_is_kept_with_the_snapshot(here: User) -> None:
    """As what this user found, without what the steps printed."""
    write_files(Path(here.env["HOME"]), {"fail": ""})
    found = reproduce(here, "V1", "train", "--yes", status=1)
    (kept,) = here.json("attest", "list", "V1")
    assert kept["problem"] is None
    assert kept["counts"] == found["counts"] == {"identical": 1, "failed": 1}
    assert kept["by"] == f"{found['user']}@{found['hostname']}"
    (document,) = (here.cwd / ".dataworkspace/attestations").glob("*/*")
    assert found["steps"][1]["log"]
    assert "it does not work" not in document.read_text()
    assert here.dws("fsck").returncode == 0


def test_a_verdict_that_cannot_be_kept_is_one_all_the_same(here: User) -> None:
    lock = here.cwd / ".git/dws/lock"
    with_lock = here.at(here.cwd, DWS_LOCK_TIMEOUT="0.1")
    lock.write_text(f"{os.getpid()}\n")
    done = with_lock.dws("reproduce", "V1", "train", "--yes")
    assert "The verdict is not kept" in done.stderr
    assert "is reproduced" in done.stdout


def test_a_tolerance(here: User) -> None:
    assert reproduce(here, "V1", "noise", "--atol", "1", "--yes")["counts"] == {"equal": 1}


def test_several_runs_tell_what_is_never_the_same(here: User) -> None:
    found = reproduce(here, "V1", "--again", "2", "--yes", status=1)
    assert {output["output"]: output["varies"] for output in found["outputs"]} == {
        "middle:total.csv": False,
        "middle:noise.json": True,
        "results:results.json": False,
    }


def test_a_step_that_fails_and_one_that_is_not_run(here: User) -> None:
    write_files(Path(here.env["HOME"]), {"fail": ""})
    found = reproduce(here, "V1", "train", "--yes", status=1)
    assert verdicts(found) == {"middle:total.csv": "identical", "results:results.json": "failed"}
    assert "it does not work" in found["steps"][1]["log"]


def test_results_that_were_forged(here: User) -> None:
    """What somebody wrote into the results after the step ran is found out."""
    write_files(here.cwd, {"data/table.csv": "1,2\n3,4\n", "code/train.py": TRAIN})
    results = here.cwd / "results/results.json"
    command = (sys.executable, "code/train.py", "results/results.json")
    here.dws("run", "--input", "middle/total.csv", "--output", "results/results.json", "--", *command)
    results.write_text(results.read_text().replace("10.0", "11.0"))
    here.batch("snapshot", "V2")
    found = reproduce(here, "V2", "train", "--yes", status=1)
    output = next(output for output in found["outputs"] if output["output"] == "results:results.json")
    assert (output["verdict"], output["largest"]) == ("different", 1.0)


def test_command_lines_of_others_are_asked_for(base: Path, user: User) -> None:
    stranger = user.at(copy_workspace(base, user.cwd / "ws"))
    shutil.rmtree(stranger.cwd / ".git/dws/commands", ignore_errors=True)
    (stranger.cwd / ".git/dws/commands").unlink(missing_ok=True)
    done = stranger.batch("reproduce", "V1", check=False)
    assert done.returncode != 0
    assert "code/noise.py" in done.stderr
    assert "--yes" in done.stderr
    assert "Verdict" not in done.stdout


def test_a_page_for_a_reviewer(here: User) -> None:
    done = here.dws("reproduce", "V1", "train", "--yes", "--html", "page.html")
    assert "Snapshot V1 is reproduced: 1 identical, 1 equal" in done.stdout
    page = (here.cwd / "page.html").read_text()
    assert "results:results.json" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_what_cannot_be_reproduced(workspace: User) -> None:
    workspace.batch("snapshot", "V1")
    for arguments, told in ((["V1"], "no recorded steps"), (["nope"], "nope")):
        done = workspace.dws("reproduce", *arguments, check=False)
        assert done.returncode != 0
        assert told in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


MEET = """
import os, sys, time
from pathlib import Path
mine, other = sys.argv[1:]
home = Path(os.environ["HOME"])
(home / mine).touch()
end = time.monotonic() + 60
while ".dws-reproduce" in os.getcwd() and not (home / other).exists():
    if time.monotonic() > end:
        sys.exit(f"{other} did not run at the same time")
    time.sleep(0.05)
Path("middle", mine).write_text(mine)
"""


def test_independent_steps_run_side_by_side(workspace: User) -> None:
    """Two of which each waits for the other one, and one that reads what both write."""
    join = "from pathlib import Path\nPath('results/both').write_text(Path('middle/a').read_text() + Path('middle/b').read_text())"
    write_files(workspace.cwd, {"code/meet.py": MEET, "code/join.py": join, "middle/.keep": ""})
    workspace.batch("add", "git", "--role", "intermediate-data", "middle")
    python = sys.executable
    for mine, other in ("ab", "ba"):
        workspace.dws("run", "--name", mine, "--no-input", "--", python, "code/meet.py", mine, other)
    workspace.dws("run", "--input", "middle", "--", python, "code/join.py")
    workspace.batch("snapshot", "V1")
    for name in "ab":
        Path(workspace.env["HOME"], name).unlink()
    found = reproduce(workspace, "V1", "--yes", "--jobs", "2")
    assert found["counts"] == {"identical": 3}


def test_a_step_that_takes_snapshots_takes_none_again(workspace: User) -> None:
    script = "import subprocess\nopen('results/out', 'w').write('1')\n"
    script += "subprocess.run(['dws', '--batch', 'snapshot', 'V1'], check=True)\n"
    write_files(workspace.cwd, {"code/own.py": script})
    builder = "from dataworkspaces.lineage import LineageBuilder\n"
    builder += "with LineageBuilder().as_script_step().with_parameters({}).with_no_inputs().eval() as lineage:\n"
    builder += "    lineage.add_output_path('results/out')\n    open('results/out', 'w').write('1')\n"
    write_files(workspace.cwd, {"code/own.py": builder + script.replace("open('results/out', 'w').write('1')\n", "")})
    workspace.run(sys.executable, "code/own.py")
    found = reproduce(workspace, "V1", "--yes")
    assert found["counts"] == {"identical": 1}
    assert len(workspace.json("history")["snapshots"]) == 1


def processes_named(text: str) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in place.read_bytes():
                found.append(int(place.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks into /proc")
def test_a_kill_leaves_no_process_and_no_scratch(workspace: User) -> None:
    """Neither the step, nor what it has started; what even a killed watcher would leave, the next one removes."""
    mark = f"mark-{os.getpid()}-{time.time_ns()}"
    code, write = "code/slow.py", "open('results/out', 'w').write('1')\n"
    wait = "import os, subprocess, sys, time\nif '.dws-reproduce' in os.getcwd():\n"
    wait += f"    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', {mark!r}]); time.sleep(600)\n"
    write_files(workspace.cwd, {code: wait + write})
    workspace.dws("run", "--no-input", "--output", "results/out", "--", sys.executable, code, mark)
    workspace.batch("snapshot", "V1")
    before = whole_state(workspace.cwd)
    process = subprocess.Popen(
        [program("dws"), "reproduce", "V1", "--yes"], cwd=workspace.cwd, env=workspace.env, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    assert b"Step slow" in process.stderr.readline()

    def until(condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, what
            time.sleep(0.05)

    until(lambda: len(processes_named(mark)) == 2, "the step did not start")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: processes_named(mark) == [], "the step outlived dws")
    until(lambda: scratch(workspace) == [], "scratch was left")
    assert whole_state(workspace.cwd) == before

    (workspace.cwd.parent / f".dws-reproduce-{process.pid}-{os.uname().nodename}-x").mkdir()
    write_files(workspace.cwd, {code: write})
    workspace.dws("run", "--no-input", "--output", "results/out", "--", sys.executable, code)
    workspace.batch("snapshot", "V2")
    assert "is reproduced" in workspace.dws("reproduce", "V2", "--yes").stdout
    assert scratch(workspace) == []


def scratch(user: User) -> list[str]:
    return [path.name for path in user.cwd.parent.iterdir() if path.name.startswith(".dws-reproduce")]


def test_data_that_are_gone_or_were_tampered_with(here: User) -> None:
    """No step runs on anything else than what it read then."""
    contents = [path for path in here.cwd.rglob("*") if path.is_file() and path.read_bytes() == b"1,2\n3,4\n"]
    assert contents
    for path in contents:
        path.chmod(0o600)
        path.write_bytes(b"1,2\n3,5\n")
    for path in [*contents, None]:
        done = here.dws("reproduce", "V1", "--yes", check=False)
        assert done.returncode not in (0, 1)
        assert "data" in done.stderr
        assert "Traceback" not in done.stderr
        assert "is reproduced" not in done.stdout
        assert scratch(here) == []
        if path is not None:
            path.unlink()
