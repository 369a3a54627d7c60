"""`dws rerun --jobs`: independent steps side by side."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from endtoend import FAILED, HOST, User, copy_workspace, isolated_environment, know_environment, write_files
from forked import Forked

pytestmark = pytest.mark.slow

STEP = """
import pathlib, sys, time
source, target, *needed = sys.argv[1:]
name = pathlib.Path(target).name
pathlib.Path("../meeting").mkdir(exist_ok=True)
pathlib.Path("../meeting", name).touch()
print(f"{name} begins", flush=True)
for other in needed if pathlib.Path("meet").exists() else ():
    until = time.monotonic() + 60
    while not pathlib.Path("../meeting", other).exists():
        if time.monotonic() > until:
            sys.exit(f"{other} never came")
        time.sleep(0.01)
if pathlib.Path("sleep").exists():
    time.sleep(600)
if name in (pathlib.Path("fail").read_text().split() if pathlib.Path("fail").exists() else ()):
    sys.exit(3)
pathlib.Path(target).write_text(pathlib.Path(source).read_text() + name)
print(f"{name} ends", flush=True)
"""
STEPS = {"a": ("data/in.txt", "b"), "b": ("data/in.txt", "a"), "after": ("middle/a", "a"), "apart": ("data/in.txt", "")}
"""What each reads, and which other it waits for, if the file "meet" is there: a and b end only side by side."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("jobs")
    root = directory / "ws"
    root.mkdir()
    user = Forked(root, isolated_environment(directory / "home"))
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    write_files(root, {"data/in.txt": "one\n", "code/step.py": STEP})
    user.batch("add", "git", "--role", "source-data", "./data")
    (root / "middle").mkdir()
    user.batch("add", "git", "--role", "intermediate-data", "./middle")
    for name, (source, other) in STEPS.items():
        options = [f"--input={source}", *([] if name == "apart" else [f"--output=middle/{name}"])]
        command = ["python", "code/step.py", source, f"middle/{name}", *filter(None, [other])]
        user.dws("run", "--name", name, *options, "--", *command)
    know_environment(user)
    return root


@pytest.fixture
def here(base: Path, user: User) -> User:
    shutil.copytree(base.parent / "home" / ".config", user.env["XDG_CONFIG_HOME"], dirs_exist_ok=True)
    here = user.at(copy_workspace(base, user.cwd / "ws"))
    write_files(here.cwd, {"data/in.txt": "two\n", "meet": ""})
    return here


def states(user: User) -> dict[str, bool]:
    return {step["step"]: step["runs"] for step in json.loads(user.dws("steps", "--json").stdout)}


def test_independent_steps_run_side_by_side(here: User) -> None:
    done = here.dws("rerun", "--jobs", "2")  # one at a time, a would wait for b in vain
    assert done.returncode == 0, done.stderr
    assert "Ran a, b, after, apart" in done.stderr
    assert states(here) == dict.fromkeys(STEPS, False)
    assert (here.cwd / "middle/after").read_text() == "two\naafter"


def test_what_each_prints_comes_in_one_piece(here: User) -> None:
    lines = here.dws("rerun", "--jobs", "3").stdout.splitlines()
    assert sorted(lines) == sorted(f"{name} {what}" for name in STEPS for what in ("begins", "ends"))
    assert [lines[n].split()[0] for n in range(0, 8, 2)] == [lines[n].split()[0] for n in range(1, 8, 2)]


def test_one_that_fails_stops_only_what_reads_it(here: User) -> None:
    (here.cwd / "fail").write_text("a")
    done = here.dws("rerun", "--jobs", "2", check=False)
    assert done.returncode == 3
    assert "Step after was skipped: it reads what step a writes" in done.stderr
    assert "Ran b, apart" in done.stderr
    assert states(here) == {"a": True, "after": True, "b": False, "apart": False}
    (here.cwd / "fail").unlink()
    (here.cwd / "meet").unlink()
    assert "Ran a, after" in here.dws("rerun", "--jobs", "2").stderr


def test_an_output_that_is_missing_interrupts_nobody(here: User) -> None:
    script = here.cwd / "code/step.py"
    script.write_text(STEP.replace("pathlib.Path(target).write", 'if name != "a": pathlib.Path(target).write'))
    (here.cwd / "middle/a").unlink()
    done = here.dws("rerun", "--jobs", "2", check=False)
    assert done.returncode in FAILED
    assert "Step a succeeded, but did not write middle:a" in done.stderr
    assert (here.cwd / "middle/b").read_text() == "two\nb"
    assert states(here)["b"] is False


def test_interrupted(here: User, user: User) -> None:
    """Both are told to end, nothing more begins, and all of it is to be done again."""
    (here.cwd / "sleep").touch()
    process = subprocess.Popen(
        ["dws", "rerun", "--jobs", "2"], cwd=here.cwd, env=here.env, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 60
    while not all((here.cwd.parent / "meeting" / name).exists() for name in "ab"):
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    (here.cwd / "sleep").unlink()
    assert states(here) == dict.fromkeys(STEPS, True)
    here.dws("rerun", "--jobs", "2")
    assert states(here) == dict.fromkeys(STEPS, False)


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_bad_numbers(here: User, number: str) -> None:
    done = here.dws("rerun", "--jobs", number, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
