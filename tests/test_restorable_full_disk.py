"""Restorable local files on a disk that fills up: a limit for the size of files stands for it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from endtoend import User, program, read_tree, write_files

pytestmark = pytest.mark.slow

LIMITS = (500, 5_000, 30_000, 100_000, 250_000, 2_000_000)
"""Bytes. Between the first, at which nothing works, and the last, at which all does, it ends in different places."""


NO_CACHE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Compiled code that was cut off would stay for all later tests."""


@pytest.fixture
def data(workspace: User) -> Path:
    place = workspace.cwd.parent / "data"
    write_files(place, {f"d{n % 9}/small {n}": os.urandom(500) for n in range(150)})
    write_files(place, {"large": os.urandom(200_000)})
    workspace.batch("add", "local-files", "--role", "source-data", "--remote", workspace.cwd.parent / "remote", place)
    workspace.batch("snapshot", "A")
    return place


def limited(limit: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def run(user: User, limit: int, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [program("dws"), "--batch", *map(str, arguments)], cwd=user.cwd, env={**user.env, **NO_CACHE}, capture_output=True,
        encoding="utf-8", preexec_fn=limited(limit), timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert "This is a bug" not in done.stderr, done.stderr
    return done


def through(user: User, *arguments: str | Path, after: Callable[[], None] = lambda: None) -> int:
    """Try a command at each limit until it succeeds; how often it failed."""
    for number, limit in enumerate(LIMITS):
        done = run(user, limit, *arguments)
        if done.returncode == 0:
            return number
        after()
    raise AssertionError(done.stderr)


def test_snapshot(workspace: User, data: Path) -> None:
    write_files(data, {f"new/{n}": os.urandom(600) for n in range(150)})
    write_files(data, {"new/large": os.urandom(220_000)})
    before = read_tree(data)

    def check() -> None:
        assert read_tree(data) == before
        workspace.batch("report", "history")
        assert workspace.dws("fsck").returncode == 0

    assert through(workspace, "snapshot", "B", after=check) > 2
    shutil.rmtree(data)
    workspace.batch("restore", "B")
    assert read_tree(data) == before


def test_restore(workspace: User, data: Path) -> None:
    wanted = read_tree(data)
    write_files(data, {"large": os.urandom(210_000), "d1/small 1": "changed", "precious": "not in a snapshot"})
    (data / "d2/small 2").unlink()
    before = read_tree(data)

    def check() -> None:
        workspace.batch("report", "history")
        assert read_tree(data) == before, "what was done has been undone"

    assert through(workspace, "restore", "A", after=check) > 2
    assert read_tree(data) == wanted
    workspace.batch("undo-restore", "data")
    assert read_tree(data) == before


def test_push_and_clone(workspace: User, data: Path) -> None:
    origin = workspace.cwd.parent / "origin.git"
    workspace.git("init", "-q", "--bare", origin)
    inside = workspace.cwd / "inside"
    shutil.copytree(data, inside)
    remote = workspace.cwd.parent / "remote2"
    workspace.batch("add", "local-files", "--role", "source-data", "--remote", remote, inside)
    workspace.batch("snapshot", "B")
    assert through(workspace, "publish", origin) > 2
    here = workspace.at(workspace.cwd.parent)
    for limit in LIMITS:
        place = here.cwd / f"clone {limit}"
        run(here, limit, "clone", "--trust", origin, place, "--hostname", "h2")
        if place.exists():
            here.at(place).batch("pull")
            assert read_tree(place / "inside") == read_tree(inside)
            assert here.at(place).dws("fsck").returncode == 0
    assert place.is_dir()


def test_checkout(workspace: User, data: Path, tmp_path: Path) -> None:
    """A checkout that does not fit is none: nothing is left of it, and nothing has changed here."""
    wanted = read_tree(data)
    write_files(data, {"large": os.urandom(210_000)})
    before, place = read_tree(data), tmp_path / "elsewhere" / "copy"
    place.parent.mkdir()

    def check() -> None:
        assert [*place.parent.iterdir()] == []
        assert read_tree(data) == before
        assert workspace.dws("fsck").returncode == 0

    assert through(workspace, "checkout", "A", place, after=check) > 2
    assert read_tree(place / "data") == wanted
    assert read_tree(data) == before
    assert workspace.at(place).dws("fsck").returncode == 0
