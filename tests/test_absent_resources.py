"""Snapshots that are taken where a resource is not: they have its last version, and delete nothing for anybody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from endtoend import User

pytestmark = pytest.mark.slow


def _versions(user: User, snapshot: str) -> dict[str, str]:
    tagged = user.json("report", "history")["snapshots"]
    hashval = next(s["hash"] for s in tagged if snapshot in s["tags"])
    manifest = next((user.cwd / ".dataworkspace").rglob(f"snapshot-{hashval}.json"))
    return {entry["name"]: entry["hash"] for entry in json.loads(manifest.read_text())}


@pytest.fixture
def shared(workspace: User) -> tuple[User, Path]:
    """A workspace with code and three resources that clones can leave out, at its origin."""
    base, here = workspace.cwd.parent, workspace
    for name in ("hub.git", "tools.git"):
        here.run("git", "init", "-q", "--bare", base / name)
    here.run("git", "clone", "-q", base / "tools.git", here.cwd / "tools")
    (here.cwd / "tools/t.py").write_text("print(1)\n")
    for command in (("add", "."), ("commit", "-qm", "one"), ("push", "-q", "origin", "HEAD")):
        here.run("git", "-C", here.cwd / "tools", *command)
    here.batch("add", "git", "--role", "code", "--name", "tools", "tools")
    for name, role in (("data", "source-data"), ("models", "results")):
        (here.cwd / name).mkdir()
        here.batch("add", "local-files", "--role", role, "--name", name, "--restorable", name)
        here.batch("config", "--resource", name, "remote", base / "store" / name)
    (here.cwd / "data/a.csv").write_text("1\n")
    (here.cwd / "models/results.json").write_text('{"metrics": {"accuracy": 0.5}}')
    here.batch("snapshot", "S1")
    here.batch("publish", base / "hub.git")
    return here, base


def test_who_has_left_out_resources_takes_snapshots_all_the_same(shared: tuple[User, Path]) -> None:
    ada, base = shared
    left_out = ("--skip", "data,models,tools")
    ada.at(base).batch("clone", "--trust", "--hostname", "ben", *left_out, base / "hub.git", "ben")
    ben = ada.at(base / "ben")
    (ben.cwd / "new.py").write_text("print(2)\n")
    said = ben.batch("snapshot", "T1").stderr
    assert "'data' is not on this machine: the snapshot has its version of S1 (dws pull --only data" in said
    first = _versions(ada, "S1")
    assert {n: v for n, v in _versions(ben, "T1").items() if n in first} == first
    for command in ("verify", "fsck", "diff S1 T1", "report status", "report results", "restore S1", "push"):
        ben.batch(*command.split())

    # Ada has changed a resource meanwhile: hers is the last version, once both are together.
    (ada.cwd / "data/b.csv").write_text("2\n")
    ada.batch("snapshot", "S2")
    ada.batch("pull")
    assert sorted(path.name for path in (ada.cwd / "data").iterdir()) == ["a.csv", "b.csv"]
    assert list((ada.cwd / "models").rglob("results.json"))
    ada.batch("push")
    ben.batch("pull", *left_out)
    (ben.cwd / "new.py").write_text("print(3)\n")
    assert "its version of S2" in ben.batch("snapshot", "T2").stderr
    assert _versions(ben, "T2")["data"] == _versions(ada, "S2")["data"]
    ben.batch("push")
    ada.batch("pull")
    assert (ada.cwd / "data/b.csv").read_text() == "2\n"

    ben.batch("pull", "--trust")
    assert (ben.cwd / "data/b.csv").read_text() == "2\n"
    assert (ben.cwd / "tools/t.py").is_file()
    assert list((ben.cwd / "models").rglob("results.json"))
    assert "Nothing has changed" in ben.batch("snapshot", "T3").stdout


def test_a_snapshot_that_fails_without_an_exported_resource_is_undone(workspace: User) -> None:
    base = workspace.cwd.parent
    (workspace.cwd / "out").mkdir()
    workspace.batch("add", "local-files", "--role", "results", "--name", "out", "--restorable", "--export", "out")
    workspace.batch("config", "--resource", "out", "remote", base / "store")
    workspace.batch("snapshot", "S1")
    workspace.run("git", "init", "-q", "--bare", base / "hub.git")
    workspace.batch("publish", base / "hub.git")
    workspace.at(base).batch("clone", "--trust", "--hostname", "ben", "--skip", "out", base / "hub.git", "ben")
    ben = workspace.at(base / "ben")
    (ben.cwd / "code/new.py").write_text("print(2)\n")
    ben.git("config", "filter.fatal.clean", "false")
    ben.git("config", "filter.fatal.required", "true")
    attributes = ben.cwd / ".git/info/attributes"
    before = attributes.read_text()
    attributes.write_text(f"new.py filter=fatal\n{before}")
    said = ben.batch("snapshot", "T1", check=False)
    assert said.returncode != 0
    assert "could not be undone" not in said.stderr
    attributes.write_text(before)
    assert "Took snapshot T1" in ben.batch("snapshot", "T1").stdout
    ben.batch("push")
    workspace.batch("pull")
