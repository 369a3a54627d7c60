"""`dws rerun`: recorded command lines again, in the order of the graph."""

from __future__ import annotations

import json
import shutil
import subprocess
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
    whole_state,
    write_files,
)
from forked import Forked

pytestmark = pytest.mark.slow

JOIN = """
import pathlib, sys
*sources, target = sys.argv[1:]
pathlib.Path("scratch").mkdir(exist_ok=True)
with open("scratch/ran.log", "a") as log:
    log.write(pathlib.Path(target).name + " ")
if pathlib.Path("scratch/fail").exists() and pathlib.Path("scratch/fail").read_text() == pathlib.Path(target).name:
    pathlib.Path(target).write_text("broken")
    sys.exit(3)
pathlib.Path(target).write_text("".join(pathlib.Path(source).read_text() for source in sources).lower())
"""
DIAMOND = {
    "a": ["data/in.txt", "middle/a"],
    "b": ["middle/a", "middle/b"],
    "c": ["middle/a", "middle/c"],
    "d": ["middle/b", "middle/c", "results/d"],
}
"""What each step reads and writes; its name is that of the file that it writes."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("rerun")
    root = directory / "ws"
    root.mkdir()
    user = Forked(root, isolated_environment(directory / "home"))
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    write_files(root, {"data/in.txt": "one\n", "code/join.py": JOIN})
    user.batch("add", "git", "--role", "source-data", "./data")
    (root / "middle").mkdir()
    user.batch("add", "git", "--role", "intermediate-data", "./middle")
    for name, (*inputs, output) in DIAMOND.items():
        options = [f"--input={path}" for path in inputs]
        user.dws("run", "--name", name, *options, "--output", output, "--", "python", "code/join.py", *inputs, output)
    (root / "scratch/ran.log").unlink()
    know_environment(user)
    return root


@pytest.fixture
def here(base: Path, user: User) -> User:
    # Who ran the steps is who runs them again: the secret by which dws tells is theirs.
    shutil.copytree(base.parent / "home" / ".config", user.env["XDG_CONFIG_HOME"], dirs_exist_ok=True)
    return user.at(copy_workspace(base, user.cwd / "ws"))


def rerun(user: User, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    done = user.dws("rerun", *arguments, **{"check": False, **options})
    assert "Traceback" not in done.stderr
    return done


def ran(user: User, *arguments: str) -> str:
    """Runs it, and says which steps ran, in their order."""
    log = user.cwd / "scratch/ran.log"
    log.unlink(missing_ok=True)
    rerun(user, *arguments)
    return log.read_text().strip() if log.exists() else ""


def planned(user: User, *arguments: str) -> list[str]:
    return [step["step"] for step in user.json("rerun", "--dry-run", *arguments)["steps"] if step["runs"]]


def states(user: User) -> dict[str, str]:
    return {row["resource"]: row["state"] for row in user.json("report", "lineage")["lineage"]}


# -- which steps, and in which order ---------------------------------------------------------------------------------


def test_nothing_is_out_of_date(here: User) -> None:
    done = rerun(here)
    assert (done.returncode, done.stdout, done.stderr) == (0, "All is up to date\n", "")


def test_a_diamond_in_its_order(here: User) -> None:
    write_files(here.cwd, {"data/in.txt": "two\n"})
    assert planned(here) == ["a", "b", "c", "d"]
    assert ran(here) == "a b c d"
    assert (here.cwd / "results/d").read_text() == "two\ntwo\n"
    assert ran(here) == ""


def test_what_git_cannot_read_hides_no_change_of_another_step(here: User) -> None:
    write_files(here.cwd, {"data/more/in.txt": "more\n"})
    command = ("python", "code/join.py", "data/more/in.txt", "middle/e")
    here.dws("run", "--name", "e", "--input", "data/more", "--output", "middle/e", "--", *command)
    here.git("init", "--quiet", "data/more/nested")  # without a commit
    write_files(here.cwd, {"data/in.txt": "two\n"})
    done = rerun(here)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "Ran a, b, c, d")
    assert "'data/more' is unknown" in done.stderr


def test_only_what_is_behind_the_target(here: User) -> None:
    write_files(here.cwd, {"data/in.txt": "two\n"})
    assert ran(here, "b") == "a b"
    assert ran(here, "middle:c") == "c"
    assert ran(here, "results") == "d"


def test_a_resource_that_several_steps_write(here: User) -> None:
    write_files(here.cwd, {"data/in.txt": "two\n"})
    assert ran(here, "middle") == "a b c"


def test_the_same_content_spares_what_is_behind(here: User) -> None:
    write_files(here.cwd, {"data/in.txt": "ONE\n"})
    assert ran(here) == "a"
    assert set(states(here).values()) == {"current"}
    assert ran(here) == ""


def test_an_output_that_was_edited_or_deleted(here: User) -> None:
    write_files(here.cwd, {"middle/b": "edited"})
    assert ran(here) == "b"
    (here.cwd / "middle/c").unlink()
    assert ran(here) == "c"
    (here.cwd / "results/d").unlink()
    assert ran(here) == "d"
    write_files(here.cwd, {"results/d": "edited"})
    assert ran(here) == "d"
    assert ran(here) == ""


def test_code_that_changed(here: User) -> None:
    write_files(here.cwd, {"code/join.py": JOIN + "# the same"})
    plan = here.json("rerun", "--dry-run", "a")["steps"]
    assert plan[0]["reasons"] == ["its code in code:join.py has changed"]
    assert ran(here) == "a b c d"


def test_a_step_that_fails_stops_those_behind_it_and_is_repaired(here: User) -> None:
    write_files(here.cwd, {"data/in.txt": "two\n", "scratch/fail": "b"})
    done = rerun(here)
    assert done.returncode == 3
    assert "Step b failed with exit status 3" in done.stderr
    assert done.stderr.splitlines()[-2:] == ["Step d was skipped: it reads what step b writes", "Ran a, c"]
    assert states(here)["middle:b"] == "unknown"
    (here.cwd / "scratch/fail").unlink()
    assert sorted(ran(here).split()) == ["b", "d"]
    assert set(states(here).values()) == {"current"}
    assert (here.cwd / "results/d").read_text() == "two\ntwo\n"


def test_what_only_a_failure_left_is_forgotten(here: User) -> None:
    script = "echo 1 > middle/new; test -e go || { touch middle/part; exit 1; }; rm -f middle/part"
    here.dws("run", "--name", "made", "--", "sh", "-c", script, check=False)
    assert states(here)["middle:part"] == "unknown"
    write_files(here.cwd, {"go": ""})
    assert "Ran made" in rerun(here).stderr
    assert "middle:part" not in states(here)
    assert rerun(here).stdout == "All is up to date\n"


def test_inputs_that_were_not_named(here: User) -> None:
    here.dws("run", "--name", "all", "--", "sh", "-c", "cat data/* > middle/all")
    write_files(here.cwd, {"data/second.txt": "more"})
    assert planned(here) == ["all"]
    assert "Ran all" in rerun(here).stderr
    assert (here.cwd / "middle/all").read_text() == "one\nmore"
    assert rerun(here).stdout == "All is up to date\n"


def test_a_source_that_is_gone(here: User) -> None:
    (here.cwd / "data/in.txt").unlink()
    assert "because data:in.txt has changed" in rerun(here, "--dry-run").stdout


def test_from_another_directory(here: User) -> None:
    write_files(here.cwd, {"data/in.txt": "two\n", "scratch/ran.log": ""})
    rerun(here.at(here.cwd / "data"))
    assert (here.cwd / "scratch/ran.log").read_text() == "a b c d "


# -- the plan -----------------------------------------------------------------------------------------------------------


def test_the_plan_says_why(here: User) -> None:
    write_files(here.cwd, {"data/in.txt": "two\n"})
    before = whole_state(here.cwd)
    done = rerun(here, "--dry-run", "b")
    assert whole_state(here.cwd) == before
    assert done.stdout.splitlines() == [
        "Step a",
        "    python code/join.py data/in.txt middle/a",
        "    because data:in.txt has changed",
        "Step b",
        "    python code/join.py middle/a middle/b",
        "    because middle:a is out of date",
        "    because step a runs before it",
    ]


def test_the_plan_as_json(here: User) -> None:
    write_files(here.cwd, {"data/in.txt": "two\n"})
    plan = here.json("rerun", "a", "--dry-run")
    assert plan == {
        "snapshot": None,
        "steps": [
            {
                "step": "a",
                "command": ["python", "code/join.py", "data/in.txt", "middle/a"],
                "directory": "",
                "outputs": ["middle:a"],
                "runs": True,
                "reasons": ["data:in.txt has changed"],
                "own": True,
                "obstacle": None,
                "parameters": {},
                "taken_from": None,
                "from_cache": None,
            }
        ],
    }


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nosuch"], "There is no step or resource 'nosuch'. 'dws report lineage' lists both"),
        (["midle"], "There is no step or resource 'midle'. Did you mean middle?"),
        (["data"], "No recorded step wrote 'data', so there is nothing to run again"),
        (["middle:nosuch"], "No recorded step wrote 'middle:nosuch', so there is nothing to run again"),
        (["--from", "NOSUCH"], "NOSUCH"),
        (["--json"], "--json needs --dry-run"),
    ],
)
def test_bad_input(here: User, arguments: list[str], problem: str) -> None:
    done = rerun(here, *arguments)
    assert done.returncode in FAILED
    assert problem in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_workspace_without_steps(workspace: User) -> None:
    assert rerun(workspace).stdout == "No steps are recorded\n"


# -- steps of scripts and notebooks ---------------------------------------------------------------------------------------

SCRIPT = """
from dataworkspaces.lineage import LineageBuilder
with LineageBuilder().as_script_step().with_input_path("middle/a").eval() as lineage:
    lineage.add_output_path("middle/script")
    open("middle/script", "w").write(open("middle/a").read() * 3)
"""
NOTEBOOK = SCRIPT.replace("as_script_step()", "with_step_name('notebook')").replace("middle/script", "middle/notebook")


def test_a_script_that_records_itself(here: User) -> None:
    write_files(here.cwd, {"code/script.py": SCRIPT})
    here.python("code/script.py")
    write_files(here.cwd, {"data/in.txt": "two\n"})
    assert "script" in planned(here, "middle:script")
    assert "Ran a, script" in rerun(here, "script").stderr
    assert (here.cwd / "middle/script").read_text() == "two\n" * 3
    assert rerun(here, "script").stdout == "All is up to date\n"


def test_a_notebook_is_left_out_with_what_is_behind_it(here: User) -> None:
    write_files(here.cwd, {"code/join.py": JOIN})
    here.python("-c", NOTEBOOK)
    here.dws("run", "--name", "last", "--input=middle/notebook", "--output=middle/last", "--",
             "cp", "middle/notebook", "middle/last")  # fmt: skip
    write_files(here.cwd, {"data/in.txt": "two\n"})
    done = rerun(here, "last")
    assert done.returncode in FAILED
    assert done.stderr.splitlines()[-3:] == [
        "Ran a",
        "Step notebook was skipped: no command line of step notebook is recorded (it may be a notebook)",
        "error: Step last was skipped: it reads what step notebook writes. "
        "Run the skipped steps yourself, then run 'dws rerun' again",
    ]
    here.python("-c", NOTEBOOK)
    assert "Ran last" in rerun(here, "last").stderr


# -- a snapshot, and command lines of others ------------------------------------------------------------------------------


def test_the_steps_of_a_snapshot(here: User) -> None:
    here.batch("snapshot", "ONE")
    assert rerun(here, "--from", "ONE").stdout == "All is up to date\n"
    write_files(here.cwd, {"middle/b": "edited", "data/in.txt": "two\n"})
    assert ran(here) == "a b c d"
    here.batch("snapshot", "TWO")
    write_files(here.cwd, {"data/in.txt": "one\n"})
    assert ran(here, "--from", "ONE") == "a b c d"  # the user wants to see it run
    assert (here.cwd / "results/d").read_text() == "one\none\n"
    assert rerun(here, "--from", "ONE").stdout == "All is up to date\n"


def test_outputs_come_from_a_snapshot_of_another_branch(here: User) -> None:
    here.batch("snapshot", "ONE")
    here.git("switch", "--quiet", "--create", "other")
    write_files(here.cwd, {"data/in.txt": "two\n"})
    rerun(here)
    here.batch("snapshot", "OTHER")
    here.git("switch", "--quiet", "-")
    write_files(here.cwd, {"data/in.txt": "two\n"})
    (here.cwd / "scratch/ran.log").unlink()
    done = rerun(here, "a")
    assert "Step a did the same in snapshot OTHER" in done.stderr, done.stderr
    assert (here.cwd / "middle/a").read_text() == "two\n"
    assert not (here.cwd / "scratch/ran.log").exists()
    assert rerun(here, "a").stdout == "All is up to date\n"


EVIL = "\x1b]0;title\x07\x1b[2J\nStep good\u202e"


def change_snapshot(user: User, change: Any) -> None:
    """Rewrite the lineage of the only snapshot, as somebody could before others clone the workspace."""
    [directory] = (user.cwd / ".dataworkspace" / "snapshot_lineage").iterdir()
    for path in directory.iterdir():
        data = json.loads(path.read_text())
        for entry in data["lineages"]:
            if entry["type"] == "step":
                change(entry)
        path.write_text(json.dumps(data))
    user.git("add", "--all")
    user.git("commit", "--quiet", "--message", "hostile")


@pytest.fixture
def snapshotted(here: User) -> User:
    here.batch("snapshot", "ONE")
    return here


def cloned(user: User) -> User:
    user.git("clone", "--quiet", user.cwd, user.cwd.parent / "clone")
    there = user.at(user.cwd.parent / "clone")
    write_files(there.cwd, {"data/in.txt": "two\n"})
    return there


def test_a_clone_asks_before_it_runs_command_lines_of_others(snapshotted: User) -> None:
    there = cloned(snapshotted)
    done = rerun(there, "--from", "ONE", input="n\n")
    assert "python code/join.py data/in.txt middle/a" in done.stdout
    assert "Step a  (came with the workspace)" in done.stdout
    assert "4 of these command lines came with the workspace and have never been run here. Run them?" in done.stdout
    assert done.returncode != 0
    assert "Nothing was run" in done.stderr
    done = rerun(there, "--batch", "--from", "ONE")
    assert done.returncode in FAILED
    assert "--yes" in done.stderr
    assert not (there.cwd / "scratch/ran.log").exists()
    assert ran(there, "--batch", "--yes", "--from", "ONE") == "a b c d"
    assert (there.cwd / "results/d").read_text() == "two\ntwo\n"
    write_files(there.cwd, {"data/in.txt": "three\n"})
    assert ran(there, "--batch") == "a b c d"  # its own now


def test_hostile_text_reaches_no_terminal(snapshotted: User) -> None:
    def change(entry: Any) -> None:
        entry["step_name"] = entry["run"]["name"] = entry["step_name"] + EVIL
        entry["run"]["command"] = ["touch", "; touch $(touch x)", EVIL]

    change_snapshot(snapshotted, change)
    there = cloned(snapshotted)
    for arguments in (["--dry-run"], ["--batch"], ["--batch", "--yes"]):
        done = rerun(there, "--from", "ONE", *arguments)
        for text in (done.stdout, done.stderr):
            assert not set(text) & {"\x1b", "\x07", "\u202e"}
        assert r"\x1b" in done.stdout
    assert (there.cwd / "; touch $(touch x)").exists()  # an argument, and no text for a shell
    assert not (there.cwd / "x").exists()


@pytest.mark.parametrize("where", ["../..", "/tmp", "data/out", ["data", "out"], ["data", "../.."], ["nosuch", None]])
def test_hostile_directories(snapshotted: User, where: Any) -> None:
    (snapshotted.cwd / "data/out").symlink_to("..", target_is_directory=True)
    (snapshotted.cwd / "data/out").unlink()
    (snapshotted.cwd / "data/out").symlink_to(snapshotted.cwd.parent, target_is_directory=True)

    def change(entry: Any) -> None:
        in_resource = isinstance(where, list)
        entry["run"]["run_from_directory"] = where if in_resource else None
        entry["run"]["working_directory"] = None if in_resource else where
        entry["run"]["command"] = ["touch", "was-here"]

    change_snapshot(snapshotted, change)
    there = cloned(snapshotted)
    done = rerun(there, "--from", "ONE", "--batch", "--yes")
    assert done.returncode in FAILED
    assert not list(there.cwd.parent.rglob("was-here"))


@pytest.mark.parametrize(
    "fields",
    [
        {"results": ["code", None]},
        {"outputs": [["nosuch", "x"]]},
        {"inputs": [["nosuch", "x"]]},
        {"code": [["../../x", None]]},
        {"outputs": [["middle", "../../x"]]},
        {"command": []},
        {"command": ["a\0b"]},
        {"command": [""]},
        {"id": "../../x"},
    ],
    ids=str,
)
def test_hostile_records(snapshotted: User, fields: dict[str, Any]) -> None:
    change_snapshot(snapshotted, lambda entry: entry["run"].update(fields))
    there = cloned(snapshotted)
    before = whole_state(there.cwd.parent)
    done = rerun(there, "--from", "ONE", "--batch", "--yes", "a")
    if "id" not in fields:
        assert done.returncode in FAILED
        assert "rror: " in done.stderr.splitlines()[-1]
        after = whole_state(there.cwd.parent)
        assert {name for name in {*before, *after} if before.get(name) != after.get(name)} <= {
            f"clone/.dataworkspace/current_lineage/{name}.json" for name in ("data", "code", "middle")
        } | {"clone/.dataworkspace/current_lineage"}
    assert not (there.cwd.parent / "x").exists()


def test_a_python_that_is_not_here(snapshotted: User) -> None:
    change_snapshot(
        snapshotted,
        lambda entry: entry["run"].update(command=["/nosuch/venv/bin/python3", *entry["run"]["command"][1:]]),
    )
    there = cloned(snapshotted)
    assert "/nosuch" not in rerun(there, "--from", "ONE", "--dry-run").stdout
    assert ran(there, "--from", "ONE", "--batch", "--yes") == "a b c d"
