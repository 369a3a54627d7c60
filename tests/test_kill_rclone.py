"""Push and pull of rclone resources, killed at any point: nothing is lost, and the next one completes them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from endtoend import HOST, copy_workspace, isolated_environment, read_tree, remove, write_files
from forked import Forked
from kill_points import kill_points
from rclone_server import needs_rclone
from test_kill import Server

pytestmark = [pytest.mark.slow, needs_rclone]
FILES = {"a.csv": "one\n", "b.csv": "two\n", "sub/c.csv": "three\n"}


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Its rclone knows directories of this machine as ``here:PATH``."""
    env = isolated_environment(tmp_path_factory.mktemp("home"))
    Forked(tmp_path_factory.mktemp("config"), env).run("rclone", "config", "create", "here", "local")
    return env


@pytest.fixture(scope="module")
def server(env: dict[str, str]) -> Server:
    return Server(env)


def make(directory: Path, env: dict[str, str], *options: str, data: dict[str, str] | None = None) -> Path:
    """A workspace with the resource `data`, whose other place is `remote` beside it."""
    root = directory / "ws"
    root.mkdir()
    write_files(root / "data", data or {})
    user = Forked(root, env)
    user.batch("init", "--hostname", HOST)
    user.batch("add", "rclone", "--role", "source-data", *options, f"here:{directory}/remote", "data")
    user.git("init", "--quiet", "--bare", directory / "hub.git")
    user.batch("publish", "--yes", directory / "hub.git")
    return root


class Killed:
    """A copy of a workspace, in which a command is killed and then given again."""

    def __init__(self, server: Server, base: Path, root: Path) -> None:
        self.server = server
        self.root = copy_workspace(base, root)
        Forked(self.root, server.env).batch("config", "--resource", "data", "my_local_path", self.root / "data")

    def points(self, command: str) -> int:
        """How many points the command has, undisturbed."""
        answer = self.server.run(self.root, "--batch", command, "--only", "data")
        assert answer.status == 0, answer
        return answer.points

    def check(self, command: str, kill_at: int) -> None:
        """A command that is killed is completed by the same command."""
        answer = self.server.run(self.root, "--batch", command, "--only", "data", kill_at=kill_at)
        if answer.status != -9:
            assert answer.status == 0, answer
            return
        for lock in (self.root / ".git" / "dws").glob("*lock"):
            if lock.stat().st_size == 0:
                os.utime(lock, (1, 1))  # as if the next command came later
        again = self.server.run(self.root, "--batch", command, "--only", "data")
        assert again.status == 0, (kill_at, answer.killed_at, again)

    def contents(self) -> set[str]:
        """Of the resource's files, and of those that were kept."""
        own = self.root / ".dataworkspace" / "scratch"
        return {path.read_text() for place in (self.root / "data", own) for path in place.rglob("*.csv")}


def test_pull(server: Server, env: dict[str, str], tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    write_files(remote, FILES)
    base = make(tmp_path, env, "--master", "remote", "--sync-mode", "sync")
    write_files(base / "data", {"a.csv": "mine\n", "sub/c.csv": "mine too\n", "sub/d.csv": "and mine\n"})
    write_files(remote, {"a.csv": "theirs\n", "new/e.csv": "four\n"})
    (remote / "sub" / "c.csv").unlink()
    points = Killed(server, base, tmp_path / "whole").points("pull")
    assert points > 10
    for number in kill_points(points):
        killed = Killed(server, base, tmp_path / f"at-{number}")
        killed.check("pull", number)
        assert read_tree(killed.root / "data") == read_tree(remote), number
        assert {"mine\n", "mine too\n", "and mine\n"} <= killed.contents(), number
        remove(killed.root)


def test_push(server: Server, env: dict[str, str], tmp_path: Path) -> None:
    remote, model = tmp_path / "remote", tmp_path / "model"
    remote.mkdir()
    base = make(tmp_path, env, "--master", "local", "--sync-mode", "sync", data=FILES)
    shutil.copytree(remote, model)
    write_files(base / "data", {"a.csv": "new\n", "sub/d.csv": "four\n"})
    (base / "data" / "sub" / "c.csv").unlink()
    points = Killed(server, base, tmp_path / "whole").points("push")
    assert points > 5
    for number in kill_points(points):
        shutil.rmtree(remote)
        shutil.copytree(model, remote)
        killed = Killed(server, base, tmp_path / f"at-{number}")
        killed.check("push", number)
        assert read_tree(remote) == read_tree(killed.root / "data"), number
        remove(killed.root)
