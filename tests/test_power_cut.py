"""The power is cut right after a command has said that it is done: all is there.

A workspace lies on a file system in a file (ext4 with its defaults). When a command returns, that file is copied: what
the kernel has not written yet is lost in the copy, as it is at a power cut. The copy is mounted and looked at.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from endtoend import HOST, User, isolated_environment, read_tree, write_files
from forked import Forked

pytestmark = pytest.mark.slow

SIZE = 192 << 20


def reason_not_to() -> str | None:
    """Why no file system can be made and mounted here."""
    if os.geteuid() != 0:
        return "mounting needs root"
    missing = [name for name in ("mkfs.ext4", "mount", "umount") if shutil.which(name) is None]
    return f"{', '.join(missing)} not installed" if missing else None


class Disk:
    """An ext4 file system in a file, at ``place``."""

    def __init__(self, image: Path, place: Path) -> None:
        self.image = image
        self.place = place

    def mount(self) -> None:
        self.place.mkdir(exist_ok=True)
        done = subprocess.run(["mount", "-o", "loop", self.image, self.place], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"mounting is not possible here: {done.stderr.strip()}")

    def unmount(self) -> None:
        subprocess.run(["umount", self.place], check=False, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    reason = reason_not_to()
    if reason is not None:
        pytest.skip(reason)
    disk = Disk(tmp_path / "image", tmp_path / "disk")
    with disk.image.open("wb") as file:
        file.truncate(SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-F", disk.image], check=True)
    disk.mount()
    yield disk
    disk.unmount()


def cut_power(disk: Disk) -> None:
    """What is at the disk's place afterwards is what the disk had."""
    copy = disk.image.with_name("copy")
    subprocess.run(["cp", "--sparse=always", disk.image, copy], check=True)
    disk.unmount()
    copy.replace(disk.image)
    disk.mount()


def make_workspace(user: User) -> None:
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    write_files(user.cwd, {f"files/dir{n % 3}/small {n}": f"{n} at first\n" for n in range(80)})
    write_files(user.cwd, {"files/large": b"large" * 100_000, "code/run.py": "1\n"})
    user.batch("add", "local-files", "--role", "source-data", "--restorable", "files")
    subprocess.run(["sync", "-f", user.cwd], check=True)


def check_whole(user: User) -> None:
    told = user.dws("fsck", check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    user.git("fsck", "--strict")


def test_snapshots(disk: Disk, tmp_path: Path) -> None:
    user = Forked(disk.place / "ws", isolated_environment(tmp_path / "home"))
    user.cwd.mkdir()
    make_workspace(user)
    cut_power(disk)
    check_whole(user)

    write_files(user.cwd, {"files/only new": "new\n", "code/run.py": "2\n", "results/result": "of A\n"})
    user.batch("snapshot", "A")
    cut_power(disk)
    check_whole(user)
    assert "A" in user.dws("report", "history").stdout
    assert list(user.cwd.glob("results/snapshots/*/result"))

    # What lay there is what A has, as far as the disk had it: the user's own files are the user's own.
    write_files(user.cwd, {"files/small of B": "B\n", "files/dir1/small 1": "B\n", "code/run.py": "3\n"})
    user.git("add", "code/run.py")
    user.git("commit", "--quiet", "--message", "by hand, with a git that flushes nothing")
    user.batch("snapshot", "B")
    there = read_tree(user.cwd / "files")
    user.batch("restore", "A")
    at_a = read_tree(user.cwd / "files"), read_tree(user.cwd / "code")
    cut_power(disk)
    check_whole(user)
    assert (read_tree(user.cwd / "files"), read_tree(user.cwd / "code")) == at_a
    assert (user.cwd / "files" / "only new").read_text() == "new\n"
    user.batch("restore", "B")
    assert read_tree(user.cwd / "files") == there
    assert (user.cwd / "code" / "run.py").read_text() == "3\n"


def test_parameters_lineage_and_deletion(disk: Disk, tmp_path: Path) -> None:
    user = Forked(disk.place / "ws", isolated_environment(tmp_path / "home"))
    user.cwd.mkdir()
    make_workspace(user)
    user.batch("run", "--name", "make", "--output", "results", "--", "sh", "-c", "echo made > results/made")
    user.batch("snapshot", "A")
    write_files(user.cwd, {"files/small of B": "B\n"})
    user.batch("snapshot", "B")
    user.batch("config", "hostname", "renamed")
    user.batch("delete-snapshot", "--no-include-resources", "B")
    cut_power(disk)
    check_whole(user)
    assert "renamed" in user.dws("config", "hostname").stdout
    history = user.json("report", "history")
    assert "'B'" not in str(history)
    assert "make" in (user.cwd / ".dataworkspace" / "current_lineage" / "results.json").read_text()


def test_push_pull_and_clone(disk: Disk, tmp_path: Path) -> None:
    user = Forked(disk.place / "ws", isolated_environment(tmp_path / "home"))
    user.cwd.mkdir()
    make_workspace(user)
    user.batch("snapshot", "A")
    user.git("init", "--quiet", "--bare", disk.place / "origin.git")
    user.batch("publish", disk.place / "origin.git")
    other = user.at(disk.place)
    other.batch("clone", disk.place / "origin.git", "copy", "--hostname", "h2", check=False)  # `files` has no remote
    assert (disk.place / "copy").is_dir()
    cut_power(disk)
    for name in ("ws", "copy"):
        there = user.at(disk.place / name)
        there.git("fsck", "--strict")
        assert (disk.place / name / "code" / "run.py").read_text() == "1\n"
        assert "A" in there.dws("report", "history").stdout
