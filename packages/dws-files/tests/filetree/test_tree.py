"""Scanning and hashing real directories, and telling what lies between two trees."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.filetree import (
    BLAKE3,
    SHA1,
    SIZE,
    Change,
    Hasher,
    Tree,
    Work,
    build_tree,
    diff_trees,
    hashing,
    read_ahead,
    scan,
    scan_tree,
)

EMPTY = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


def entries(tree: Tree) -> dict[str, tuple[str, str]]:
    return {e.name: (e.kind, e.value) for e in tree.entries(tree.hashval)}


def write(path: Path, content: bytes | str = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# -- scanning --------------------------------------------------------------------------------------------------------


def test_an_empty_root_has_the_empty_manifest(tmp_path: Path) -> None:
    assert scan_tree(tmp_path, SIZE).hashval == EMPTY


def test_an_empty_directory_is_recorded(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert entries(scan_tree(tmp_path, SIZE)) == {"empty": ("tree", EMPTY)}


@pytest.mark.parametrize("hasher", [SIZE, SHA1])
def test_a_link_is_recorded_by_its_target_and_not_followed(tmp_path: Path, hasher: Hasher) -> None:
    outside = write(tmp_path / "outside" / "secret", "x")
    root = tmp_path / "root"
    root.mkdir()
    for name, target in {"dir": outside.parent, "file": outside, "broken": Path("nowhere"), "self": Path()}.items():
        (root / name).symlink_to(target)
    before = entries(scan_tree(root, hasher))
    write(outside, "something longer")
    assert {kind for kind, _ in before.values()} == {"link"}
    assert entries(scan_tree(root, hasher)) == before


def test_a_link_that_leads_elsewhere_is_another_version(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("one")
    before = scan_tree(tmp_path, SIZE)
    link.unlink()
    link.symlink_to("two")
    assert diff_trees(before, scan_tree(tmp_path, SIZE)) == [Change("modified", "link")]


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    write(tmp_path / "real" / "a", "1")
    (tmp_path / "link").symlink_to("real")
    assert scan_tree(tmp_path / "link", SHA1).hashval == scan_tree(tmp_path / "real", SHA1).hashval


def test_names_of_any_bytes_are_recorded(tmp_path: Path) -> None:
    names = [b"\xff\xfe", b"new\nline", b"tab\tbed", b'"quoted"', "é".encode(), b" ", b"\\"]
    for name in names:
        write(tmp_path / os.fsdecode(name))
    tree = scan_tree(tmp_path, SHA1)
    assert sorted(os.fsencode(name) for name in entries(tree)) == sorted(names)


def test_what_is_skipped_is_not_looked_at(tmp_path: Path) -> None:
    write(tmp_path / "a")
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(write(tmp_path / "dir" / "b").with_name("pipe"))
    assert list(entries(scan_tree(tmp_path, SIZE, lambda path: path in ("pipe", "dir")))) == ["a"]


def test_special_files_are_named(tmp_path: Path) -> None:
    write(tmp_path / "ok")
    (tmp_path / "sub").mkdir()
    os.mkfifo(tmp_path / "sub" / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(tmp_path)  # the path of a socket must be short
        try:
            listener.bind("sock")
        finally:
            os.chdir(here)
        with pytest.raises(ConfigurationError, match=r"'sock' \(a socket\), 'sub/pipe' \(a named pipe\)"):
            scan_tree(tmp_path, SIZE)


def test_of_many_special_files_a_few_are_named(tmp_path: Path) -> None:
    for number in range(8):
        os.mkfifo(tmp_path / f"pipe{number}")
    with pytest.raises(ConfigurationError, match=r"'pipe4' \(a named pipe\) and 3 more\. "):
        scan_tree(tmp_path, SIZE)


def test_a_directory_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests may run as root, whom no permission stops: the system's answer to other users is put in its place.
    closed = tmp_path / "closed"
    closed.mkdir()
    real_open = os.open

    def open_(path: str, *args: object, **options: object) -> object:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return real_open(path, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", open_)
    with pytest.raises(ConfigurationError, match=r"'closed' \(Permission denied\)"):
        scan(tmp_path)


def test_a_root_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nothing cannot be read: No such file or directory"):
        scan(tmp_path / "nothing")


# -- hashing ---------------------------------------------------------------------------------------------------------


def test_content_of_the_same_size_is_told_apart_by_hashes_only(tmp_path: Path) -> None:
    write(tmp_path / "a", "one")
    before = {hasher: scan_tree(tmp_path, hasher).hashval for hasher in (SIZE, SHA1)}
    write(tmp_path / "a", "two")
    same = {hasher.name: scan_tree(tmp_path, hasher).hashval == before[hasher] for hasher in (SIZE, SHA1)}
    assert same == {"size": True, "sha1": False}


def test_each_of_many_files_gets_its_own_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    monkeypatch.setattr(hashing, "_SEVERAL_THREADS_BYTES", 2500)
    monkeypatch.setattr(read_ahead, "_PART_BYTES", 1000)
    monkeypatch.setattr(read_ahead, "_ENOUGH_BYTES", 4000)
    contents = {f"f{number:03}": bytes([number]) * number * 100 for number in range(50)}
    for name, content in contents.items():
        write(tmp_path / name, content)
    few_at_a_time = Work(batch_files=3)
    expected = {name: ("blob", hashlib.sha1(content).hexdigest()) for name, content in contents.items()}
    assert entries(build_tree(scan(tmp_path), SHA1, None, few_at_a_time)) == expected
    expected = {n: ("blob", f"{len(c)}:{blake3(c).hexdigest()}") for n, c in contents.items()}
    assert entries(build_tree(scan(tmp_path), BLAKE3, None, few_at_a_time)) == expected


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests may run as root, whom no permission stops: the system's answer to other users is put in its place.
    write(tmp_path / "ok")
    closed = write(tmp_path / "sub" / "closed")
    real_open = os.open

    def open_(path: Path, *args: int, **kwargs: int) -> int:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return real_open(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", open_)
    with pytest.raises(ConfigurationError, match=r"cannot be recorded: 'sub/closed' \(Permission denied\)\. "):
        scan_tree(tmp_path, SHA1)


def test_a_file_that_becomes_a_pipe_after_the_scan_blocks_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "file", "x")
    scanned = scan(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ConfigurationError, match="no longer a regular file"):
        build_tree(scanned, SHA1)


def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "file", "first")
    first = scan_tree(tmp_path, SHA1)
    _change_while_read(monkeypatch, path, iter(["second one"]))
    changed = scan_tree(tmp_path, SHA1)
    assert first.hashval != changed.hashval == scan_tree(tmp_path, SHA1).hashval


def test_a_file_that_never_stops_changing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "file", "first")
    _change_while_read(monkeypatch, path, iter("x" * n for n in range(10, 20)))
    told: list[str] = []
    tree = build_tree(scan(tmp_path), SHA1, None, Work(tell_changing=told.append))
    assert (told, [entry.name for entry in tree.entries(tree.hashval)]) == (["file"], ["file"])


def _change_while_read(monkeypatch: pytest.MonkeyPatch, path: Path, contents: object) -> None:
    """At each ``fstat``, which is what follows the reading, the file has changed before."""
    real_fstat = os.fstat

    def fstat(fd: int) -> os.stat_result:
        if (content := next(contents, None)) is not None:  # type: ignore[call-overload]
            path.write_text(content)
        return real_fstat(fd)

    monkeypatch.setattr(hashing.os, "fstat", fstat)


def test_progress_adds_up_to_the_bytes_and_moves_within_a_large_file(tmp_path: Path) -> None:
    for number in range(150):
        write(tmp_path / f"d{number % 3}" / f"f{number}")
    (tmp_path / "large").write_bytes(bytes(12 << 20))
    scanned = scan(tmp_path)
    done: list[int] = []
    build_tree(scanned, SHA1, None, Work(advance=done.append, batch_files=20))
    assert sum(done) == scanned.total_size
    assert max(done) <= 4 << 20


# -- what lies between two trees -------------------------------------------------------------------------------------


def test_changes_are_listed_file_by_file(tmp_path: Path) -> None:
    for name in ("same", "gone", "changed", "old dir/a", "old dir/b/c", "becomes a dir", "becomes a file/x"):
        write(tmp_path / name)
    before = scan_tree(tmp_path, SIZE)
    for name in ("gone", "old dir/a", "old dir/b/c", "becomes a dir", "becomes a file/x"):
        (tmp_path / name).unlink()
    for name in ("old dir/b", "old dir", "becomes a file"):
        (tmp_path / name).rmdir()
    for name in ("changed", "new dir/d/e", "becomes a dir/f", "becomes a file"):
        write(tmp_path / name, "more")
    (tmp_path / "empty").mkdir()
    assert diff_trees(before, scan_tree(tmp_path, SIZE)) == [
        Change("deleted", "becomes a dir"),
        Change("added", "becomes a dir/f"),
        Change("added", "becomes a file"),
        Change("deleted", "becomes a file/x"),
        Change("modified", "changed"),
        Change("added", "empty/"),
        Change("deleted", "gone"),
        Change("added", "new dir/d/e"),
        Change("deleted", "old dir/a"),
        Change("deleted", "old dir/b/c"),
    ]


def test_a_directory_that_is_equal_is_not_read(tmp_path: Path) -> None:
    write(tmp_path / "same" / "a")
    write(tmp_path / "b")
    before = scan_tree(tmp_path, SIZE)
    write(tmp_path / "b", "more")
    after = scan_tree(tmp_path, SIZE)
    read: list[str] = []

    def watch(tree: Tree) -> Tree:
        return Tree(tree.hashval, lambda h: (read.append(h), tree.read(h))[1])

    diff_trees(watch(before), watch(after))
    assert sorted(read) == sorted([before.hashval, after.hashval])


paths = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)
file_sets = st.dictionaries(paths, st.integers(0, 2), max_size=8)


def _without_conflicts(files: dict[str, int]) -> dict[str, int]:
    return {p: n for p, n in files.items() if not any(other.startswith(f"{p}/") for other in files)}


@pytest.mark.slow
@given(file_sets.map(_without_conflicts), file_sets.map(_without_conflicts))
@settings(max_examples=60, deadline=None)
def test_changes_are_those_of_the_files(old: dict[str, int], new: dict[str, int]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        trees = []
        for number, files in enumerate((old, new)):
            root = Path(directory, str(number))
            root.mkdir()
            for path, size in files.items():
                write(root / path, "x" * size)
            trees.append(scan_tree(root, SIZE))
        expected = {Change("deleted", p) for p in old.keys() - new.keys()}
        expected |= {Change("added", p) for p in new.keys() - old.keys()}
        expected |= {Change("modified", p) for p in old.keys() & new.keys() if old[p] != new[p]}
        assert set(diff_trees(*trees)) == expected


def test_a_missing_manifest_is_named() -> None:
    with pytest.raises(MetadataError, match=f"{EMPTY[::-1]} is missing"):
        diff_trees(Tree(EMPTY[::-1], {}.get), Tree(EMPTY, {EMPTY: b""}.get))


def test_a_damaged_manifest_is_named() -> None:
    with pytest.raises(MetadataError, match=f"{EMPTY} is damaged"):
        Tree(EMPTY, {EMPTY: b"3\tblob\ta\n"}.get).entries(EMPTY)
