"""A workspace out of somebody's archive: it is read without what its `.git` would run, until its user agrees."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from endtoend import User, isolated_environment, write_files
from forked import Forked

pytestmark = pytest.mark.slow

AUTHORS_COMMAND = "touch canary-command"


@pytest.fixture
def unpacked(tmp_path: Path) -> tuple[User, Path]:
    """The user, in the directory that they unpacked; and what is there once anything of it has run."""
    canary = tmp_path / "canary"
    touch = f"touch {canary}"
    place = tmp_path / "author" / "ws"
    place.mkdir(parents=True)
    author = Forked(place, isolated_environment(tmp_path / "author-home"))
    author.batch("init", "--hostname", "h1", "--create-resources", "code,results")
    write_files(place, {"code/run.py": "open('results/out', 'w')\n", "code/notes.txt": "1\n"})
    author.batch("run", "--name", "step", "--", "sh", "-c", "cp code/run.py results/out")
    author.batch("snapshot", "S1")
    with (place / ".git" / "config").open("a") as config:
        config.write(
            f"[core]\n\tfsmonitor = {touch}\n\tsshCommand = {touch}\n\tpager = {touch}\n[include]\n\tpath = more\n"
            f'[filter "evil"]\n\tclean = {touch}; cat\n\tsmudge = {touch}; cat\n\trequired = true\n'
            f'[credential]\n\thelper = "!{touch}"\n[remote "origin"]\n\turl = ssh://host.invalid/x\n'
        )
    write_files(place / ".git", {"more": f"[diff]\n\texternal = {touch}\n", "info/attributes": "* filter=evil\n"})
    write_files(place, {"code/notes.txt": "2\n"})  # as long as before, so that git has to look into it
    local = place / ".dataworkspace" / "local_params.json"
    local.write_text(local.read_text().replace("{", '{"executor": "dask:tcp://host.invalid:1",', 1))
    shutil.copytree(place, tmp_path / "user" / "ws", symlinks=True)
    env = isolated_environment(tmp_path / "user-home")
    return User(tmp_path / "user" / "ws", env, trusts=False), canary


def test_it_is_read_and_not_changed_until_its_user_agrees(unpacked: tuple[User, Path]) -> None:
    user, canary = unpacked
    head = (user.cwd / ".git" / "refs" / "heads" / "main").read_text()
    for command in (["report", "status"], ["report", "history"], ["ls", "code:"], ["fsck"], ["diff", "S1", "S1"]):
        said = user.batch(*command, check=False)
        assert said.returncode == 0, said.stderr
        assert not canary.exists(), command
    warned = user.batch("report", "status").stderr
    assert warned.count("warning:") == 1
    assert "core.fsmonitor" in warned
    assert "dws trust 'settings " in warned
    for command in (
        ["snapshot", "S2"],
        ["restore", "S1"],
        ["push"],
        ["pull"],
        ["gc", "--yes"],
        ["config", "hostname", "h"],
    ):
        said = user.batch(*command, check=False)
        assert said.returncode == 9, command
        assert not canary.exists(), command
    assert (user.cwd / ".git" / "refs" / "heads" / "main").read_text() == head
    rows = user.json("trust")
    assert [row["agreed"] for row in rows] == [False, False]
    user.batch("trust", "--all")
    user.batch("config", "executor", "threads")
    assert "warning:" not in user.batch("report", "status").stderr
    assert canary.exists()


def test_an_executor_is_contacted_once_its_user_agrees(unpacked: tuple[User, Path]) -> None:
    user, _ = unpacked
    settings = user.json("trust")[0]["address"]
    user.batch("trust", settings)
    write_files(user.cwd, {"data/a": "1\n"})
    said = user.batch("add", "local-files", "--role", "s", "data", check=False)
    said = said if said.returncode else user.batch("snapshot", "S2", check=False)
    assert said.returncode == 9
    assert "names executor dask:tcp://host.invalid:1" in said.stderr


def test_commands_that_its_author_ran_are_not_the_users(unpacked: tuple[User, Path]) -> None:
    user, _ = unpacked
    plan = user.dws("rerun", "--dry-run").stdout
    user.batch("trust", "--all")
    write_files(user.cwd, {"code/run.py": "changed\n"})
    refused = user.batch("rerun", check=False)
    assert refused.returncode != 0, plan
    assert "sh -c" in refused.stdout + refused.stderr


def test_what_the_user_configures_is_not_asked_about(tmp_path: Path) -> None:
    place = tmp_path / "ws"
    place.mkdir()
    user = Forked(place, isolated_environment(tmp_path / "home"), trusts=False)
    user.batch("init", "--hostname", "h1", "--create-resources", "code")
    user.git("config", "filter.mine.clean", "tr a b")
    write_files(place, {".gitattributes": "*.txt filter=mine\n", "code/a.txt": "aaa\n"})
    assert "warning:" not in user.batch("snapshot", "S1").stderr
    assert user.git("show", "HEAD:code/a.txt") == "bbb\n"
    user.git("init", "--quiet", "--bare", tmp_path / "hub.git")
    user.batch("publish", tmp_path / "hub.git")
    other = Forked(tmp_path, user.env, trusts=False)
    other.batch("clone", "--hostname", "h2", tmp_path / "hub.git", "clone")
    clone = user.at(tmp_path / "clone")
    clone.git("config", "core.sshCommand", "ssh -v")
    assert "warning:" not in clone.batch("snapshot", "S2").stderr
