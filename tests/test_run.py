"""`dws run`: any command as a step of the pipeline."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from endtoend import (
    FAILED,
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

UPPER = """
import sys
open(sys.argv[2], "w").write(open(sys.argv[1]).read().upper())
"""
PREPARE = ["python", "code/upper.py", "data/in.txt", "middle/a.txt"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the resources data, code, middle and results, each a directory of its repository."""
    directory = tmp_path_factory.mktemp("run")
    root = directory / "ws"
    root.mkdir()
    user = Forked(root, isolated_environment(directory / "home"))
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    write_files(root, {"data/in.txt": "hello\n", "data/other.txt": "other\n", "code/upper.py": UPPER})
    user.batch("add", "git", "--role", "source-data", "./data")
    (root / "middle").mkdir()
    user.batch("add", "git", "--role", "intermediate-data", "./middle")
    know_environment(user)
    return root


@pytest.fixture
def here(base: Path, user: User) -> User:
    return user.at(copy_workspace(base, user.cwd / "ws"))


@pytest.fixture(params=["git", "local-files"])
def elsewhere(user: User, request: pytest.FixtureRequest) -> User:
    """The same with data and middle outside of the workspace: as repositories of their own, or as plain directories."""
    root = user.cwd / "ws"
    root.mkdir()
    here = user.at(root)
    here.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    write_files(root, {"code/upper.py": UPPER})
    for name, role in (("data", "source-data"), ("middle", "intermediate-data")):
        user.make_repository(user.cwd / name, {"in.txt": "hello\n", ".gitignore": "*.big\n"})
        here.batch("add", request.param, "--role", role, user.cwd / name)
    return here


def run(user: User, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    done = user.dws("run", *arguments, **{"check": False, **options})
    assert "Traceback" not in done.stderr
    return done


def ran(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether the command was run; a failure is none of both."""
    assert done.returncode == 0, done.stderr
    return "is up to date, and was not run" not in done.stderr


def steps(user: User, resource: str) -> list[Any]:
    path = user.cwd / ".dataworkspace" / "current_lineage" / f"{resource}.json"
    entries = json.loads(path.read_text())["lineages"] if path.exists() else []
    return [entry for entry in entries if entry["type"] == "step"]


def states(user: User) -> dict[str, str]:
    return {row["resource"]: row["state"] for row in user.json("report", "lineage")["lineage"]}


def outputs(user: User, resource: str) -> list[str]:
    return [cert["subpath"] for entry in steps(user, resource) for cert in entry["output_resources"]]


def refused(user: User, *arguments: str | Path) -> str:
    """The one line with which bad input ends."""
    before = whole_state(user.cwd)
    done = run(user, *arguments)
    assert done.returncode in FAILED
    assert whole_state(user.cwd) == before
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


# -- streams and exit status --------------------------------------------------------------------------------------------


def test_streams_pass_through_byte_by_byte(here: User) -> None:
    content = bytes(range(256)) * 1000
    done = subprocess.run(
        [program("dws"), "run", "--", "sh", "-c", "cat; echo problem >&2"],
        cwd=here.cwd, env=here.env, input=content, capture_output=True,
    )  # fmt: skip
    assert done.stdout == content
    assert done.stderr.startswith(b"problem\n")


@pytest.mark.parametrize(("script", "status"), [("exit 7", 7), ("kill -KILL $$", 137), ("exit 255", 255)])
def test_the_exit_status_is_that_of_the_command(here: User, script: str, status: int) -> None:
    done = run(here, "--", "sh", "-c", script)
    assert done.returncode == status
    assert done.stderr == f"Step sh failed with exit status {status}\n"


def test_a_reader_that_goes_away_ends_the_command(here: User) -> None:
    done = here.run("sh", "-c", f"{program('dws')} run -- yes | head -1")
    assert done.stdout == "y\n"
    assert "Step yes failed with exit status 141" in done.stderr


def test_arguments_reach_the_command_as_they_are(here: User) -> None:
    odd = [b"a b", b"'\"", b"line\nbreak", b"\xff\xfe", "ü€😀".encode(), b"--force", b"-", b"--", b"", b"$(id)", b"*"]
    script = "import os, sys; sys.stdout.buffer.write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    command = [program("dws"), "run", "--", "python", "-c", script, *odd]
    done = subprocess.run(command, cwd=here.cwd, env=here.env, capture_output=True, stdin=subprocess.DEVNULL)
    assert done.stdout.split(b"\0") == odd


def test_the_command_may_stand_without_dashes_before_it(here: User) -> None:
    assert run(here, "ls", "-a", "data").stdout.split() == [".", "..", "in.txt", "other.txt"]


def test_many_arguments(here: User) -> None:
    numbers = [str(n) for n in range(40_000)]
    assert run(here, "--", "echo", *numbers).stdout.split() == numbers


def test_a_long_program_on_the_command_line(here: User) -> None:
    program_text = f"print('{'x' * 5000}.py')"
    assert len(run(here, "--", "python", "-c", program_text).stdout) == 5004


# -- ends before its time ---------------------------------------------------------------------------------------------


def begin(user: User, *arguments: str) -> subprocess.Popen[bytes]:
    """Begin a run in a process group of its own, and wait until its command has written `middle/started`."""
    process = subprocess.Popen(
        [program("dws"), "run", *arguments], cwd=user.cwd, env=user.env, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    until(lambda: (user.cwd / "middle" / "started").exists())
    return process


def until(condition: Any) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


SLEEP = ["sh", "-c", "echo new > middle/a.txt; touch middle/started; exec sleep 60"]


def end_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_ctrl_c_ends_the_command_and_leaves_its_outputs_unknown(here: User) -> None:
    process = begin(here, "--output", "middle/a.txt", "--", *SLEEP)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.decode() == "Step sh failed with exit status 130; unknown now: middle:a.txt\n"
    assert states(here)["middle:a.txt"] == "unknown"


def test_ctrl_c_that_the_command_survives_is_no_failure(here: User) -> None:
    script = "trap 'echo caught > middle/a.txt; exit 0' INT; touch middle/started; while :; do sleep 0.05; done"
    process = begin(here, "--output", "middle/a.txt", "--", "sh", "-c", script)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert states(here)["middle:a.txt"] == "current"


def test_sigterm_ends_the_command_too(here: User) -> None:
    process = begin(here, "--", *SLEEP)
    process.terminate()
    _, said = process.communicate(timeout=30)
    assert process.returncode == 143
    assert b"unknown now: middle:a.txt, middle:started" in said
    assert states(here)["middle:a.txt"] == "unknown"


def test_kill_9_leaves_the_outputs_that_were_named_unknown(here: User) -> None:
    process = begin(here, "--output", "middle/a.txt", "--", *SLEEP)
    process.kill()
    process.wait()
    end_group(process)
    assert states(here)["middle:a.txt"] == "unknown"


def test_kill_9_leaves_unknown_what_the_step_wrote_the_last_time(here: User) -> None:
    quick = [*SLEEP[:2], SLEEP[2].replace("sleep 60", "true")]
    assert ran(run(here, "--name", "slow", "--", *quick))
    (here.cwd / "middle" / "started").unlink()
    process = begin(here, "--name", "slow", "--", *SLEEP)
    process.kill()
    process.wait()
    end_group(process)
    assert states(here)["middle:a.txt"] == "unknown"


# -- bad input ---------------------------------------------------------------------------------------------------------


def test_a_command_that_cannot_be_run_changes_nothing(here: User) -> None:
    write_files(here.cwd, {"data/plain": "no program"})
    run(here, "--output", "middle/a.txt", "--", *PREPARE)
    for command, problem in {
        "nosuch": "There is no command 'nosuch' on the PATH. ",
        "./nosuch": "The command './nosuch' does not exist. ",
        "./data/plain": "The command './data/plain' is not executable. ",
        "./data": "The command './data' is a directory. ",
    }.items():
        assert problem in refused(here, "--output", "middle/a.txt", "--", command)
    assert states(here)["middle:a.txt"] == "current"


def test_options_that_say_nothing_sensible(here: User) -> None:
    assert "No command" in refused(here)
    assert "nix does not exist" in refused(here, "--input", "data/nix", "--", "true")
    assert "is not in any resource" in refused(here, "--output", "../elsewhere", "--", "true")
    assert "is not in any resource" in refused(here, "--input", "..", "--", "true")
    assert "is not a results resource" in refused(here, "--results", "data/r", "--", "true")
    assert "name" in refused(here, "--name", " ", "--", "true")
    assert "'a' is given twice" in refused(here, "--param", "a=1", "--param", "a=2", "--", "true")


def test_an_output_that_was_not_written(here: User) -> None:
    done = run(here, "--output", "middle/a.txt", "--", "true")
    assert done.returncode in FAILED
    assert "Step true succeeded, but did not write middle:a.txt" in done.stderr


def test_an_output_within_that_of_another_step(here: User) -> None:
    run(here, "--output", "middle/dir", "--", "sh", "-c", "mkdir middle/dir; echo 1 > middle/dir/a")
    said = refused(here, "--name", "other", "--output", "middle/dir/a", "--", "touch", "middle/ran")
    assert "would write middle:dir/a, which overlaps with middle:dir, the output of step sh" in said


# -- what is recorded --------------------------------------------------------------------------------------------------


def test_all_of_a_run_is_recorded(here: User) -> None:
    options = [
        "--name",
        "shout",
        "--param",
        "rate=0.5",
        "--param",
        "kind=loud",
        "--input",
        "data",
        "--output",
        "middle",
    ]
    done = run(here.at(here.cwd / "code"), *[o.replace("data", "../data").replace("middle", "../middle") for o in options],
               "--", "python", "upper.py", "../data/in.txt", "../middle/a.txt")  # fmt: skip
    assert done.stderr.startswith("Step shout took ")
    assert done.stderr.endswith(" s, read data and wrote middle\n")
    [step] = steps(here, "middle")
    assert step["step_name"] == "shout"
    assert step["command_line"] == ["python", "upper.py", "../data/in.txt", "../middle/a.txt"]
    assert step["working_directory"] == "code"
    assert step["run_from_directory"] == ["code", None]
    assert step["parameters"] == {"rate": 0.5, "kind": "loud"}
    assert step["exit_status"] == 0
    assert step["execution_time_seconds"] > 0
    assert [cert["resource_name"] for cert in step["input_resources"]] == ["data"]
    assert [cert["resource_name"] for cert in step["code_resources"]] == ["code"]
    assert step["input_resources"][0]["certificate"]["content"]
    assert step["environment"]["python"] == here.run("python", "-V").stdout.split()[1]


def test_inputs_code_and_outputs_are_found(here: User) -> None:
    done = run(here, "--", *PREPARE)
    assert done.stderr.endswith(" s, read data:in.txt and wrote middle:a.txt\n")
    [step] = steps(here, "middle")
    assert [cert["subpath"] for cert in step["input_resources"]] == ["in.txt"]
    assert [cert["resource_name"] for cert in step["code_resources"]] == ["code"]


def test_the_directory_that_is_written_to_is_no_input(here: User) -> None:
    assert ran(run(here, "--", "cp", "data/in.txt", "middle"))
    [step] = steps(here, "middle")
    assert [(c["resource_name"], c["subpath"]) for c in step["input_resources"]] == [("data", "in.txt")]
    assert not ran(run(here, "--", "cp", "data/in.txt", "middle"))


def test_old_times_and_links_are_found(here: User) -> None:
    write_files(here.cwd, {"middle/old": "hello\n"})
    shutil.copystat(here.cwd / "data/in.txt", here.cwd / "middle/old")
    run(here, "--", "sh", "-c", "cp -p data/in.txt middle/old; ln -s old middle/link; echo 1 > middle/.hidden")
    assert outputs(here, "middle") == [".hidden", "link", "old"]


def test_nothing_changed(here: User) -> None:
    assert run(here, "--", "true").stderr == "Step true changed no resource, so nothing is recorded\n"


def test_thousands_of_files_are_one_directory(here: User) -> None:
    script = "mkdir -p middle/many/x; cd middle/many; for i in $(seq 3000); do echo $i > x/$i; done"
    assert ran(run(here, "--", "sh", "-c", script))
    assert outputs(here, "middle") == ["many"]
    assert not ran(run(here, "--", "sh", "-c", script))


def test_thousands_of_files_beside_that_of_another_step(here: User) -> None:
    run(here, "--name", "one", "--", "cp", "data/in.txt", "middle/one")
    script = "cd middle; for i in $(seq 2000); do echo $i > $i; done"
    assert ran(run(here, "--name", "many", "--", "sh", "-c", script))
    assert len(outputs(here, "middle")) == 2001


def test_code_that_a_command_writes_is_told(here: User) -> None:
    done = run(here, "--", "touch", "code/made.py")
    assert "wrote to code:made.py" in done.stderr


def test_files_that_git_ignores_are_no_outputs(here: User) -> None:
    write_files(here.cwd, {"data/.gitignore": "*.big"})
    done = run(here, "--", "sh", "-c", "echo 1 > data/x.big; echo 2 > data/y")
    assert done.stderr.endswith("wrote data:y\n")


# -- results ------------------------------------------------------------------------------------------------------------


def results(user: User, directory: str = "results") -> Any:
    return json.loads((user.cwd / directory / "results.json").read_text())


def test_results_hold_parameters_and_metrics(here: User) -> None:
    script = "mkdir -p results/one; echo '{\"accuracy\": 0.9}' > results/one/metrics.json"
    assert ran(run(here, "--results", "results/one", "--param", "C=1", "--name", "train", "--", "sh", "-c", script))
    found = results(here, "results/one")
    assert (found["step"], found["parameters"], found["metrics"]) == ("train", {"C": 1}, {"accuracy": 0.9})
    assert outputs(here, "results") == ["one"]
    assert not ran(run(here, "--results", "results/one", "--param", "C=1", "--name", "train", "--", "sh", "-c", script))


def test_metrics_of_an_earlier_run_are_not_taken(here: User) -> None:
    write_files(here.cwd, {"results/metrics.json": '{"accuracy": 0.9}'})
    assert ran(run(here, "--results", "results", "--", "touch", "results/x"))
    assert results(here)["metrics"] == {}


@pytest.mark.parametrize("content", ["{", "[1]", "\\0377"])
def test_metrics_that_are_no_json_object_are_told(here: User, content: str) -> None:
    done = run(here, "--results", "results", "--output", "middle/a", "--", "sh", "-c",
               f"printf '{content}' > results/metrics.json; echo > middle/a")  # fmt: skip
    assert done.returncode == 0
    assert "metrics.json" in done.stderr.splitlines()[0]
    assert results(here)["metrics"] == {}
    assert states(here)["results"] == "current"


def test_the_results_that_a_command_writes_itself_stay(here: User) -> None:
    script = 'echo \'{"metrics": {"a": 1}, "mine": 2}\' > results/results.json'
    for _ in range(2):
        assert ran(run(here, "--force", "--results", "results", "--", "sh", "-c", script))
        assert results(here) == {"metrics": {"a": 1}, "mine": 2}
        assert steps(here, "results")[0]["metrics"] == {"a": 1}


def test_results_of_an_earlier_run_that_are_broken(here: User) -> None:
    write_files(here.cwd, {"results/results.json": "{"})
    assert ran(run(here, "--results", "results", "--", "touch", "results/x"))
    assert results(here)["metrics"] == {}


# -- skipping -----------------------------------------------------------------------------------------------------------


def test_a_second_run_is_skipped_with_a_line(here: User) -> None:
    assert ran(run(here, "--", *PREPARE))
    before = whole_state(here.cwd)
    done = run(here, "--", *PREPARE)
    assert done.stderr == "Step upper is up to date, and was not run (--force runs it)\n"
    assert whole_state(here.cwd) == before
    assert ran(run(here, "--force", "--", *PREPARE))


def test_resources_outside_of_the_workspace(elsewhere: User) -> None:
    command = ["python", "code/upper.py", "../data/in.txt", "../middle/a.txt"]
    done = run(elsewhere, "--", *command)
    assert done.stderr.endswith(" s, read data:in.txt and wrote middle:a.txt\n")
    os.utime(elsewhere.cwd / "../data/in.txt")
    assert not ran(run(elsewhere, "--", *command))
    write_files(elsewhere.cwd, {"../data/in.txt": "other"})
    assert ran(run(elsewhere, "--", *command))
    assert not ran(run(elsewhere, "--", *command))
    write_files(elsewhere.cwd, {"../middle/a.txt": "edited"})
    assert ran(run(elsewhere, "--", *command))
    (elsewhere.cwd / "../middle/a.txt").unlink()
    assert ran(run(elsewhere, "--", *command))
    assert not ran(run(elsewhere, "--", *command))


def test_an_input_that_git_ignores_counts_if_it_is_named(elsewhere: User) -> None:
    write_files(elsewhere.cwd, {"../data/a.big": "1"})
    command = ["--input", "../data/a.big", "--", "cp", "../data/a.big", "../middle/b"]
    assert ran(run(elsewhere, *command))
    assert not ran(run(elsewhere, *command))
    write_files(elsewhere.cwd, {"../data/a.big": "2"})
    assert ran(run(elsewhere, *command))
    assert (elsewhere.cwd / "../middle/b").read_text() == "2"


def test_a_snapshot_and_a_restore_change_nothing_but_where_results_are(here: User) -> None:
    prepare = PREPARE
    train = ["--results", "results", "--", "cp", "middle/a.txt", "results/model"]
    assert ran(run(here, "--", *prepare))
    assert ran(run(here, *train))
    here.batch("snapshot", "ONE")
    assert not ran(run(here, "--", *prepare))
    moved = run(here, "--no-cache", *train)  # the results that it names are not at their place, as for `make`
    assert ran(moved)
    assert "a snapshot has moved results:results.json away" in moved.stderr
    assert "up to date" in here.batch("rerun").stdout
    write_files(here.cwd, {"data/in.txt": "other"})
    assert ran(run(here, "--", *prepare))
    assert ran(run(here, *train))
    here.batch("snapshot", "TWO")
    here.batch("restore", "ONE")
    assert not ran(run(here, "--", *prepare))
    again = run(here, *train)  # the present results are those of TWO: a restore leaves them
    assert "Step cp did the same in snapshot ONE" in again.stderr
    assert (here.cwd / "results/model").read_text() == (here.cwd / "middle/a.txt").read_text()
    assert "up to date" in run(here, *train).stderr
    assert "taken from snapshot" in here.batch("steps").stdout
    assert "up to date" in here.batch("rerun").stdout


# -- where, and what with what --------------------------------------------------------------------------------------------


def test_another_directory_is_another_command(here: User) -> None:
    write_files(
        here.cwd, {"code/one/make.sh": "echo one > ../../middle/m", "code/two/make.sh": "echo two > ../../middle/m"}
    )
    assert ran(run(here.at(here.cwd / "code/one"), "sh", "make.sh"))
    assert ran(run(here.at(here.cwd / "code/two"), "sh", "make.sh"))
    assert (here.cwd / "middle/m").read_text() == "two\n"


def test_from_outside_with_the_directory_of_the_workspace(here: User) -> None:
    done = run(here.at(here.cwd.parent), "--workspace-dir", "ws", "--", "cp", "ws/data/in.txt", "ws/middle/c")
    assert done.stderr.endswith("read data:in.txt and wrote middle:c\n")
    assert "working_directory" not in steps(here, "middle")[0]


def test_two_runs_at_once_each_find_their_own(here: User) -> None:
    script = "touch middle/started; while [ ! -e ../go ]; do sleep 0.02; done; echo 1 > middle/first"
    first = begin(here, "--name", "first", "--", "sh", "-c", script)
    second = subprocess.Popen(
        [program("dws"), "run", "--name", "second", "--", "touch", "middle/second"],
        cwd=here.cwd, env=here.env, stderr=subprocess.PIPE,
    )  # fmt: skip
    third = run(here, "--name", "third", "--output", "middle/third", "--", "touch", "middle/third")
    assert ran(third)
    assert second.stderr is not None
    assert b"Waiting" in second.stderr.readline()  # it has begun, and does not find what the first one writes
    write_files(here.cwd.parent, {"go": ""})
    first.communicate(timeout=30)
    second.communicate(timeout=30)
    found = {entry["step_name"]: entry["output_resources"] for entry in steps(here, "middle")}
    paths = {name: sorted(cert["subpath"] for cert in certs) for name, certs in found.items()}
    assert paths == {"first": ["first", "started"], "second": ["second"], "third": ["third"]}


def test_a_run_within_a_run_is_the_maker(here: User) -> None:
    inner = f"{program('dws')} run --name inner -- cp data/in.txt middle/x; echo 1 > middle/y"
    assert ran(run(here, "--name", "outer", "--", "sh", "-c", inner))
    found = {entry["step_name"]: entry["output_resources"] for entry in steps(here, "middle")}
    assert {n: [c["subpath"] for c in certs] for n, certs in found.items()} == {"inner": ["x"], "outer": ["y"]}


# -- scripts that record themselves -----------------------------------------------------------------------------------------

SELF = """
import sys
from dataworkspaces.lineage import LineageBuilder
builder = LineageBuilder().as_script_step().with_parameters({"rate": 2}).with_input_path("data/in.txt")
with builder.eval() as lineage:
    lineage.add_output_path("middle/b.txt")
    open("middle/b.txt", "w").write(open("data/in.txt").read() * 2)
"""


@pytest.mark.parametrize("named", [[], ["--output", "middle/b.txt"]])
def test_a_script_that_records_itself(here: User, named: list[str]) -> None:
    write_files(here.cwd, {"code/twice.py": SELF})
    command = ["--param", "seed=1", *named, "--", "python", "code/twice.py"]
    assert ran(run(here, *command))
    [step] = steps(here, "middle")
    assert step["step_name"] == "twice"
    assert step["parameters"] == {"rate": 2, "seed": 1}
    assert [cert["subpath"] for cert in step["input_resources"]] == ["in.txt"]
    assert step["run"]["command"] == ["python", "code/twice.py"]
    assert not ran(run(here, *command))
    write_files(here.cwd, {"data/other.txt": "which it does not read"})
    assert not ran(run(here, *command))
    write_files(here.cwd, {"data/in.txt": "changed"})
    assert ran(run(here, *command))


KIT = """
import numpy
from sklearn.linear_model import LogisticRegression
from dataworkspaces.kits.scikit_learn import LineagePredictor
X, y = numpy.arange(40).reshape(20, 2), numpy.arange(20) % 2
model = LineagePredictor(LogisticRegression(C=3), "binary_classification", input_resource="data", results_resource="results")
model.fit(X, y)
model.score(X, y)
"""


@pytest.mark.slow
def test_a_script_that_uses_the_kit(here: User) -> None:
    write_files(here.cwd, {"code/train.py": KIT})
    command = ["--results", "results", "--param", "seed=1", "--", "python", "code/train.py"]
    done = run(here, *command)
    assert ran(done)
    [step] = steps(here, "results")
    assert (step["step_name"], step["parameters"]["C"], step["parameters"]["seed"]) == ("train", 3, 1)
    assert [cert["resource_name"] for cert in step["input_resources"]] == ["data"]
    assert results(here)["metrics"]["accuracy"] >= 0
    assert not ran(run(here, *command))
    write_files(here.cwd, {"data/in.txt": "changed"})
    assert ran(run(here, *command))
