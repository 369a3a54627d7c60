"""Commands on local files that are restorable, killed at any point: nothing is lost, and the next command goes on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from endtoend import HOST, User, contents_in_tree, copy_workspace, isolated_environment, read_tree, remove, write_files
from test_kill import Answer, Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return isolated_environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def server(env: dict[str, str]) -> Iterator[Server]:
    server = Server(env)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Path:
    """A workspace with snapshots A and B of `files`, and work since that no snapshot has."""
    root = tmp_path_factory.mktemp("kill") / "base"
    root.mkdir()
    user = User(root, env)
    user.batch("init", "--hostname", HOST, "--create-resources", "code")
    for tag in ("A", "B"):
        write_files(root, {f"files/small {n}": f"{n} at {tag if n % 10 == 0 else 'all'}\n" for n in range(70)})
        write_files(root, {"files/large": tag.encode() * 200_000, f"files/only {tag}/file": tag})
        if tag == "A":
            (root / "files/empty").mkdir()
            (root / "files/link").symlink_to("large")
            user.batch("add", "local-files", "--role", "source-data", "--restorable", "files")
        user.batch("snapshot", tag)
    write_files(root, {"files/small 1": "precious\n", "files/new": "precious too\n", "files/only A/file": "another\n"})
    (root / "files/small 2").unlink()
    return root


class Killed:
    def __init__(self, server: Server, base: Path, root: Path) -> None:
        self.server = server
        # The place of the files is an absolute path, so the copy is told where its own are.
        self.root = copy_workspace(base, root)
        self.user = User(self.root, server.env)
        self.user.batch("config", "--resource", "files", "my_local_path", self.root / "files")
        self.had = contents_in_tree(self.root / "files")

    def run(self, *command: str, kill_at: int | None = None) -> Answer:
        return self.server.run(self.root, *command, kill_at=kill_at)

    def go_on(self) -> None:
        """As if the next command came later."""
        for lock in (self.root / ".git" / "dws").glob("*lock"):
            if lock.stat().st_size == 0:
                os.utime(lock, (1, 1))
        answer = self.run("report", "history")
        assert answer.status == 0, answer
        assert "Traceback" not in answer.stderr

    def check_kept(self) -> None:
        """All that was there is there, or comes back."""
        missing = self.had - contents_in_tree(self.root / "files")
        for version in [line.split()[0] for line in self.run("undo-restore", "files", "--list").stdout.splitlines()]:
            if not missing:
                return
            before = read_tree(self.root / "files")
            answer = self.run("--batch", "undo-restore", "files", version)
            assert answer.status == 0, answer
            missing -= contents_in_tree(self.root / "files")
            answer = self.run("--batch", "undo-restore", "files")
            assert answer.status == 0, answer
            assert read_tree(self.root / "files") == before
        assert not missing


def kill_at_each_point(
    server: Server, base: Path, tmp_path: Path, command: list[str], check: Callable[[Killed], None], step: int = 1
) -> None:
    number = step
    while True:
        killed = Killed(server, base, tmp_path / f"at-{number}")
        answer = killed.run(*command, kill_at=number)
        if answer.status != -9:
            assert answer.status == 0, answer
            break
        try:
            killed.go_on()
            check(killed)
        except AssertionError as e:
            raise AssertionError(f"killed at {number}, {answer.killed_at}: {e}") from e
        remove(killed.root)
        number += step
    assert number > 10


def tree_at(server: Server, base: Path, root: Path, tag: str) -> dict[str, str]:
    there = Killed(server, base, root)
    there.run("--batch", "restore", tag)
    return read_tree(there.root / "files")


def test_snapshot(server: Server, base: Path, tmp_path: Path) -> None:
    def check(killed: Killed) -> None:
        assert contents_in_tree(killed.root / "files") == killed.had
        before = read_tree(killed.root / "files")
        answer = killed.run("--batch", "snapshot", "C")
        assert answer.status == 0 or "Tag 'C' is taken" in answer.stderr, answer
        assert killed.run("--batch", "restore", "A").status == 0
        assert killed.run("--batch", "restore", "C").status == 0
        assert read_tree(killed.root / "files") == before
        assert killed.run("fsck").status == 0

    kill_at_each_point(server, base, tmp_path, ["--batch", "snapshot", "C"], check, step=2)


def test_restore(server: Server, base: Path, tmp_path: Path) -> None:
    expected = tree_at(server, base, tmp_path / "undisturbed", "A")

    def check(killed: Killed) -> None:
        answer = killed.run("--batch", "restore", "A")
        assert answer.status == 0, answer
        assert read_tree(killed.root / "files") == expected
        killed.check_kept()

    kill_at_each_point(server, base, tmp_path, ["--batch", "restore", "A"], check, step=2)
