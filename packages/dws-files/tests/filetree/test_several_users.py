"""A store, and a remote, that several users write to: with two real user ids, where the tests may take them."""

from __future__ import annotations

import encodings.ascii  # noqa: F401 - another user may not be able to read this Python
import os
import stat
import tempfile
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec.implementations.local  # noqa: F401 - another user may not be able to read this environment
import pytest
import tenacity  # noqa: F401

from dataworkspaces.filetree import scan
from dataworkspaces.filetree.objects.compaction import MANY, merge_packs
from dataworkspaces.filetree.objects.garbage import find_garbage, remove_garbage
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.quarantine import set_aside
from dataworkspaces.filetree.objects.store import ObjectStore
from dataworkspaces.filetree.objects.stored_files import store_files
from dataworkspaces.filetree.remotes import RemoteStore
from dataworkspaces.toolbox.shared_directories import is_shared, make_directory, share

ADA, BEN, TEAM = 41001, 41002, 41100


def as_user(uid: int, action: Callable[[], None]) -> None:
    """Do something as a user of the team whose umask lets nobody else in."""
    told, telling = os.pipe()
    pid = os.fork()
    if pid == 0:
        error = ""
        try:
            os.setgroups([TEAM])
            os.setgid(uid)
            os.setuid(uid)
            os.umask(0o077)
            action()
        except BaseException:
            error = traceback.format_exc()
        finally:
            os.write(telling, error[-4000:].encode())
            os._exit(0 if error == "" else 1)
    os.close(telling)
    with os.fdopen(told) as pipe:
        error = pipe.read()
    _, result = os.waitpid(pid, 0)
    assert (os.waitstatus_to_exitcode(result), error) == (0, "")


@pytest.fixture
def outside() -> Iterator[Path]:
    """A directory that every user can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="team-") as directory:
        place = Path(directory).resolve()
        place.chmod(0o755)
        yield place


@pytest.fixture
def team(outside: Path) -> Path:
    """A directory of the team, as an administrator makes it."""
    if os.geteuid() != 0:
        pytest.skip("only root may act as two users")
    place = outside / "team"
    place.mkdir()
    os.chown(place, 0, TEAM)
    place.chmod(0o2775)
    return place


def fill(store: ObjectStore, word: bytes, packs: int = 1) -> set[ObjectId]:
    ids = {store.add_bytes(b"loose " + word)}
    for number in range(packs):
        writer = store.pack_writer()
        for place in range(3):
            content = b"%d %d %s" % (place, number, word)
            ids.add(ObjectId.of(content))
            writer.add(ObjectId.of(content), content)
        writer.finish(store.packs_directory)
    return ids


def test_each_member_adds_refreshes_and_collects(team: Path) -> None:
    root = team / "objects"
    as_user(ADA, lambda: fill(ObjectStore(root), b"ada") and None)
    assert is_shared(root)
    mine = {ObjectId.of(b"loose ada"), *(ObjectId.of(b"%d 0 ada" % n) for n in range(3))}
    for path in root.rglob("*"):
        if path.is_file() and path.suffix != ".txt":
            os.utime(path, (1000, 1000))

    def ben() -> None:
        store = ObjectStore(root)
        assert store.missing(mine) == set()
        assert store.refresh(mine) == set()
        garbage = find_garbage(store, set(), 2000)
        assert garbage.objects == 0, "what has been refreshed is young"
        kept = fill(store, b"ben", packs=MANY)
        assert merge_packs(store) > MANY
        remove_garbage(store, {i.digest for i in kept}, find_garbage(store, {i.digest for i in kept}, 2.0**40))
        assert not store.missing(kept)
        assert store.generation

    as_user(BEN, ben)

    def ada() -> None:
        store = ObjectStore(root)
        assert store.read(ObjectId.of(b"loose ben")) == b"loose ben"
        spoilt = store.loose_path(ObjectId.of(b"loose ben"))
        spoilt.write_bytes(b"LOOSE ben")
        assert set_aside(store, [ObjectId.of(b"loose ben")])
        fill(store, b"ada again")

    as_user(ADA, ada)


def test_a_store_becomes_shared(team: Path) -> None:
    """It was made by one user for himself; he shares it, and what he had is refreshed by the other."""
    team.chmod(0o775)
    root = team / "objects"
    root.mkdir()
    os.chown(root, ADA, TEAM)
    as_user(ADA, lambda: fill(ObjectStore(root), b"ada") and None)
    assert not is_shared(root)
    as_user(ADA, lambda: share(root))
    for path in root.rglob("*"):
        os.chown(path, -1, TEAM)  # as 'chgrp -R', which the guide says
        if path.is_dir():
            path.chmod(path.stat().st_mode | stat.S_ISGID)
    as_user(BEN, lambda: fill(ObjectStore(root), b"ben") and None)


@pytest.mark.slow
def test_each_member_keeps_files_and_pushes(team: Path, outside: Path) -> None:
    data = outside / "data"
    data.mkdir()
    data.chmod(0o755)
    for number in range(80):
        (data / f"f{number}").write_bytes(b"%d" % number)
    (data / "large").write_bytes(os.urandom(200_000))
    scanned = list(scan(data).files())

    def push(name: str, extra: bytes) -> Callable[[], None]:
        def action() -> None:
            store = ObjectStore(team / "objects")
            ids = {found.id for found in store_files(store, str(data), scanned) if found.id is not None}
            ids |= fill(store, extra)
            remote = RemoteStore(f"file://{team}/remote", cache=team / f"cache-{name}")
            with ThreadPoolExecutor(2) as executor:
                remote.push(store, remote.missing(ids), executor=executor, advance=lambda _n: None)
            assert remote.mark(store)
            assert not RemoteStore(remote.url, cache=team / f"cache-{name}").missing(ids)

        return action

    as_user(ADA, push("ada", b"of ada"))
    as_user(BEN, push("ben", b"of ben"))
    as_user(ADA, push("ada", b"of ada, later"))


def test_a_directory_is_shared_as_soon_as_it_is_there(tmp_path: Path) -> None:
    """Else what another thread puts into it at that moment is nobody else's."""
    tmp_path.chmod(0o2775)
    places = [tmp_path / f"d{number}" for number in range(500)]

    def make() -> None:
        for place in places:
            make_directory(place)

    def look() -> set[bool]:
        found = set()
        for place in places:
            while not place.is_dir():
                pass
            found.add(is_shared(place))
        return found

    umask = os.umask(0o077)
    try:
        with ThreadPoolExecutor(2) as executor:
            looking = executor.submit(look)
            executor.submit(make).result()
            assert looking.result() == {True}
            list(executor.map(make_directory, [tmp_path / "one" / "two"] * 50))
    finally:
        os.umask(umask)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*(p.name for p in places), "one"])
