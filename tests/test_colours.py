"""On a terminal what is missing is red, and what is out of order yellow; words say it too, and `NO_COLOR` is heard."""

from __future__ import annotations

import shutil

import pytest
from endtoend import User, write_files
from forked import Forked
from test_sync_on_a_terminal import at_terminal

pytestmark = pytest.mark.real_starts

RED, YELLOW = "\x1b[31m", "\x1b[33m"


def test_what_is_missing(workspace: User) -> None:
    here = Forked(workspace.cwd, workspace.env)
    write_files(here.cwd, {"data/a": "1", "gone/a": "1"})
    for name in ("data", "gone"):
        here.batch("add", "local-files", "--role", "source-data", name)
    here.batch("snapshot", "ONE")
    shutil.rmtree(here.cwd / "gone")
    listed = at_terminal(here, "ls").splitlines()
    assert f"gone/  {RED}missing" in next(line for line in listed if "gone" in line)
    assert "missing" not in next(line for line in listed if "data" in line)
    assert "missing" not in here.dws("ls").stdout
    occupied = at_terminal(here, "du")
    assert f"{RED}missing" in occupied
    assert "missing" in here.dws("du").stdout
    assert f"{YELLOW}warning:" in at_terminal(here, "fsck")
    plain = here.at(here.cwd, NO_COLOR="1")
    for command, said in (("du", "missing"), ("fsck", "warning:")):
        shown = at_terminal(plain, command)
        assert said in shown
        assert RED not in shown
        assert YELLOW not in shown


def test_states_of_steps_and_labels(workspace: User) -> None:
    here = Forked(workspace.cwd, workspace.env)
    write_files(here.cwd, {"data/a": "1", "mid/.keep": "", "code/a.py": ""})
    for name, role in (("data", "source-data"), ("mid", "intermediate-data")):
        here.batch("add", "local-files", "--role", role, name)
    for step, tool in (("copy", "cp"), ("move", "cp"), ("lost", "false")):
        run = ["run", "--name", step, "--input", "data" if step != "move" else "code", "--output", f"mid/{step}"]
        source = "code/a.py" if step == "move" else "data/a"
        here.dws(*run, "--", tool, source, f"mid/{step}", check=False)
    write_files(here.cwd, {"data/a": "22"})
    states = {"copy": f"{YELLOW}out of date", "move": "up to date", "lost": f"{RED}failed"}
    shown = at_terminal(here, "steps")
    assert all(f"{name}: {state}" in shown for name, state in states.items())
    assert {"copy: out of date", "move: up to date", "lost: failed"} <= set(here.dws("steps").stdout.splitlines())
    plain = at_terminal(here.at(here.cwd, NO_COLOR="1"), "steps")
    assert RED not in plain
    assert YELLOW not in plain


def test_labels_of_warnings_and_errors(workspace: User) -> None:
    here = Forked(workspace.cwd, workspace.env)
    write_files(here.cwd, {"code/a.py": "1", "code/.env": "TOKEN=1"})
    shown = at_terminal(here, "snapshot", "--json", "ONE")  # asks nothing, and so leaves out the file with a warning
    assert f"{YELLOW}\x1b[1mwarning:" in shown
    assert f"{RED}\x1b[1merror:" in at_terminal(here, "show", "NONE", status=4)
    write_files(here.cwd, {"results/b.key": "1", "results/c": "1"})
    plain = at_terminal(here.at(here.cwd, NO_COLOR="1"), "snapshot", "--json", "TWO")
    assert "warning:" in plain
    assert YELLOW not in plain
