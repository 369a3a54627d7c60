"""Pull and clone on a disk that fills up: a limit for the size of files stands for it."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from collaboration import Hub, machine, make_hub
from endtoend import User, program, read_tree, write_files

pytestmark = pytest.mark.slow

LIMITS = (1_000, 20_000, 60_000, 150_000, 400_000)
"""Bytes. Between the first, at which nothing works, and the last, at which all does, git fails in different places."""


@pytest.fixture
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Hub:
    return make_hub(request, tmp_path, "path")


@pytest.fixture
def people(tmp_path: Path, hub: Hub) -> tuple[User, User]:
    """Ada has pushed what Bob does not have yet: files that cannot be compressed, and a snapshot."""
    first = machine(tmp_path / "machine1", "ada")
    (first.cwd / "analysis").mkdir()
    first = first.at(first.cwd / "analysis")
    first.batch("init", "--hostname", "first", "--create-resources", "code")
    write_files(first.cwd, {"code/a.bin": os.urandom(50_000)})
    first.batch("snapshot", "A")
    first.batch("publish", hub.url(hub.repository("analysis.git")))
    second = machine(tmp_path / "machine2", "bob")
    second.batch("clone", "--hostname", "second", hub.root / "analysis.git")
    write_files(first.cwd, {"code/a.bin": os.urandom(100_000), "code/b.bin": os.urandom(200_000)})
    first.batch("snapshot", "B")
    first.batch("push")
    return first, second.at(second.cwd / "analysis")


NO_CACHE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Compiled code that was cut off would stay for all later tests."""


def with_limit(limit: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def run(user: User, limit: int, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [program("dws"), "--batch", *map(str, arguments)], cwd=user.cwd, env={**user.env, **NO_CACHE},
        capture_output=True, encoding="utf-8", preexec_fn=with_limit(limit), timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "This is a bug" not in done.stderr
    return done


@pytest.mark.parametrize("diverged", [False, True], ids=["behind", "diverged"])
def test_pull(people: tuple[User, User], diverged: bool) -> None:
    first, second = people
    if diverged:
        write_files(second.cwd, {"code/mine.py": "1\n"})
        second.batch("snapshot", "MINE")
    before = read_tree(second.cwd / "code")
    failed = 0
    for limit in LIMITS:
        done = run(second, limit, "pull")
        present = read_tree(second.cwd / "code")
        if done.returncode:
            failed += 1
            assert done.stderr.strip()
            second.batch("report", "history")  # it opens, and what was begun is completed or undone
            present = read_tree(second.cwd / "code")
            assert present == before or set(read_tree(first.cwd / "code")) <= set(present)
        assert second.git("status", "--porcelain", "code") == ""
    assert 0 < failed < len(LIMITS)
    second.batch("pull")
    pulled = read_tree(second.cwd / "code")
    pulled.pop("mine.py", None)
    assert pulled == read_tree(first.cwd / "code")
    assert second.json("fsck")["errors"] == 0


def test_clone(people: tuple[User, User], hub: Hub, tmp_path: Path) -> None:
    third = machine(tmp_path / "machine3", "eve")
    failed = 0
    for limit in LIMITS:
        done = run(third, limit, "clone", "--hostname", "third", hub.root / "analysis.git")
        if done.returncode:
            failed += 1
            assert list(third.cwd.iterdir()) == []
            continue
        assert read_tree(third.cwd / "analysis" / "code") == read_tree(people[0].cwd / "code")
        break
    assert 0 < failed < len(LIMITS)
