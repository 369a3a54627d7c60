"""Publish, clone, push and pull by somebody who sits at a terminal: questions, and git's own ones, can be answered."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest
from collaboration import Hub, machine, make_hub
from endtoend import User, program, write_files

pytestmark = pytest.mark.real_starts


@pytest.fixture
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Hub:
    return make_hub(request, tmp_path, "path")


def at_terminal(user: User, *arguments: str | Path, answers: str = "", status: int = 0) -> str:
    """Run dws with a terminal for everything; what the terminal shows."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [program("dws"), *map(str, arguments)], cwd=user.cwd, env={**user.env, "TERM": "xterm"},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, answers.encode())
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    assert process.wait(timeout=60) == status, shown.decode()
    return shown.decode()


def test_all_four(tmp_path: Path, hub: Hub) -> None:
    first = machine(tmp_path / "machine1", "ada")
    (first.cwd / "analysis").mkdir()
    first = first.at(first.cwd / "analysis")
    first.batch("init", "--hostname", "first", "--create-resources", "code")
    url = hub.url(hub.repository("analysis.git"))
    assert "is published" in at_terminal(first, "publish", url)
    second = machine(tmp_path / "machine2", "bob")
    shown = at_terminal(second, "clone", url, answers="second\n")
    assert "Host name" in shown
    assert "is ready" in shown
    second = second.at(second.cwd / "analysis")
    assert second.json("config", "hostname")["value"] == "second"
    write_files(second.cwd, {"code/a.py": "1\n"})
    second.batch("snapshot", "A")
    assert "pushed" in at_terminal(second, "push")
    assert "pulled" in at_terminal(first, "pull")
    assert (first.cwd / "code" / "a.py").exists()
