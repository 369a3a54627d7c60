"""Work in copies of this process: what comes back, and what is left when one ends, or the process itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree import BLAKE3, scan, scan_tree
from dataworkspaces.filetree.forked import map_forked
from dataworkspaces.filetree.manifest import Kind
from dataworkspaces.filetree.objects import checkout
from dataworkspaces.filetree.objects.checkout import WantedFiles, check_out, make_directories
from dataworkspaces.filetree.objects.ids import DamagedContentError, ObjectId
from dataworkspaces.filetree.objects.store import ObjectStore

HERE = os.getpid()


def test_each_part_is_done_in_a_copy() -> None:
    found = dict(map_forked(lambda part: (part * 2, os.getpid() != HERE), range(50), 2))

    assert found == {number: (number * 2, True) for number in range(50)}


def test_results_may_be_larger_than_a_pipe_takes() -> None:
    assert {n: len(r) for n, r in map_forked(lambda size: bytes(size), [0, 1 << 20, 3 << 20], 2)} == {
        0: 0,
        1: 1 << 20,
        2: 3 << 20,
    }


def test_an_error_is_raised_here_with_what_it_knows() -> None:
    damaged = ObjectId.of(b"x")

    def work(part: int) -> None:
        if part == 3:
            raise DamagedContentError("damaged", object_id=damaged)

    with pytest.raises(DamagedContentError) as raised:
        list(map_forked(work, range(10), 2))
    assert (raised.value.message, raised.value.object_id) == ("damaged", damaged)


def test_what_cannot_be_sent_is_told() -> None:
    class Local(Exception):
        pass

    def work(part: int) -> None:
        raise Local("why")

    with pytest.raises(RuntimeError, match="Local: why"):
        list(map_forked(work, [1], 1))


def test_what_a_killed_copy_leaves_is_done_here() -> None:
    def work(part: int) -> int:
        if part == 5 and os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return part

    assert dict(map_forked(work, range(20), 2)) == {number: number for number in range(20)}


def test_without_processes_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    assert dict(map_forked(lambda part: os.getpid(), range(3), 2)) == dict.fromkeys(range(3), HERE)


def test_nothing_is_left_open_or_running() -> None:
    before = sorted(Path("/proc/self/fd").iterdir())

    with closing(map_forked(lambda part: time.sleep(0.01), range(100), 2)) as results:
        next(results)

    assert sorted(Path("/proc/self/fd").iterdir()) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


_ORPHANS = """
import os, sys, time
from dataworkspaces.filetree.forked import is_orphan, map_forked
def work(part):
    open(f"{sys.argv[1]}/begun-{part}", "x").close()
    for _ in range(1000):
        if is_orphan():
            open(f"{sys.argv[1]}/stopped-{part}", "x").close()
            raise OSError
        time.sleep(0.01)
list(map_forked(work, range(8), 2))
"""


def test_copies_stop_when_their_process_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", _ORPHANS, str(tmp_path)])
    _wait(tmp_path, "begun-*", 2)
    parent.kill()
    parent.wait(20)

    _wait(tmp_path, "stopped-*", 2)
    assert len(list(tmp_path.glob("begun-*"))) == 2


def _wait(directory: Path, pattern: str, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(list(directory.glob(pattern))) < count:
        assert time.monotonic() < deadline, pattern
        time.sleep(0.01)


@pytest.fixture
def shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few are many, and the threads of the tests count as our own."""
    monkeypatch.setattr(checkout, "_MANY", 4)
    monkeypatch.setattr(checkout, "_BATCH", 2)
    monkeypatch.setattr(checkout, "may_fork", lambda: True)
    monkeypatch.setattr(checkout, "processors", lambda: 2)


def filled(store: ObjectStore) -> list[WantedFiles]:
    contents = [f"content {number}".encode() * 50 for number in range(20)]
    writer = store.pack_writer()
    for content in contents:
        writer.add(ObjectId.of(content), content)
    writer.finish(store.packs_directory)
    large = bytes(range(256)) * 1024
    store.add_bytes(large)
    names, ids = [f"f{n:02}" for n in range(20)], list(map(ObjectId.of, contents))
    kinds: list[Kind] = ["blob", "exec"] * 10
    return [
        *(WantedFiles(f"d{n}", names[n::3], kinds[n::3], ids[n::3]) for n in range(3)),
        WantedFiles("", ["large", "link"], ["blob", "link"], [ObjectId.of(large), ids[0]]),
    ]


@pytest.mark.usefixtures("shared_out")
def test_files_are_written_by_copies_as_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ObjectStore(tmp_path / "objects")
    wanted = filled(store)
    found, told = [], list[int]()
    for name in ("copies", "one"):
        root = tmp_path / name
        root.mkdir()
        make_directories(root, ["d0", "d1", "d2"])
        written = check_out(store, root, wanted, advance=told.append)
        assert {directory: known.files for directory, known in written.items()} == {
            directory.path: directory.files for directory in scan(root).directories
        }
        values = {directory: known.values for directory, known in written.items()}
        found.append((scan_tree(root, BLAKE3).hashval, values, sum(told)))
        told.clear()
        monkeypatch.setattr(checkout, "may_fork", lambda: False)
    assert found[0] == found[1]


@pytest.mark.usefixtures("shared_out")
def test_a_missing_content_is_an_error_from_copies_too(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path / "objects")
    wanted = filled(store)
    root = tmp_path / "root"
    root.mkdir()
    make_directories(root, ["d0", "d1", "d2"])

    with pytest.raises(MetadataError, match="is not in the object store"):
        check_out(store, root, [*wanted, WantedFiles("d0", ["missing"], ["blob"], [ObjectId.of(b"missing")])])


def test_no_copies_where_there_are_threads_of_others() -> None:
    code = (
        "import threading, time\nfrom dataworkspaces.filetree.forked import may_fork\nprint(may_fork())\n"
        "threading.Thread(target=time.sleep, args=(5,), daemon=True, name='dws-heartbeat').start()\nprint(may_fork())\n"
        "threading.Thread(target=time.sleep, args=(5,), daemon=True).start()\nprint(may_fork())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["True", "True", "False"], done.stderr
