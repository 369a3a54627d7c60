"""Steps that run at once in one workspace, are killed, fork, or find the disk full: nobody's entries are lost, and
nobody's outputs are said to be what they are not."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from endtoend import FAILED, HOST, User, copy_workspace, isolated_environment, know_environment, program, write_files
from forked import Forked

STEP = '''\
"""SPEC: writes its outputs, and does what it is told on top."""
import json, os, resource, sys, time
from pathlib import Path
from dataworkspaces.lineage import LineageBuilder

spec = json.loads(sys.argv[1])
builder = LineageBuilder().with_step_name(spec["name"]).with_parameters(spec.get("parameters", {}))
for path in spec.get("inputs", []):
    builder.with_input_path(path)
if not spec.get("inputs"):
    builder.with_no_inputs()
if "results" in spec:
    builder.as_results_step(spec["results"])
with builder.eval() as lineage:
    for path in spec.get("outputs", []):
        lineage.add_output_path(path)
        Path(path).write_text(spec.get("text", "output"))
    exec(spec.get("then", ""))
exec(spec.get("after", ""))
'''


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> User:
    directory = tmp_path_factory.mktemp("at-once")
    user = Forked(directory / "base", isolated_environment(directory / "home"))
    user.cwd.mkdir()
    user.batch("init", "--hostname", HOST, "--create-resources", "code,source-data,intermediate-data,results")
    write_files(user.cwd, {"code/step.py": STEP, "source-data/a.csv": "1\n"})
    know_environment(user)
    return user


@pytest.fixture
def project(base: User, user: Forked) -> Forked:
    """At the root of a workspace with a resource of each role."""
    return user.at(copy_workspace(base.cwd, user.cwd / "ws"))


def start(user: User, **spec: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "code/step.py", json.dumps(spec)],
        cwd=user.cwd, env=user.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip


def step(user: Forked, check: bool = True, **spec: Any) -> subprocess.CompletedProcess[str]:
    """In a process that nobody forked, for how it ends is tested."""
    return user.in_new_processes().python("code/step.py", json.dumps(spec), check=check)


def finish(processes: list[subprocess.Popen[str]]) -> None:
    said = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said


def entries(user: User, resource: str) -> list[dict[str, Any]]:
    path = user.cwd / ".dataworkspace" / "current_lineage" / f"{resource}.json"
    found: list[dict[str, Any]] = json.loads(path.read_text())["lineages"]
    return found


def versions(found: list[dict[str, Any]]) -> list[int]:
    return sorted(o["certificate"]["version"] for e in found for o in e["output_resources"])


def states(user: User) -> dict[str, str]:
    return {row["resource"]: row["state"] for row in user.json("report", "lineage")["lineage"]}


def notes(user: User) -> list[Path]:
    directory = user.cwd / ".git" / "dws" / "steps"
    return sorted(directory.iterdir()) if directory.exists() else []


def wait_for(path: Path) -> None:
    for _ in range(1000):
        if path.exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} does not come")


# -- at once -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_steps_at_once_lose_no_entry(project: Forked, number: int) -> None:
    """All are in their blocks at the same time, and leave them together."""
    gate = "p = Path('ready'); p.mkdir(exist_ok=True); (p / spec['name']).touch()\n"
    gate += f"while len(list(p.iterdir())) < {number}: time.sleep(0.01)"
    finish(
        [
            start(project, name=f"s{n}", inputs=["source-data"], outputs=[f"intermediate-data/o{n}"], then=gate)
            for n in range(number)
        ]
    )
    found = entries(project, "intermediate-data")
    assert sorted(e["step_name"] for e in found) == sorted(f"s{n}" for n in range(number))
    assert versions(found) == list(range(1, number + 1))
    sources = entries(project, "source-data")
    assert [e["certificate"]["version"] for e in sources] == [1]
    assert set(states(project).values()) == {"current"}
    assert notes(project) == []


def test_same_step_at_once_gets_versions_of_its_own(project: Forked) -> None:
    finish([start(project, name="same", outputs=["intermediate-data/a", "intermediate-data/b"]) for _ in range(4)])
    (found,) = entries(project, "intermediate-data")
    assert versions([found]) == [7, 8] or len(set(versions([found]))) == 1
    step(project, name="next", outputs=["intermediate-data/c"])
    assert versions(entries(project, "intermediate-data"))[-1] > max(versions([found]))


def test_step_that_ends_during_a_snapshot_is_not_lost(project: Forked) -> None:
    running = start(
        project, name="long", inputs=["source-data"], outputs=["intermediate-data/o"],
        then="while not Path('go').exists(): time.sleep(0.01)",
    )  # fmt: skip
    wait_for(project.cwd / "intermediate-data" / "o")
    project.batch("snapshot", "A")
    (project.cwd / "go").touch()
    finish([running])
    (entry,) = entries(project, "intermediate-data")
    assert entry["step_name"] == "long"
    assert states(project)["intermediate-data:o"] == "current"
    project.batch("snapshot", "B")
    assert set(states(project).values()) == {"current"}
    (read,) = entries(project, "intermediate-data")[0]["input_resources"]
    assert read["certificate"]["hashval"] == entries(project, "source-data")[0]["certificate"]["hashval"]


def test_report_leaves_a_running_step_alone(project: Forked) -> None:
    running = start(
        project, name="long", outputs=["intermediate-data/o"], then="while not Path('go').exists(): time.sleep(0.01)"
    )
    wait_for(project.cwd / "intermediate-data" / "o")
    for _ in range(3):
        assert "intermediate-data:o" not in states(project)
    (project.cwd / "go").touch()
    finish([running])
    assert states(project)["intermediate-data:o"] == "current"


# -- killed ------------------------------------------------------------------------------------------------------------


def test_killed_step_is_unknown_to_whoever_comes_next(project: Forked) -> None:
    step(project, name="one", outputs=["intermediate-data/o"])
    done = step(project, check=False, name="one", outputs=["intermediate-data/o"], then="os.kill(os.getpid(), 9)")
    assert done.returncode == -9
    assert len(notes(project)) == 2
    step(project, name="two", inputs=["intermediate-data/o"], outputs=["intermediate-data/p"])
    found = states(project)
    assert found["intermediate-data:o"] == "unknown"
    assert found["intermediate-data:p"] == "out of date"
    assert notes(project) == []


def test_two_commands_at_once_after_a_kill(project: Forked) -> None:
    for n in range(3):
        step(project, check=False, name=f"s{n}", outputs=[f"intermediate-data/o{n}"], then="os.kill(os.getpid(), 9)")
    commands = [
        subprocess.Popen(
            [program("dws"), "report", "lineage"], cwd=project.cwd, env=project.env,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8",
        )
        for _ in range(3)
    ]  # fmt: skip
    finish(commands)
    assert states(project) == {f"intermediate-data:o{n}": "unknown" for n in range(3)}
    assert notes(project) == []


def dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.mark.parametrize("content", ["", "{pid}\n{host}\n"])
def test_lock_of_a_killed_process_is_taken_over(project: Forked, content: str) -> None:
    lock = project.cwd / ".git" / "dws" / "lineage.lock"
    lock.write_text(content.format(pid=dead_pid(), host=socket.gethostname()))
    os.utime(lock, (1, 1))
    started = time.monotonic()
    step(project, name="one", outputs=["intermediate-data/o"])
    assert time.monotonic() - started < 10
    assert states(project)["intermediate-data:o"] == "current"
    assert not lock.exists()


def test_step_that_was_killed_as_it_began_leaves_nothing_behind(project: Forked) -> None:
    """Its lock is there, and no note beside it."""
    steps = project.cwd / ".git" / "dws" / "steps"
    left = {"0.lock": f"{dead_pid()}\n{socket.gethostname()}\n", "1.json": "{", ".0.json.5b5db83d.tmp": "{"}
    write_files(steps, left)
    assert states(project) == {}
    assert notes(project) == []


@pytest.mark.parametrize("note", ["", "{", "[]", '{"refs": 1, "step": {}}', '{"refs": [["../x", null]], "step": {}}'])
def test_damaged_note_of_a_step_stops_nothing(project: Forked, note: str) -> None:
    steps = project.cwd / ".git" / "dws" / "steps"
    write_files(steps, {"0.lock": f"{dead_pid()}\n{socket.gethostname()}\n", "0.json": note})
    step(project, name="one", outputs=["intermediate-data/o"])
    assert states(project)["intermediate-data:o"] == "current"
    assert notes(project) == []


@pytest.mark.slow
def test_step_that_is_killed_at_any_time_loses_nobody_s_entries(project: Forked) -> None:
    step(project, name="other", inputs=["source-data"], outputs=["intermediate-data/other"])
    for number in range(12):
        process = start(project, name="one", inputs=["source-data"], outputs=["intermediate-data/o"], text=str(number))
        time.sleep(0.02 * number + 0.05)
        process.kill()
        process.communicate()
        found = states(project)
        assert found["intermediate-data:other"] == "current"
        is_written = (project.cwd / "intermediate-data" / "o").exists()
        assert found.get("intermediate-data:o") in (("current", "unknown") if is_written else (None, "unknown"))
    assert notes(project) == []
    assert not list((project.cwd / ".dataworkspace").rglob("*.tmp"))


# -- processes within a step -------------------------------------------------------------------------------------------

CHILDREN = {
    "fork": "import multiprocessing as mp\nwith mp.get_context('fork').Pool(2) as p: assert p.map(abs, [-1]) == [1]",
    "forkserver": "from concurrent.futures import ProcessPoolExecutor as P\nimport multiprocessing as mp\n"
    "with P(1, mp_context=mp.get_context('fork')) as p: assert p.submit(abs, -1).result() == 1",
    "leaves at once": "if os.fork() == 0: os._exit(1)\nos.wait()",
    "fails": "if os.fork() == 0: sys.exit(1)\nos.wait()",
    "ends": "if os.fork() == 0: sys.exit(0)\nos.wait()",
    "is killed": "if os.fork() == 0: os.kill(os.getpid(), 9)\nos.wait()",
}


@pytest.mark.parametrize("kind", CHILDREN)
def test_children_of_a_step_do_not_end_it(project: Forked, kind: str) -> None:
    step(project, name="one", outputs=["intermediate-data/o"], then=CHILDREN[kind])
    assert states(project)["intermediate-data:o"] == "current"
    assert notes(project) == []


@pytest.mark.parametrize("end", ["sys.exit(1)", "sys.exit(0)", "raise ValueError"])
def test_child_that_ends_later_does_not_end_the_step(project: Forked, end: str) -> None:
    then = f"child = os.fork()\nif child == 0: time.sleep(0.5); {end}"
    step(project, check=False, name="one", outputs=["intermediate-data/o"], then=then, after="os.waitpid(child, 0)")
    before = entries(project, "intermediate-data")
    assert states(project)["intermediate-data:o"] == "current"
    time.sleep(0.5)
    assert entries(project, "intermediate-data") == before


def test_step_that_is_killed_after_its_child_ended_is_unknown(project: Forked) -> None:
    then = CHILDREN["leaves at once"] + "\nos.kill(os.getpid(), 9)"
    step(project, check=False, name="one", outputs=["intermediate-data/o"], then=then)
    assert states(project)["intermediate-data:o"] == "unknown"


# -- full disks --------------------------------------------------------------------------------------------------------

FULL = "resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))"


def test_full_disk_at_the_end_of_a_step_is_one_clear_error(project: Forked) -> None:
    step(project, name="one", outputs=["intermediate-data/o"])
    before = (project.cwd / ".dataworkspace" / "current_lineage" / "intermediate-data.json").read_bytes()
    done = step(
        project,
        check=False,
        name="one",
        outputs=["intermediate-data/o"],
        then=f"lineage._contents = lambda refs: {{}}\n{FULL.format(300)}",
    )
    assert done.returncode in FAILED
    assert "StorageError" in done.stderr.strip().splitlines()[-1]
    assert "File too large" in done.stderr.strip().splitlines()[-1]
    assert (project.cwd / ".dataworkspace" / "current_lineage" / "intermediate-data.json").read_bytes() == before
    assert not list((project.cwd / ".dataworkspace").rglob("*.tmp"))
    step(project, name="one", outputs=["intermediate-data/o"])
    assert states(project)["intermediate-data:o"] == "current"


def test_full_disk_does_not_hide_the_error_of_a_step(project: Forked) -> None:
    then = FULL.format(0) + "\nraise ValueError('my error')"
    done = step(project, check=False, name="one", outputs=["intermediate-data/o"], then=then)
    assert done.stderr.strip().splitlines()[-1] == "ValueError: my error"
    assert "could not be marked" in done.stderr


@pytest.mark.parametrize("end", ["", "raise ValueError('my error')"])
def test_step_whose_end_finds_the_disk_full_is_unknown(project: Forked, end: str) -> None:
    """Results have no content to tell by that they are not those of the last run."""
    step(project, name="one", results="results")
    done = step(project, check=False, name="one", results="results", then=f"{FULL.format(0)}\n{end}")
    assert done.returncode in FAILED
    assert states(project)["results"] == "unknown"
    assert notes(project) == []


def test_killed_step_is_not_forgotten_by_who_finds_the_disk_full(project: Forked) -> None:
    step(project, name="one", outputs=["intermediate-data/o"])
    step(project, check=False, name="one", outputs=["intermediate-data/o"], then="os.kill(os.getpid(), 9)")
    limit = f"import resource, sys; {FULL.format(200)}; from dataworkspaces.cli.main import main; sys.exit(main())"
    assert project.in_new_processes().python("-c", limit, "report", "lineage", check=False).returncode in FAILED
    assert states(project)["intermediate-data:o"] == "unknown"
    assert notes(project) == []


@pytest.mark.parametrize("size", [0, 100, 300])
def test_full_disk_during_a_snapshot_keeps_lineage(project: Forked, size: int) -> None:
    step(project, name="one", inputs=["source-data"], outputs=["intermediate-data/o"])
    before = (project.cwd / ".dataworkspace" / "current_lineage" / "intermediate-data.json").read_bytes()
    limit = f"import resource, sys; {FULL.format(size)}; from dataworkspaces.cli.main import main; sys.exit(main())"
    done = project.in_new_processes().python("-c", limit, "--batch", "snapshot", "A", check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert (project.cwd / ".dataworkspace" / "current_lineage" / "intermediate-data.json").read_bytes() == before
    project.batch("snapshot", "A")
    assert set(states(project).values()) == {"current"}
