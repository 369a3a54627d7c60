"""What is flushed: many files of a tree in one call, where the file system is known to do that."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataworkspaces import durability

MANY = 600


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for number in range(MANY):
        place = tmp_path / f"d{number % 3}" / str(number)
        place.parent.mkdir(exist_ok=True)
        place.write_text(str(number))
    return tmp_path


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of what is flushed one by one."""
    found: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: found.append(str(Path(f"/proc/self/fd/{fd}").readlink())))
    return found


def test_all_is_flushed_one_by_one_where_nothing_is_known_of_the_file_system(
    tree: Path, flushed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durability, "_type_of_file_system", lambda device: "fuse.sshfs")
    durability.flush_tree(tree)
    assert sorted(flushed) == sorted(map(str, [tree, *tree.rglob("*")]))


def test_many_are_flushed_with_their_file_system(
    tree: Path, flushed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durability, "_type_of_file_system", lambda device: "ext4")
    durability.flush_tree(tree)
    assert flushed == []


def test_few_are_not(tmp_path: Path, flushed: list[str]) -> None:
    (tmp_path / "one").write_text("1")
    durability.flush_tree(tmp_path)
    assert sorted(flushed) == sorted([str(tmp_path), str(tmp_path / "one")])


def test_a_disk_that_fails_is_an_error(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing:
        def syncfs(self, fd: int) -> int:
            import ctypes

            ctypes.set_errno(5)
            return -1

    monkeypatch.setattr(durability, "_type_of_file_system", lambda device: "ext4")
    monkeypatch.setattr("ctypes.CDLL", lambda name, use_errno: Failing())
    with pytest.raises(OSError, match="Input/output error"):
        durability.flush_tree(tree)


def test_the_type_of_a_file_system_is_known() -> None:
    device = Path("/proc").stat().st_dev
    assert durability._type_of_file_system(f"{os.major(device)}:{os.minor(device)}") == "proc"
    assert durability._type_of_file_system("4095:4095") is None


def test_files_are_flushed_while_python_ends(tmp_path: Path) -> None:
    """When no thread can begin any more."""
    script = (
        "import atexit, os, sys, concurrent.futures.thread\nfrom pathlib import Path\n"
        "from dataworkspaces.durability import flush_files\n"
        "atexit.register(lambda: (flush_files(Path(sys.argv[1]).iterdir()), print('flushed')))\n"
    )
    for number in range(20):
        (tmp_path / str(number)).write_text("x")
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("flushed\n", "")


def test_a_new_tree_of_many_files_is_not_walked_to_its_end(
    tree: Path, flushed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is not known to be in one file system is: another may lie anywhere in it."""
    looked_at: list[str] = []
    walk = os.walk

    def walk_and_tell(root: Path) -> Iterator[tuple[str, list[str], list[str]]]:
        for found in walk(root):
            looked_at.append(str(found[0]))
            yield found

    monkeypatch.setattr(os, "walk", walk_and_tell)
    monkeypatch.setattr(durability, "_MANY", 300)
    monkeypatch.setattr(durability, "_type_of_file_system", lambda device: "ext4")
    durability.flush_tree(tree, is_new=True)
    assert flushed == []
    assert len(looked_at) < 1 + len(list(tree.iterdir()))


def test_a_new_tree_is_flushed_one_by_one_where_nothing_is_known_of_the_file_system(
    tree: Path, flushed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durability, "_type_of_file_system", lambda device: "fuse.sshfs")
    durability.flush_tree(tree, is_new=True)
    assert sorted(flushed) == sorted(map(str, [tree, *tree.rglob("*")]))
