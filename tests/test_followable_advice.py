"""What an error advises can be done, and mends it: lost directories of results, repositories that nobody can clone,
files that are on this machine at a place which nobody has agreed to."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from endtoend import FAILED, HOST, isolated_environment, remove, write_files
from forked import Forked

pytestmark = pytest.mark.slow


@pytest.fixture
def user(tmp_path: Path) -> Forked:
    root = tmp_path / "ws"
    root.mkdir()
    user = Forked(root, isolated_environment(tmp_path / "home"))
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    return user


def test_results_of_local_files_that_are_lost_come_back(user: Forked) -> None:
    out = user.cwd / "out"
    out.mkdir()
    user.batch("add", "local-files", "--role", "results", "--name", "out", "--restorable", "out")
    for tag in ("A", "B"):
        write_files(out, {"model": tag})
        user.batch("snapshot", tag, "-m", tag)
    refused = user.batch("restore", "--only", "out", "B", check=False)
    assert refused.returncode in FAILED  # they are all there
    before = sorted(path.relative_to(out) for path in out.rglob("model"))
    assert len(before) == 2
    for is_empty in (False, True):
        remove(out)
        if is_empty:
            out.mkdir()
            user.batch("snapshot", "none", "-m", "in spite of the warning")
        else:
            assert "restore --only out" in user.batch("snapshot", "X", "-m", "x", check=False).stderr
        older = user.batch("restore", "--only", "out", "A", check=False)
        assert older.returncode in FAILED  # it lacks those of B
        advice = older.stderr.strip().rpartition("dws ")[2]
        user.batch(*advice.split())
        assert sorted(path.relative_to(out) for path in out.rglob("model")) == before
    assert user.json("fsck")["errors"] == 0


def test_results_in_git_that_are_lost_come_back(user: Forked) -> None:
    results = user.cwd / "results"
    write_files(results, {"results.json": "{}"})
    user.batch("snapshot", "A", "-m", "A")
    remove(results)
    told = user.batch("snapshot", "B", "-m", "B", check=False).stderr
    command = told.partition("as deleted. ")[2].partition(" brings it back")[0]
    subprocess.run(command, shell=True, check=True, cwd="/", env=user.env)
    assert [*results.rglob("results.json")]
    user.batch("snapshot", "B", "-m", "B")
    assert user.json("fsck")["errors"] == 0


def test_a_repository_without_an_origin_is_not_to_be_cloned(user: Forked) -> None:
    there = user.make_repository(user.cwd / "lib", {"a": "1"})
    there.git("remote", "remove", "origin")
    user.batch("add", "git", "--role", "source-data", "--name", "lib", "lib")
    user.batch("snapshot", "A", "-m", "A")
    remove(user.cwd / "lib")
    told = user.batch("snapshot", "B", "-m", "B", check=False).stderr
    assert "None" not in told
    assert "no origin" in told


def test_an_origin_relative_to_its_repository_can_be_cloned(user: Forked, tmp_path: Path) -> None:
    there = user.make_repository(user.cwd / "lib", {"a": "1"})
    (user.cwd / "lib.git").rename(tmp_path / "lib.git")
    there.git("remote", "set-url", "origin", "../../lib.git")
    user.batch("add", "git", "--role", "source-data", "--name", "lib", "lib")
    user.batch("snapshot", "A", "-m", "A")
    user.git("init", "-q", "--bare", tmp_path / "origin.git")
    user.batch("publish", tmp_path / "origin.git")
    user.at(tmp_path).batch("clone", "--hostname", "host2", tmp_path / "origin.git", "clone")
    assert (tmp_path / "clone" / "lib" / "a").read_text() == "1"


def test_a_place_that_is_on_this_machine_is_not_told_to_be_on_another(user: Forked, tmp_path: Path) -> None:
    write_files(tmp_path / "shared", {"a": "1"})
    user.batch("add", "local-files", "--role", "source-data", "--name", "shared", tmp_path / "shared")
    user.batch("snapshot", "A", "-m", "A")
    user.git("init", "-q", "--bare", tmp_path / "origin.git")
    user.batch("publish", tmp_path / "origin.git")
    here = user.at(tmp_path)
    told = here.batch("clone", "--hostname", "host2", tmp_path / "origin.git", "clone", check=False).stderr
    assert "--same-places" in told
    assert "on another" not in told
    here.batch("clone", "--hostname", "host3", "--same-places", tmp_path / "origin.git", "clone2")
    here.at(tmp_path / "clone2").batch("snapshot", "B", "-m", "B")
