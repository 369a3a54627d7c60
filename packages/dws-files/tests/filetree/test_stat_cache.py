"""The stat cache: nothing that has not changed is read again, and nothing that has changed is believed."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.filetree import BLAKE3, SHA1, Hasher, StatCache, Tree, Work, build_tree, scan, scan_tree
from dataworkspaces.filetree.hashing import HashTask, ReadFile
from dataworkspaces.filetree.manifest import Entry
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.scan import KnownFiles, ScannedFile, ScannedFiles
from dataworkspaces.filetree.tree_builder import TooMuchToRead

pytestmark = pytest.mark.slow

TICK = 0.15  # seconds, after which a file is older than any tick of the clock


class CountingTask:
    """Hashes, and knows what it has read."""

    def __init__(self, root: Path, hasher: Hasher = BLAKE3) -> None:
        self._task = HashTask(str(root), hasher.name)
        self.read: list[str] = []

    def __call__(self, files: Sequence[tuple[str, ScannedFile]]) -> list[ReadFile]:
        self.read += [path for path, _ in files]
        return self._task(files)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    for name in ("a", "b", "sub/c", "sub/deep/d", "empty/"):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_text(f"content of {name}")
    time.sleep(TICK)
    return place


@pytest.fixture
def cache(tmp_path: Path) -> StatCache:
    return StatCache(tmp_path / "cache" / "stat.sqlite", "test")


def build(root: Path, cache: StatCache, hasher: Hasher = BLAKE3) -> tuple[Tree, list[str]]:
    """The tree, and what was read for it."""
    task = CountingTask(root, hasher)
    tree = build_tree(scan(root), hasher, cache, Work(task=task))
    assert tree.hashval == scan_tree(root, hasher).hashval, "the cache must not be seen in what comes of it"
    assert tree.manifests() == scan_tree(root, hasher).manifests()
    return tree, sorted(task.read)


def build_part(root: Path, cache: StatCache, *places: str) -> list[str]:
    """What was read to know what lies at places, which must be as in the whole tree."""
    task = CountingTask(root)
    part, whole = build_tree(scan(root, only=places), BLAKE3, cache, Work(task=task)), scan_tree(root, BLAKE3)
    for place in places:
        assert entry_at(part, place) == entry_at(whole, place)
    return sorted(task.read)


def entry_at(tree: Tree, place: str) -> Entry | None:
    found: Entry | None = Entry(tree.hashval, "tree", "")
    for name in place.split("/") if place else ():
        inside = tree.entries(found.value) if found is not None and found.kind == "tree" else []
        found = next((entry for entry in inside if entry.name == name), None)
    return found


def test_of_some_places_nothing_else_is_read_and_the_next_time_nothing(root: Path, cache: StatCache) -> None:
    assert build_part(root, cache, "a") == ["a"]
    assert build_part(root, cache, "a", "sub/deep", "nothing", "sub/none/x") == ["sub/deep/d"]
    assert build_part(root, cache, "sub", "sub/deep/d") == ["sub/c"]
    assert build(root, cache)[1] == ["b"]
    assert build_part(root, cache, "b", "") == []
    (root / "sub/c").write_text("changed")
    assert build_part(root, cache, "b", "sub/deep/d") == []
    assert build_part(root, cache, "sub/c") == ["sub/c"]
    assert build(root, cache)[1] == ["sub/c"]  # it is as young as the clock's tick


def test_rules_of_directories_above_hold_for_a_place(root: Path, cache: StatCache) -> None:
    (root / ".dwsignore").write_text("deep/")
    assert entry_at(build_tree(scan(root, only=["sub/deep/d"]), BLAKE3, cache), "sub/deep/d") is None
    assert build_part(root, cache, "sub/deep/d", "sub/c") == ["sub/c"]


def test_the_second_time_nothing_is_read(root: Path, cache: StatCache) -> None:
    assert build(root, cache)[1] == ["a", "b", "sub/c", "sub/deep/d"]
    assert build(root, cache)[1] == []


@pytest.mark.parametrize(
    ("change", "read"),
    [
        (lambda root: (root / "a").write_text("another content"), ["a"]),
        (lambda root: (root / "a").write_text("CONTENT OF A"), ["a"]),
        (lambda root: os.utime(root / "sub/c", (1, 1)), ["sub/c"]),
        (lambda root: (root / "sub/new").write_text("new"), ["sub/new"]),
        (lambda root: (root / "b").unlink(), []),
        (lambda root: (root / "sub/deep").rename(root / "moved"), ["moved/d"]),
        (lambda root: (root / "a").rename(root / "b"), ["b"]),
        (lambda root: (root / "a").chmod(0o755), ["a"]),
        (lambda root: (root / "link").symlink_to("a"), []),
        (lambda root: (root / "empty").rmdir(), []),
    ],
    ids=["size", "content", "time", "new", "deleted", "directory moved", "renamed", "mode", "link", "directory gone"],
)  # fmt: skip
def test_what_changed_is_read_and_nothing_else(root: Path, cache: StatCache, change: object, read: list[str]) -> None:
    build(root, cache)
    change(root)  # type: ignore[operator]
    assert build(root, cache)[1] == read


def test_a_file_of_the_same_size_that_got_its_old_time_back_is_noticed(root: Path, cache: StatCache) -> None:
    build(root, cache)
    before = (root / "a").stat()
    (root / "a").write_text("CONTENT OF A")
    os.utime(root / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert build(root, cache)[1] == ["a"]


def test_a_file_that_changes_within_the_tick_in_which_it_was_read_is_noticed(root: Path, cache: StatCache) -> None:
    # Such a file keeps size, times and inode. Its times cannot be set from here, so the system's answer is.
    (root / "a").write_text("one")
    first = scan(root)
    build_tree(first, BLAKE3, cache)
    (root / "a").write_text("two")
    second = scan(root)
    second.directories[0].files[0] = (
        second.directories[0]
        .files[0]
        ._replace(**{key: getattr(first.directories[0].files[0], key) for key in ("mtime_ns", "ctime_ns")})
    )
    assert second.directories[0].files[0] == first.directories[0].files[0]
    task = CountingTask(root)
    build_tree(second, BLAKE3, cache, Work(task=task))
    assert task.read == ["a"]


def test_file_systems_with_whole_seconds_have_longer_ticks(root: Path, cache: StatCache) -> None:
    scanned = scan(root)
    second_ago = (time.time_ns() // 1_000_000_000 - 1) * 1_000_000_000
    files = scanned.directories[0].files
    for place, file in enumerate(files):
        files[place] = file._replace(mtime_ns=second_ago, ctime_ns=second_ago)

    def same(files: Sequence[tuple[str, ScannedFile]]) -> list[ReadFile]:
        read.extend(path for path, _ in files)
        return [ReadFile(f"{file.size}:{'0' * 64}", file) for _, file in files]

    for expected in (["a", "b", "sub/c", "sub/deep/d"], ["a", "b"]):
        read: list[str] = []
        build_tree(scanned, BLAKE3, cache, Work(task=same))
        assert sorted(read) == expected


def test_a_cache_of_another_way_of_hashing_is_as_none(root: Path, cache: StatCache, tmp_path: Path) -> None:
    build(root, cache)
    other = StatCache(tmp_path / "cache" / "stat.sqlite", "other")
    assert len(build(root, other, SHA1)[1]) == 4
    assert len(build(root, cache)[1]) == 4, "the other one replaced it"


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_cache_is_made_anew(root: Path, cache: StatCache, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cache" / "stat.sqlite"
    path.parent.mkdir()
    path.write_bytes(content)
    for _ in range(2):  # it may be noticed at the reading, or at the writing
        build(root, cache)
    assert build(root, cache)[1] == []


def test_a_cache_that_is_locked_or_cannot_be_made_stops_nothing(root: Path, cache: StatCache, tmp_path: Path) -> None:
    build(root, cache)
    (root / "a").write_text("x")
    with sqlite3.connect(tmp_path / "cache" / "stat.sqlite", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        build(root, cache)
    (tmp_path / "file").touch()
    build(root, StatCache(tmp_path / "file" / "stat.sqlite", "x"))


def test_nothing_is_read_if_it_would_be_too_much(root: Path, cache: StatCache) -> None:
    task = CountingTask(root)
    with pytest.raises(TooMuchToRead) as raised:
        build_tree(scan(root), BLAKE3, cache, Work(task=task, read_at_most=10))
    assert (raised.value.size, task.read) == (sum(p.stat().st_size for p in root.rglob("*") if p.is_file()), [])


def test_what_could_be_read_is_not_read_again_after_an_error(root: Path, cache: StatCache) -> None:
    """Nothing is remembered of a tree that has no name; the next attempt must still be right."""
    os.mkfifo(root / "pipe")
    with pytest.raises(ConfigurationError, match="named pipe"):
        build(root, cache)
    (root / "pipe").unlink()
    build(root, cache)
    assert build(root, cache)[1] == []


names = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/f", "\udcff", "new\nline"])
steps = st.lists(
    st.tuples(
        st.sampled_from(["write", "delete", "same size", "touch", "mode", "link", "wait", "snapshot", "look"]), names
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_whatever_happens_the_tree_is_that_of_the_files(steps: list[tuple[str, str]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        root, cache = Path(directory) / "data", StatCache(Path(directory) / "cache.sqlite", "x")
        root.mkdir()
        for number, (step, name) in enumerate(steps):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if step == "write":
                path.unlink(missing_ok=True)
                path.write_text("x" * number)
            elif step == "same size":
                path.unlink(missing_ok=True) if path.is_symlink() else None
                path.write_text(str(number % 10) * 5)
            elif step == "link":
                path.unlink(missing_ok=True)
                path.symlink_to("a" * (number + 1))
            elif step == "wait":
                time.sleep(TICK)
            elif step == "snapshot":
                build(root, cache)
            elif step == "look":
                build_part(root, cache, name)
            elif path.is_file():
                {"delete": path.unlink, "touch": path.touch, "mode": lambda p=path: p.chmod(0o700)}[step]()
        build(root, cache)
        build(root, cache)


def written(directory: Path, *names: str) -> KnownFiles:
    """Files that hold their names, as who has written them knows them."""
    files = ScannedFiles.of(file for file in scan(directory).directories[0].files if file.name in names)
    return KnownFiles(files, "\n".join(ObjectId.of(name.encode()).text for name in names))


def test_what_was_written_just_now_is_not_read_beside_what_is_remembered(root: Path, cache: StatCache) -> None:
    build(root, cache)
    new = root / "sub" / "new"
    new.write_text("new")
    known = {"sub": written(root / "sub", "new")}
    task = CountingTask(root)
    tree = build_tree(scan(root, known=known), BLAKE3, cache, Work(task=task, known=known))
    assert (task.read, tree.hashval) == ([], scan_tree(root, BLAKE3).hashval)


@pytest.mark.parametrize("change", ["nothing", "another", "link", "new", "gone"])
def test_of_what_was_written_just_now_nothing_is_believed_that_has_changed(tmp_path: Path, change: str) -> None:
    root = tmp_path / "written"
    root.mkdir()
    for name in ("a", "b", "c"):
        (root / name).write_text(name)
    known = {"": written(root, "a", "b", "c")}
    if change in ("another", "link", "gone"):
        (root / "b").rename(root / "moved" if change == "gone" else tmp_path / "aside")
    if change == "another":
        (root / "b").write_text("x")
    elif change == "link":
        (root / "b").symlink_to("a")
    elif change == "new":
        (root / "d").write_text("d")
    task = CountingTask(root)
    tree = build_tree(scan(root, known=known), BLAKE3, None, Work(task=task, known=known))
    assert tree.hashval == scan_tree(root, BLAKE3).hashval
    assert task.read == {"another": ["b"], "new": ["d"], "gone": ["moved"]}.get(change, [])
