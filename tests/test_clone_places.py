"""What a clone without questions does with resources that lay elsewhere, and what it says of those that are not here."""

from __future__ import annotations

import json

import pytest
from endtoend import FAILED, User

pytestmark = pytest.mark.slow


def test_a_clone_in_batch_mode(workspace: User) -> None:
    """A git resource from outside the workspace comes into it; files that are on another machine are missed."""
    base = workspace.cwd.parent
    hub, tools, files = base / "hub", base / "elsewhere/tools", base / "elsewhere/files"
    for name in ("origin.git", "tools.git"):
        workspace.run("git", "init", "-q", "--bare", hub / name)
    workspace.run("git", "clone", "-q", hub / "tools.git", tools)
    (tools / "a.py").write_text("print(1)\n")
    workspace.run("git", "-C", tools, "add", ".")
    workspace.run("git", "-C", tools, "commit", "-qm", "one")
    workspace.run("git", "-C", tools, "push", "-q", "origin", "HEAD")
    files.mkdir()
    (files / "x.csv").write_text("1\n")
    workspace.batch("add", "git", "--role", "source-data", "--name", "tools", tools)
    workspace.batch("add", "local-files", "--role", "source-data", "--restorable", files)
    workspace.batch("snapshot", "S1")
    said = workspace.batch("publish", hub / "origin.git").stderr
    assert "'files'" in said
    assert "remote" in said

    other = workspace.at(base)
    done = other.batch("clone", "--hostname", "h2", hub / "origin.git", "copy", check=False)
    assert done.returncode in FAILED
    assert "Resource 'tools': cloned" in done.stdout
    assert "Resource 'files': cloned" not in done.stdout
    assert "config --resource files my_local_path" in done.stderr
    assert "Not here yet: files" in done.stderr
    copy = workspace.at(base / "copy")
    assert (copy.cwd / "tools/a.py").read_text() == "print(1)\n"
    assert copy.git("status", "--short") == ""

    told = other.batch("clone", "--hostname", "h3", "--only", "tools", "--json", hub / "origin.git", "third")
    assert {k: json.loads(told.stdout)[k] for k in ("cloned", "left")} == {"cloned": ["tools"], "left": ["files"]}
    other.batch("clone", "--hostname", "h4", "--same-places", hub / "origin.git", "fourth")
    fourth = workspace.at(base / "fourth")
    (fourth.cwd / "tools/a.py").write_text("print(2)\n")
    fourth.batch("snapshot", "S2")
