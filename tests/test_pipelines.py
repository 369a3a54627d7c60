"""`dws steps --export`: each file is run by the real tool."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from endtoend import FAILED, HOST, User, copy_workspace, isolated_environment, write_files
from forked import Forked

pytestmark = pytest.mark.slow

JOIN = """
import pathlib, sys, yaml
*sources, target = sys.argv[1:]
pathlib.Path(target).parent.mkdir(exist_ok=True)
text = "".join(p.read_text() for s in map(pathlib.Path, sources) for p in (sorted(s.iterdir()) if s.is_dir() else [s]))
pathlib.Path(target).write_text(text.lower())
with open("../ran.log", "a") as log:
    log.write(pathlib.Path(target).name + "\\n")
"""
NAME = "it's $(touch pwned) odd, 100 %=#1"
"""Of a file. (Make takes no backslash, and Snakemake no braces.)"""
TOOLS = {
    "make": ("Makefile", ["make", "-s"]),
    "snakemake": ("Snakefile", ["snakemake", "--cores", "1"]),
    "dvc": ("dvc.yaml", ["dvc", "repro", "--quiet"]),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three steps: one of a directory, one of a file with an odd name and of that one, and one with an odd line."""
    directory = tmp_path_factory.mktemp("pipelines")
    root = directory / "ws"
    root.mkdir()
    user = Forked(root, isolated_environment(directory / "home"))
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    write_files(
        root, {"data/many/1.txt": "One\n", "data/many/2.txt": "Two\n", f"data/{NAME}": "Odd\n", "code/join.py": JOIN}
    )
    user.batch("add", "git", "--role", "source-data", "./data")
    (root / "middle").mkdir()
    user.batch("add", "git", "--role", "intermediate-data", "./middle")
    run = ["python", "code/join.py"]
    user.dws(
        "run",
        "--name",
        "clean",
        "--input",
        "data/many",
        "--output",
        "middle/clean",
        "--",
        *run,
        "data/many",
        "middle/clean",
    )
    user.dws("run", "--name", "odd", "--input", f"data/{NAME}", "--input", "middle/clean", "--output", f"middle/{NAME}", "--",
             *run, f"data/{NAME}", "middle/clean", f"middle/{NAME}")  # fmt: skip
    script = "import pathlib\nprint(r'\\n', '$HOME', \"{x}\", file=open('results/text', 'w'))"
    user.dws(
        "run",
        "--name",
        "Now: print!",
        "--input",
        f"middle/{NAME}",
        "--results",
        "results",
        "--",
        "python",
        "-c",
        script,
    )
    (directory / "ran.log").unlink()
    return root


@pytest.fixture
def here(base: Path, user: User) -> User:
    shutil.copytree(base.parent / "home" / ".config", user.env["XDG_CONFIG_HOME"], dirs_exist_ok=True)
    return user.at(copy_workspace(base, user.cwd / "ws"))


def shell(user: User, *command: str) -> None:
    done = subprocess.run(command, cwd=user.cwd, env=user.env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("tool", TOOLS)
def test_the_real_tool_runs_it(here: User, tool: str) -> None:
    file, command = TOOLS[tool]
    done = here.dws("steps", "--export", tool)
    assert done.stderr == ""
    assert str(here.cwd) not in done.stdout
    (here.cwd / file).write_text(done.stdout)
    if tool == "dvc":
        shell(here, "dvc", "init", "--quiet")
        shell(here, "dvc", "config", "core.analytics", "false")
    shutil.rmtree(here.cwd / "middle")
    (here.cwd / "results/text").unlink()
    log = here.cwd.parent / "ran.log"

    def ran() -> list[str]:
        log.unlink(missing_ok=True)
        shell(here, *command)
        return log.read_text().splitlines() if log.exists() else []

    assert ran() == ["clean", NAME]
    assert (here.cwd / f"middle/{NAME}").read_text() == "odd\none\ntwo\n"
    assert (here.cwd / "results/text").read_text() == "\\n $HOME {x}\n"
    assert ran() == []  # all is up to date for it
    write_files(here.cwd, {"data/many/2.txt": "Three\n"})
    assert ran() == ["clean", NAME]
    write_files(here.cwd, {f"data/{NAME}": "Even\n"})
    assert ran() == [NAME]
    write_files(here.cwd, {"code/join.py": JOIN + "# changed"})
    assert ran() == ["clean", NAME]
    (here.cwd / "middle/clean").unlink()
    assert "clean" in ran()
    assert (here.cwd / f"middle/{NAME}").read_text() == "even\none\nthree\n"
    assert not (here.cwd / "pwned").exists()


def test_a_workspace_without_steps(workspace: User) -> None:
    empty = workspace.dws("steps", "--export", "make", check=False)
    assert empty.returncode in FAILED
    assert "No steps are recorded" in empty.stderr


def test_what_it_cannot_export(here: User) -> None:
    assert here.dws("steps", "--export", "make", "--json", check=False).returncode == 2
    assert here.dws("steps", "--export", "ant", check=False).returncode == 2
    name = "back\\slash"
    write_files(here.cwd, {f"data/{name}": ""})
    here.dws(
        "run",
        "--input",
        f"data/{name}",
        "--output",
        "middle/more",
        "--",
        "python",
        "code/join.py",
        f"data/{name}",
        "middle/more",
    )
    refused = here.dws("steps", "--export", "make", check=False)
    assert (refused.returncode in FAILED, refused.stdout) == (True, "")
    assert "make cannot have the name 'data/back\\\\slash'" in refused.stderr


def test_command_lines_of_others_are_named(here: User, user: User) -> None:
    shutil.rmtree(Path(user.env["XDG_CONFIG_HOME"], "dws"), ignore_errors=True)
    assert "came with the workspace: read them before you run them" in here.dws("steps", "--export", "dvc").stderr
