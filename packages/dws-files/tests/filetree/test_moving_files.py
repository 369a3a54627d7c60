"""Files that are deleted, change, or are written to through memory while a tree is recorded; holes in files."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.filetree import BLAKE3, StatCache, Tree, Work, build_tree, scan, scan_tree
from dataworkspaces.filetree.hashing import HashTask, ReadFile
from dataworkspaces.filetree.mapped import mapped_files
from dataworkspaces.filetree.objects.checkout import WantedFiles, check_out
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.store import ObjectStore
from dataworkspaces.filetree.objects.stored_files import copy_and_hash, copy_content, hash_open_file, store_files
from dataworkspaces.filetree.scan import ScannedFile
from dataworkspaces.toolbox.regular import read_regular

MIB = 1 << 20


def names(tree: Tree) -> list[str]:
    return [entry.name for entry in tree.entries(tree.hashval)]


def test_what_is_deleted_after_the_scan_is_left_out(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "large"):
        (tmp_path / name).write_bytes(name.encode() * (1 if name != "large" else 200_000))
    scanned = scan(tmp_path)
    (tmp_path / "b").unlink()
    (tmp_path / "large").unlink()
    assert names(build_tree(scanned, BLAKE3)) == ["a", "c"]


@pytest.mark.parametrize("when", ["open", "scandir"])
def test_what_is_deleted_during_the_scan_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    for name in ("a/x", "b/x", "c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    real, doomed = getattr(os, when), (tmp_path / "b").stat()

    def call(place: str | int, *args: object, **options: object) -> object:
        if os.path.samestat(os.stat(place), doomed):  # noqa: PTH116 - it may be an open directory
            monkeypatch.undo()
            shutil.rmtree(tmp_path / "b")
        return real(place, *args, **options)

    monkeypatch.setattr(os, when, call)
    assert names(build_tree(scan(tmp_path), BLAKE3)) == ["a", "c"]


def test_a_store_task_tells_what_was_deleted(tmp_path: Path) -> None:
    files = [("gone", ScannedFile("gone", 3, 1))]
    assert store_files(ObjectStore(tmp_path / "store"), str(tmp_path), files)[0] == (None, None, "")


tells_mapped = pytest.mark.skipif(
    not os.path.exists("/proc/self/maps"),  # noqa: PTH110
    reason="only Linux tells what is mapped",
)


@tells_mapped
@pytest.mark.parametrize("can_ask", [True, False], ids=["asked one by one", "read from a list"])
def test_writable_shared_mappings_of_files_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_ask: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")

    if not can_ask:
        monkeypatch.setattr(fcntl, "ioctl", refuse)
    names = ("first", "second", "private", "read only", "closed")
    for name in names:
        (tmp_path / name).write_bytes(bytes(8192))
    ways = {"private": mmap.MAP_PRIVATE, "read only": mmap.MAP_SHARED}
    arrays = []
    for name in names:
        with (tmp_path / name).open("r+b") as file:
            rights = mmap.PROT_READ | (0 if name == "read only" else mmap.PROT_WRITE)
            arrays.append(mmap.mmap(file.fileno(), 8192, flags=ways.get(name, mmap.MAP_SHARED), prot=rights))
    arrays.pop().close()
    mapped = mapped_files().inodes
    assert [name for name in names if (tmp_path / name).stat().st_ino in mapped] == ["first", "second"]


@tells_mapped
def test_what_is_written_through_memory_is_read_again(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (root / "other").write_text("x")
    (root / "array").write_bytes(bytes(8192))
    read: list[str] = []

    def task(files: Sequence[tuple[str, ScannedFile]]) -> list[ReadFile]:
        read.extend(path for path, _ in files)
        return HashTask(str(root), "blake3")(files)

    def build() -> list[str]:
        read.clear()
        tree = build_tree(scan(root), BLAKE3, StatCache(tmp_path / "cache", "x"), Work(task=task))
        assert tree.hashval == scan_tree(root, BLAKE3).hashval
        return sorted(read)

    with (root / "array").open("r+b") as file:
        array = mmap.mmap(file.fileno(), 8192)
    array[0] = 1
    time.sleep(0.15)
    assert (root / "array").stat().st_ino in mapped_files().inodes
    assert build() == ["array", "other"]
    array[1] = 2  # a page that is dirty already
    assert build() == ["array"]
    array.close()
    assert build() == ["array"]
    assert build() == []


@pytest.mark.slow
def test_holes_stay_holes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "ioctl", refuse)  # reflinks keep them anyway
    source, target = tmp_path / "source", tmp_path / "target"
    with source.open("wb") as file:
        file.seek(8 * MIB)
        file.write(b"in the middle")
        file.truncate(64 * MIB)
    if source.stat().st_blocks * 512 > MIB:
        pytest.skip("the file system has no holes")
    for function in (copy_content, copy_and_hash):
        with source.open("rb") as file, target.open("w+b") as copy:
            function(file.fileno(), copy.fileno(), 64 * MIB)
            assert hash_open_file(copy.fileno()) == hash_open_file(file.fileno())
        assert target.stat().st_size == 64 * MIB
        assert target.stat().st_blocks * 512 <= MIB

    store, root = ObjectStore(tmp_path / "store"), tmp_path / "out"
    root.mkdir()
    [kept] = store_files(store, str(tmp_path), [("source", scan(tmp_path).directories[0].files[0])])
    assert kept.id is not None
    full = store.loose_path(kept.id)
    assert full.stat().st_blocks * 512 <= MIB
    content = full.read_bytes()
    full.chmod(0o644)
    full.write_bytes(content)  # as one that came from a remote
    check_out(store, root, [WantedFiles("", ["f"], ["blob"], [kept.id])])
    assert (root / "f").stat().st_blocks * 512 <= 2 * MIB


@pytest.mark.parametrize("size", [0, 1, MIB, MIB + 1, 3 * MIB - 1])
def test_copies_are_named_for_what_they_hold(tmp_path: Path, size: int) -> None:
    content = os.urandom(size // 2) + bytes(size - size // 2)
    (tmp_path / "a").write_bytes(content)
    with (tmp_path / "a").open("rb") as source, (tmp_path / "b").open("w+b") as target:
        assert copy_and_hash(source.fileno(), target.fileno(), size) == ObjectId.of(content)
    assert (tmp_path / "b").read_bytes() == content


def test_a_named_pipe_in_place_of_our_file_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        read_regular(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"x")
    assert read_regular(tmp_path / "file") == b"x"
    (tmp_path / "store").mkdir()
    os.mkfifo(tmp_path / "store" / "format")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ObjectStore(tmp_path / "store").check_format()


def test_progress_adds_up_to_the_bytes_where_content_is_kept_and_restored(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for directory in (source, target):
        directory.mkdir()
    (source / "large").write_bytes(os.urandom(12 << 20))
    (source / "small").write_bytes(b"small")
    store = ObjectStore(tmp_path / "store")
    files = list(scan(source).files())
    kept: list[int] = []
    found = store_files(store, str(source), files, kept.append)
    assert sum(kept) == (12 << 20) + 5
    written: list[int] = []
    ids = [stored.id for stored in found if stored.id is not None]
    wanted = WantedFiles("", [path for path, _ in files], ["blob"] * len(files), ids)
    check_out(store, target, [wanted], advance=written.append)
    assert sum(written) == sum(kept)
    read: list[int] = []
    assert [store.damage(stored.id, read.append) for stored in found] == [None, None]
    assert sum(read) == sum(kept)
