"""Addresses in the local state of a workspace out of somebody's archive: nothing is contacted or opened unasked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from endtoend import FAILED, User, isolated_environment, write_files
from forked import Forked

pytestmark = pytest.mark.slow


def _author(tmp_path: Path) -> User:
    place = tmp_path / "author" / "ws"
    place.mkdir(parents=True)
    return Forked(place, isolated_environment(tmp_path / "author-home"))


def _unpacked(author: User, tmp_path: Path) -> User:
    shutil.copytree(author.cwd, tmp_path / "user" / "ws", symlinks=True)
    shutil.rmtree(author.cwd)
    return Forked(tmp_path / "user" / "ws", isolated_environment(tmp_path / "user-home"), trusts=False)


def test_a_remote_of_this_machine_is_not_contacted(tmp_path: Path) -> None:
    author = _author(tmp_path)
    author.batch("init", "--hostname", "h1", "--create-resources", "code")
    write_files(author.cwd, {"data/a": "1\n"})
    author.batch("add", "local-files", "--role", "source-data", "--restorable", "--name", "data", "data")
    remote = tmp_path / "remote"
    author.batch("config", "--resource", "data", "my_remote", remote)
    author.batch("snapshot", "S1")
    shutil.rmtree(remote, ignore_errors=True)
    user = _unpacked(author, tmp_path)
    assert user.batch("report", "status").returncode == 0
    for command in ("pull", "push", "verify --remote"):
        said = user.batch(*command.split(), check=False)
        assert not remote.exists(), command
    assert said.returncode in FAILED
    assert f"file://{remote}" in said.stderr


def test_a_database_is_not_opened(tmp_path: Path) -> None:
    author = _author(tmp_path)
    author.batch("init", "--backend=sql", "--hostname=h1", "--create-resources=code")
    author.batch("snapshot", "S1")
    author.run("chmod", "-R", "go+rX", author.cwd)
    author.cwd.chmod(0o755)
    before = sorted(path.name for path in author.cwd.rglob("*"))
    user = _unpacked(author, tmp_path)
    said = user.batch("report", "status", check=False)
    assert said.returncode in FAILED
    assert sorted(path.name for path in user.cwd.rglob("*")) == before
