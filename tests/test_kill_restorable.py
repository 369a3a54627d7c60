"""Commands on local files that are restorable, killed at any point: nothing is lost, and the next command goes on."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from endtoend import (
    HOST,
    age_deletions,
    contents_in_tree,
    copy_workspace,
    isolated_environment,
    read_tree,
    remove,
    write_files,
)
from forked import Forked
from kill_points import kill_points
from test_kill import Answer, Server

pytestmark = pytest.mark.slow
TABLE = random.Random(0).randbytes(5 << 20)


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return isolated_environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def server(env: dict[str, str]) -> Server:
    return Server(env)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Path:
    """A workspace with snapshots A and B of `files`, and work since that no snapshot has."""
    root = tmp_path_factory.mktemp("kill") / "base"
    root.mkdir()
    user = Forked(root, env)
    user.batch("init", "--hostname", HOST, "--create-resources", "code")
    for tag in ("A", "B"):
        write_files(root, {f"files/small {n}": f"{n} at {tag if n % 10 == 0 else 'all'}\n" for n in range(70)})
        write_files(root, {"files/large": tag.encode() * 200_000, f"files/only {tag}/file": tag})
        write_files(root, {"files/table": TABLE[:2_000_000] + tag.encode() * 500 + TABLE[2_000_000:]})  # in chunks
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
        self.user = Forked(self.root, server.env)
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
        listed = self.run("undo-restore", "files", "--list", "--json").stdout
        for version in [each["version"] for each in json.loads(listed)]:
            if not missing:
                return
            before = read_tree(self.root / "files")
            answer = self.run("--batch", "undo-restore", "files", version)
            assert answer.status == 0, answer
            if read_tree(self.root / "files") == before:
                continue
            missing -= contents_in_tree(self.root / "files")
            answer = self.run("--batch", "undo-restore", "files")
            assert answer.status == 0, answer
            assert read_tree(self.root / "files") == before
        assert not missing


def kill_at_each_point(
    server: Server, base: Path, tmp_path: Path, command: list[str], check: Callable[[Killed], None]
) -> None:
    whole = Killed(server, base, tmp_path / "whole").run(*command)
    assert whole.status == 0, whole
    assert whole.points > 10
    for number in kill_points(whole.points):
        killed = Killed(server, base, tmp_path / f"at-{number}")
        answer = killed.run(*command, kill_at=number)
        if answer.status != -9:
            assert answer.status == 0, answer
            continue
        try:
            killed.go_on()
            check(killed)
        except AssertionError as e:
            raise AssertionError(f"killed at {number}, {answer.killed_at}: {e}") from e
        remove(killed.root)


def tree_at(server: Server, base: Path, root: Path, tag: str) -> dict[str, str]:
    there = Killed(server, base, root)
    there.run("--batch", "restore", tag)
    return read_tree(there.root / "files")


def test_snapshot(server: Server, base: Path, tmp_path: Path) -> None:
    def check(killed: Killed) -> None:
        assert contents_in_tree(killed.root / "files") == killed.had
        before = read_tree(killed.root / "files")
        answer = killed.run("--batch", "snapshot", "C")
        assert answer.status == 0 or "Tag 'C' already names snapshot" in answer.stderr, answer
        assert killed.run("--batch", "restore", "A").status == 0
        assert killed.run("--batch", "restore", "C").status == 0
        assert read_tree(killed.root / "files") == before
        assert killed.run("fsck").status == 0

    kill_at_each_point(server, base, tmp_path, ["--batch", "snapshot", "C"], check)


def test_restore(server: Server, base: Path, tmp_path: Path) -> None:
    expected = tree_at(server, base, tmp_path / "undisturbed", "A")

    def check(killed: Killed) -> None:
        answer = killed.run("--batch", "restore", "A")
        assert answer.status == 0, answer
        assert read_tree(killed.root / "files") == expected
        killed.check_kept()

    kill_at_each_point(server, base, tmp_path, ["--batch", "restore", "A"], check)


def test_undo_restore(server: Server, base: Path, tmp_path: Path) -> None:
    restored = Killed(server, base, tmp_path / "restored")
    assert restored.run("--batch", "restore", "A").status == 0

    def check(killed: Killed) -> None:
        answer = killed.run("--batch", "undo-restore", "files")
        assert answer.status == 0, answer
        killed.check_kept()
        assert killed.run("fsck").status == 0

    kill_at_each_point(server, restored.root, tmp_path, ["--batch", "undo-restore", "files"], check)


def test_gc(server: Server, base: Path, tmp_path: Path) -> None:
    """Contents are rewritten and removed: at any moment all that a snapshot needs is there."""
    messy = Killed(server, base, tmp_path / "messy")
    for part in range(17):
        write_files(messy.root, {f"files/part {part}/{n}": f"{part} {n}" for n in range(64)})
        assert messy.run("--batch", "snapshot", f"P{part}").status == 0
    write_files(messy.root, {f"files/more/{n}": "m" * n for n in range(100, 300)})
    assert messy.run("--batch", "snapshot", "GOES").status == 0
    for n in range(100, 290):
        (messy.root / f"files/more/{n}").unlink()
    assert messy.run("--batch", "snapshot", "STAYS").status == 0
    for tag in ("GOES", "B"):
        assert messy.run("--batch", "delete-snapshot", tag).status == 0
    for path in (messy.root / ".dataworkspace/objects").rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    age_deletions(messy.root)

    def check(killed: Killed) -> None:
        for attempt in range(2):
            assert killed.run("fsck").status == 0
            assert killed.run("verify").status == 0, attempt
            assert killed.run("--batch", "gc", "--yes").status == 0
        assert killed.run("--batch", "restore", "STAYS").status == 0

    kill_at_each_point(server, messy.root, tmp_path, ["--batch", "gc", "--yes"], check)


@pytest.mark.parametrize("command", ["publish", "push"])
def test_push(server: Server, base: Path, tmp_path: Path, command: str) -> None:
    """Whoever clones what a killed push has sent gets whole snapshots."""
    origin, remote = tmp_path / "origin.git", tmp_path / "remote"
    here = Killed(server, base, tmp_path / "here")
    here.user.git("init", "-q", "--bare", origin)
    here.user.batch("config", "--resource", "files", "remote", remote.as_uri())
    here.user.batch("snapshot", "C")
    arguments = ["--batch", "publish", str(origin)]
    if command == "push":
        here.user.batch("publish", origin)
        write_files(here.root, {"files/late": os.urandom(200_000), **{f"files/l{n}": f"late {n}" for n in range(70)}})
        here.user.batch("snapshot", "D")
        arguments = ["--batch", "push"]
    kept = [copy_workspace(place, tmp_path / f"kept {place.name}") for place in (origin, remote) if place.exists()]

    def check(killed: Killed) -> None:
        if killed.user.git("ls-remote", origin):
            clone_is_whole(killed)
        answer = killed.run(*arguments)
        assert answer.status == 0 or "nothing to push" in answer.stdout, answer
        clone_is_whole(killed)
        for place in (origin, remote):
            remove(place)
        for place in kept:
            copy_workspace(place, tmp_path / place.name.removeprefix("kept "))

    def clone_is_whole(killed: Killed) -> None:
        clone = killed.root.with_name("clone")
        answer = killed.server.run(
            killed.root.parent, "--batch", "clone", "--trust", str(origin), str(clone), "--hostname", "x"
        )
        assert answer.status == 0, answer
        assert "warning:" not in answer.stderr, answer
        assert read_tree(clone / "files")
        for tag in ("A", "B"):
            assert killed.server.run(clone, "--batch", "restore", tag).status == 0
        remove(clone)

    kill_at_each_point(server, here.root, tmp_path, arguments, check)


@pytest.mark.parametrize("command", ["pull", "clone"])
def test_pull(server: Server, base: Path, tmp_path: Path, command: str) -> None:
    origin = tmp_path / "origin.git"
    ada = Killed(server, base, tmp_path / "ada")
    ada.user.git("init", "-q", "--bare", origin)
    ada.user.batch("config", "--resource", "files", "remote", (tmp_path / "remote").as_uri())
    ada.user.batch("snapshot", "C")
    ada.user.batch("publish", origin)
    ada.user.at(tmp_path).batch("clone", origin, "template", "--hostname", "bob")
    template = tmp_path / "template"
    write_files(ada.root, {"files/late": os.urandom(200_000), **{f"files/l{n}": f"late {n}" for n in range(70)}})
    (ada.root / "files/small 5").unlink()
    ada.user.batch("snapshot", "D")
    ada.user.batch("push")
    expected = read_tree(ada.root / "files")

    def run(root: Path, kill_at: int | None = None) -> Answer:
        if command == "clone":
            arguments = ["--batch", "clone", "--trust", str(origin), str(root), "--hostname", "carl"]
            return server.run(tmp_path, *arguments, kill_at=kill_at)
        if kill_at is not None or not root.exists():
            copy_workspace(template, root)
            Forked(root, server.env).batch("config", "--resource", "files", "my_local_path", root / "files")
        return server.run(root, "--batch", "pull", kill_at=kill_at)

    whole = run(tmp_path / "whole")
    assert whole.status == 0, whole
    assert whole.points > 30
    for number in kill_points(whole.points):
        root = tmp_path / f"at-{number}"
        answer = run(root, number)
        if answer.status != -9:
            assert answer.status == 0, answer
            continue
        try:
            if (root / ".git/dws").exists():
                for lock in (root / ".git/dws").glob("*lock"):
                    os.utime(lock, (1, 1)) if lock.stat().st_size == 0 else None
            if command == "clone" and not root.exists():
                assert run(root).status == 0
            else:
                # Its user agreed to the remote by an option of the clone, which was killed before that was noted.
                assert server.run(root, "--batch", "pull", "--trust").status == 0
            assert read_tree(root / "files") == expected
            assert server.run(root, "fsck").status == 0
        except AssertionError as e:
            raise AssertionError(f"killed at {number}, {answer.killed_at}: {e}") from e
        remove(root)
