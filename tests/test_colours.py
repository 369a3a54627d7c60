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
