"""What nobody needs goes from a remote; what a push has sent, or found there, stays, whoever does what when."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataworkspaces.errors import DwsError, LockedError, MetadataError, NotSupportedError, UnavailableError
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.store import LARGE, ObjectStore
from dataworkspaces.filetree.remotes import RemoteStore, leases, places
from dataworkspaces.filetree.remotes.leases import Lease
from dataworkspaces.filetree.remotes.remote_garbage import find_remote_garbage, remove_remote_garbage

NEVER = 1e12
"""A time before which everything is old."""


class AtOnce(Executor):
    """Does tasks in the thread that asks for them."""

    def submit(self, task: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # type: ignore[override]
        future: Future[Any] = Future()
        try:
            future.set_result(task(*args, **kwargs))
        except Exception as e:
            future.set_exception(e)
        return future


class Shared:
    """A remote that several machines use, and what the origin needs of it."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.directory = directory
        self.origin: dict[str, set[ObjectId]] = {}

    def store(self, who: str) -> ObjectStore:
        return ObjectStore(self.directory / who)

    def there(self, who: str) -> RemoteStore:
        return RemoteStore(self.url, cache=self.directory / f"cache of {who}")

    def push(self, who: str, name: str, contents: list[bytes]) -> None:
        """As a command does it: the contents, and then the origin."""
        mine, there = self.store(who), self.there(who)
        ids = {ObjectId.of(content) for content in contents}
        for content in contents:
            mine.add_stream(ObjectId.of(content), [content])
        for _ in range(5):
            lease = Lease(there.place, "push")
            lease.begin(lambda _text: None)
            there.look_again()
            missing = there.missing(ids)
            if missing:
                there.push(mine, missing, executor=AtOnce(), advance=lambda _n: None)
            if lease.has_held:
                self.origin[name] = ids
                lease.end()
                return
            lease.end()

    def collect(self, who: str = "collector", before: float = NEVER) -> int:
        there = self.there(who)
        lease = Lease(there.place, "gc")
        lease.begin(lambda _text: None)
        try:
            live = {i.digest for ids in self.origin.values() for i in ids}
            garbage = find_remote_garbage(there, live, before)
            remove_remote_garbage(there, garbage, lease, self.store(who).temporary, lambda _n: None)
        finally:
            lease.end()
        return garbage.objects

    def check(self) -> None:
        """All that the origin needs can be had, verified."""
        with TemporaryDirectory() as directory:
            store = ObjectStore(Path(directory) / "new")
            there = RemoteStore(self.url, cache=Path(directory) / "cache")
            for ids in self.origin.values():
                there.fetch(store, ids, executor=AtOnce(), advance=lambda _n: None)
                assert store.missing(ids) == set()
                assert [store.damage(i) for i in ids] == [None] * len(ids)

    def held(self) -> set[str]:
        """What is there, by the names of files."""
        return {f"{d}/{name}" for d in ("packs", "loose", "chunked") for name in places.Place(self.url).list(d)}


@pytest.fixture(params=["file", "memory"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shared]:
    url = f"file://{tmp_path}/remote" if request.param == "file" else f"memory://{tmp_path.name}"
    yield Shared(url, tmp_path)
    MemoryFileSystem.store.clear()


SMALL = [b"content %d" % n for n in range(40)]
OTHER = [b"another %d" % n for n in range(40)]
BIG = [os.urandom(LARGE + 1), os.urandom((4 << 20) + 7)]


def test_what_the_origin_needs_no_more_goes(shared: Shared) -> None:
    shared.push("ada", "old", [*SMALL, *BIG])
    shared.push("ada", "new", [*OTHER, BIG[0]])
    assert shared.collect() == 0
    del shared.origin["old"]
    assert shared.collect() == len(SMALL) + 1, "a large content in chunks is one"
    shared.check()
    there = shared.there("anybody")
    assert there.missing({ObjectId.of(c) for c in [*SMALL, BIG[1]]}) == {ObjectId.of(c) for c in [*SMALL, BIG[1]]}
    assert not [name for name in shared.held() if name.startswith("chunked/")]
    assert shared.collect() == 0


def test_a_pack_with_much_that_nobody_needs_is_written_anew(shared: Shared) -> None:
    shared.push("ada", "old", SMALL)
    shared.origin["kept"] = {ObjectId.of(content) for content in SMALL[:15]}
    del shared.origin["old"]
    before = shared.held()
    assert shared.collect() == len(SMALL) - 15
    shared.check()
    assert not {name for name in before & shared.held() if name.endswith(".pack")}


def test_little_that_nobody_needs_in_a_pack_stays(shared: Shared) -> None:
    shared.push("ada", "old", SMALL)
    shared.origin["kept"] = {ObjectId.of(content) for content in SMALL[5:]}
    del shared.origin["old"]
    assert shared.collect() == 0
    assert shared.there("anybody").missing({ObjectId.of(content) for content in SMALL}) == set()


def test_chunks_that_another_content_needs_stay(shared: Shared) -> None:
    changed = BIG[1][: 3 << 20] + b"changed" + BIG[1][3 << 20 :]
    shared.push("ada", "old", [BIG[1]])
    shared.push("ada", "new", [changed])
    del shared.origin["old"]
    assert shared.collect() >= 1
    shared.check()


def test_what_is_young_stays(shared: Shared) -> None:
    shared.push("ada", "old", [*SMALL, *BIG])
    del shared.origin["old"]
    before = shared.held()
    assert shared.collect(before=1.0) == 0
    assert before <= shared.held()


def test_a_damaged_list_of_chunks_that_is_needed_stops_it(tmp_path: Path) -> None:
    shared = Shared(f"file://{tmp_path}/remote", tmp_path)
    shared.push("ada", "old", [*SMALL, *BIG])
    (path,) = (tmp_path / "remote/chunked").glob("*/*")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    shared.origin["old"] = {ObjectId.of(content) for content in BIG}
    before = shared.held()
    with pytest.raises(MetadataError, match="is damaged"):
        shared.collect()
    assert before == shared.held()


def test_a_remote_that_tells_no_times_is_left_alone(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    shared.push("ada", "old", SMALL)
    del shared.origin["old"]
    monkeypatch.setattr(places, "_TIMES", ())
    with pytest.raises(NotSupportedError, match="does not tell when its files changed"):
        shared.collect()


def test_a_fetch_finds_what_was_moved_meanwhile(tmp_path: Path) -> None:
    shared = Shared(f"file://{tmp_path}/remote", tmp_path)
    shared.push("ada", "old", SMALL)
    kept = {ObjectId.of(content) for content in SMALL[:15]}
    shared.origin = {"kept": kept}
    there, store = shared.there("bob"), shared.store("bob")
    assert there.missing(kept) == set()  # it has listed what is there
    shared.collect()
    there.fetch(store, kept, executor=AtOnce(), advance=lambda _n: None)
    assert store.missing(kept) == set()


# -- who is at work there --------------------------------------------------------------------------------------------


def begun(shared: Shared, kind: leases.Kind) -> Lease:
    lease = Lease(places.Place(shared.url), kind)
    lease.begin(lambda _text: None)
    return lease


def test_a_collection_leaves_a_push_alone(shared: Shared) -> None:
    push = begun(shared, "push")
    with pytest.raises(LockedError, match=f"a push of host {os.uname().nodename}, process {os.getpid()}"):
        begun(shared, "gc")
    begun(shared, "push").end()
    push.end()
    begun(shared, "gc").end()


def test_a_push_waits_for_a_collection(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    gc, said, waits = begun(shared, "gc"), list[str](), list[float]()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            gc.end()

    monkeypatch.setattr(leases.time, "sleep", sleep)
    push = Lease(places.Place(shared.url), "push")
    push.begin(said.append)
    assert len(said) == 1
    assert "a collection of garbage of host" in said[0]
    push.end()
    gc = begun(shared, "gc")
    monkeypatch.setattr(leases.time, "sleep", lambda _seconds: None)
    with pytest.raises(LockedError):
        begun(shared, "push")
    assert len(places.Place(shared.url).list("users")) == 1, "who gives up leaves no note"
    gc.end()


@pytest.mark.parametrize("how", ["died here", "silent"])
def test_the_note_of_a_process_that_is_gone_counts_no_more(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    gc = begun(shared, "gc")
    if how == "died here":
        monkeypatch.setattr(leases, "is_alive", lambda *_: False)
    else:
        monkeypatch.setattr(leases, "SILENT_SECONDS", -1)
    begun(shared, "push").end()
    monkeypatch.undo()
    begun(shared, "gc").end()
    gc.end()


def test_who_has_slept_too_long_removes_nothing_more(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    shared.push("ada", "old", SMALL)
    del shared.origin["old"]
    before = shared.held()
    there = shared.there("collector")
    lease = begun(shared, "gc")
    garbage = find_remote_garbage(there, set(), NEVER)
    now = Lease._now()
    monkeypatch.setattr(Lease, "_now", staticmethod(lambda: now + leases.SILENT_SECONDS))
    with pytest.raises(UnavailableError):
        remove_remote_garbage(there, garbage, lease, shared.store("collector").temporary, lambda _n: None)
    lease.renew()
    with pytest.raises(UnavailableError):
        lease.check()
    assert before == shared.held()
    lease.end()


# -- everything at once ----------------------------------------------------------------------------------------------


class Killed(BaseException):
    pass


class Turns:
    """Runs what several do, one request to the remote at a time, in an order that is given."""

    def __init__(self, order: list[int], kills: dict[str, int]) -> None:
        self.order = iter(order)
        self.kills = dict(kills)
        self.dead: set[str] = set()
        self._go: dict[str, threading.Semaphore] = {}
        self._came = threading.Semaphore(0)
        self._present: set[str] = set()

    def step(self) -> None:
        """Wait for one's turn, if one is of those who take turns."""
        who = threading.current_thread().name
        if who not in self._go:
            return
        self._came.release()
        assert self._go[who].acquire(timeout=15)
        self.kills[who] = self.kills.get(who, 10**9) - 1
        if self.kills[who] < 0:
            self.dead.add(who)
            raise Killed

    def run(self, works: dict[str, Callable[[], Any]]) -> dict[str, BaseException]:
        """Returns what each has failed with."""
        failed: dict[str, BaseException] = {}

        def work(name: str, what: Callable[[], Any]) -> None:
            try:
                what()
            except (Killed, DwsError) as e:
                failed[name] = e
            finally:
                self._present.discard(name)
                self._came.release()

        self._go = {name: threading.Semaphore(0) for name in works}
        self._present = set(works)
        threads = [threading.Thread(target=work, args=each, name=each[0], daemon=True) for each in works.items()]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert self._came.acquire(timeout=15)
        number = 0
        while self._present:
            waiting = sorted(self._present)
            number = next(self.order, number + 1)
            self._go[waiting[number % len(waiting)]].release()
            assert self._came.acquire(timeout=15)
        return failed


KILLS = st.dictionaries(st.sampled_from(["ada", "bob", "gc"]), st.integers(0, 60), max_size=2)


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(0, 5), max_size=150), kills=KILLS, rounds=st.integers(1, 2))
def test_whoever_does_what_when_nothing_that_the_origin_needs_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: list[int], kills: dict[str, int], rounds: int
) -> None:
    """Two push what an old version had, which nobody needs any more, and a collection wants it to go; each may be
    killed anywhere."""
    with TemporaryDirectory(dir=tmp_path) as directory, monkeypatch.context() as patch:
        shared = Shared(f"file://{directory}/remote", Path(directory))
        shared.push("eve", "old", [*SMALL, BIG[0]])
        shared.push("eve", "kept", OTHER[:5])
        del shared.origin["old"]
        turns = Turns(order, kills)
        facts, do = leases._facts, places.Place.do

        def noted(kind: leases.Kind) -> bytes:
            who = threading.current_thread().name.encode()
            return facts(kind).replace(b'"command"', b'"who": "%b", "command"' % who)

        def in_turn(self: places.Place, doing: str, action: Any) -> Any:
            turns.step()
            return do(self, doing, action)

        patch.setattr(os, "fsync", lambda _fd: None)  # no power is cut here
        patch.setattr(leases, "_facts", noted)
        patch.setattr(leases, "_has_died", lambda found: found.get("who") in turns.dead)
        patch.setattr(leases.time, "sleep", lambda _seconds: None)
        patch.setattr(places.Place, "do", in_turn)
        for each in (*vars(RemoteStore).values(), *vars(places.Place).values()):
            if hasattr(each, "lock"):  # before Python 3.12 a cached property has one for all objects, of all machines
                patch.setattr(each, "lock", nullcontext())
        done = turns.run(
            {
                "ada": lambda: shared.push("ada", "new", [*SMALL, b"of ada"]),
                "bob": lambda: shared.push("bob", "newer", [*SMALL[:10], *OTHER, BIG[0]]),
                "gc": lambda: [shared.collect() for _ in range(rounds)],
            }
        )
        assert {name for name, e in done.items() if isinstance(e, Killed)} <= kills.keys()
        shared.check()
        turns.kills.clear()
        shared.collect("another")  # what was cut short is in nobody's way
        shared.check()
