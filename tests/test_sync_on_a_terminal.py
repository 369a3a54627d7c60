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


def read_until(terminal: int, text: str | None) -> str:
    """What a program shows until it shows ``text``; None: until it ends."""
    shown = ""
    while text is None or text not in shown:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            chunk = b""
        if not chunk:
            assert text is None, shown
            break
        shown += chunk.decode()
    return shown


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


def test_nobody_holds_the_lock_while_a_pull_asks(tmp_path: Path, hub: Hub) -> None:
    """Others go on meanwhile, and the pull goes on where it was: it has come as far as a new resource."""
    first = machine(tmp_path / "machine1", "ada")
    (first.cwd / "analysis").mkdir()
    first = first.at(first.cwd / "analysis")
    first.batch("init", "--hostname", "first", "--create-resources", "code")
    url = hub.url(hub.repository("analysis.git"))
    first.batch("publish", url)
    second = machine(tmp_path / "machine2", "bob")
    second.batch("clone", "--hostname", "second", url, "analysis")
    second = second.at(second.cwd / "analysis")
    write_files(second.cwd, {"data/a.csv": "1\n", "code/b.py": "1\n"})
    remote = (tmp_path / "remote").as_uri()
    second.batch("add", "local-files", "--role", "source-data", "--name", "data", "--remote", remote, "data")
    second.batch("snapshot", "B")
    second.batch("push")

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [program("dws"), "pull"], cwd=first.cwd, env={**first.env, "TERM": "xterm"},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown = read_until(ours, "Contact it?")
    assert (first.cwd / "code" / "b.py").exists()  # what had arrived is in place
    first.batch("note", "B", "seen by ada")
    os.write(ours, b"y\n")
    shown += read_until(ours, None)
    os.close(ours)
    assert process.wait(timeout=60) == 0, shown
    assert (first.cwd / "data" / "a.csv").exists(), shown
    assert shown.count("New resource 'data'") == 1
    assert "seen by ada" in first.batch("note", "B").stdout
    assert first.json("fsck")["problems"] == []
