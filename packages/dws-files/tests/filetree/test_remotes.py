"""Stores away from this machine: what is sent is what comes back, in few requests, whatever happens on the way."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from dataworkspaces.errors import ConfigurationError, DwsError
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.pack import Pack
from dataworkspaces.filetree.objects.store import LARGE, ObjectStore
from dataworkspaces.filetree.remotes import RemoteStore, check_url, places


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    import tenacity

    monkeypatch.setattr(tenacity.nap.time, "sleep", lambda _seconds: None)


class Remote:
    """A remote, a store with contents to send, and an empty one to fetch into."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.directory = directory
        self.mine = ObjectStore(directory / "mine")
        self.theirs = ObjectStore(directory / "theirs")

    def opened(self) -> RemoteStore:
        """As in another process."""
        return RemoteStore(self.url, cache=self.directory / "cache")

    def keep(self, *contents: bytes) -> set[ObjectId]:
        """Contents in the store that is sent from, in packs where there are many."""
        ids = {ObjectId.of(content): content for content in contents}
        small = {i: c for i, c in ids.items() if i.size < LARGE}
        if len(small) > 20:
            writer = self.mine.pack_writer()
            for object_id, content in small.items():
                writer.add(object_id, content)
            writer.finish(self.mine.packs_directory)
            small = {}
        for object_id, content in {**small, **{i: c for i, c in ids.items() if i.size >= LARGE}}.items():
            self.mine.add_stream(object_id, [content])
        return set(ids)

    def push(self, ids: set[ObjectId]) -> int:
        """Returns how many bytes were told of."""
        told: list[int] = []
        with ThreadPoolExecutor(4) as executor:
            self.opened().push(self.mine, self.opened().missing(ids), executor=executor, advance=told.append)
        return sum(told)

    def fetch(self, ids: set[ObjectId]) -> int:
        told: list[int] = []
        with ThreadPoolExecutor(4) as executor:
            self.opened().fetch(self.theirs, ids, executor=executor, advance=told.append)
        return sum(told)


@pytest.fixture(params=["file", "memory"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Remote]:
    url = f"file://{tmp_path}/remote" if request.param == "file" else f"memory://{tmp_path.name}"
    yield Remote(url, tmp_path)
    MemoryFileSystem.store.clear()


@pytest.fixture
def at_file(tmp_path: Path) -> Remote:
    return Remote(f"file://{tmp_path}/remote", tmp_path)


SMALL = [b"content %d" % n for n in range(500)]
BIG = [os.urandom(LARGE * 2), os.urandom(LARGE), os.urandom((8 << 20) + 7)]


@pytest.mark.slow
def test_what_is_sent_comes_back(remote: Remote) -> None:
    ids = remote.keep(*SMALL, *BIG, b"", b"another")
    assert remote.opened().missing(ids) == ids
    remote.push(ids)
    assert remote.opened().missing(ids) == set()
    assert remote.fetch(ids) == sum(i.size for i in ids)
    assert {remote.theirs.read(i) for i in ids} == {*SMALL, *BIG, b"", b"another"}
    assert {remote.opened().read(i) for i in ids} == {*SMALL, *BIG, b"", b"another"}
    assert remote.fetch(ids) == 0, "nothing is fetched twice"


def test_a_remote_on_a_disk_is_a_store(at_file: Remote) -> None:
    ids = at_file.keep(*SMALL, *BIG)
    at_file.push(ids)
    store = ObjectStore(at_file.directory / "remote")
    assert store.missing(ids) == set()
    assert [store.damage(i) for i in ids] == [None] * len(ids)


@pytest.mark.parametrize("wanted", [1, 3, 200, 500])
def test_a_part_of_a_pack_can_be_fetched(remote: Remote, wanted: int) -> None:
    remote.push(remote.keep(*SMALL))
    ids = {ObjectId.of(content) for content in SMALL[:: 500 // wanted]}
    remote.fetch(ids)
    assert remote.theirs.missing(ids) == set()
    assert {remote.theirs.read(i) for i in ids} == set(SMALL[:: 500 // wanted])


class Counting(LocalFileSystem):  # type: ignore[misc]
    """Counts the requests."""

    protocol = "counting"
    calls: ClassVar[Counter[str]] = Counter()
    cachable = False

    def __getattribute__(self, name: str) -> Any:
        if name in ("cat_file", "put_file", "get_file", "info", "find", "mv", "open", "makedirs"):
            Counting.calls[name] += 1
        return super().__getattribute__(name)


@pytest.mark.slow
def test_many_small_contents_are_few_requests(tmp_path: Path) -> None:
    fsspec.register_implementation("counting", Counting, clobber=True)
    remote = Remote(f"counting://{tmp_path}/remote", tmp_path)
    ids = remote.keep(*[os.urandom(1000) for _ in range(40_000)])  # a pack and a bit
    counts = []
    for work in (remote.push, remote.fetch, remote.push):
        Counting.calls.clear()
        work(ids)
        counts.append(sum(Counting.calls.values()))
    # A listing tells of each file by info(), which are no requests elsewhere.
    assert max(counts) < 60, counts


@pytest.mark.slow
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_an_interrupted_push_is_completed_by_the_next(
    at_file: Remote, monkeypatch: pytest.MonkeyPatch, part: float
) -> None:
    for start in range(0, 500, 50):
        at_file.keep(*SMALL[start : start + 50])
    ids = at_file.keep(*BIG) | {ObjectId.of(content) for content in SMALL}
    real, calls = LocalFileSystem.put_file, []

    def put_file(self: object, local: str, remote: str, **kwargs: object) -> None:
        calls.append(remote)
        if len(calls) > 13 * part:
            Path(remote).write_bytes(Path(local).read_bytes()[:-1])  # cut off
            raise KeyboardInterrupt
        real(self, local, remote, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "put_file", put_file)
        with pytest.raises(KeyboardInterrupt):
            at_file.push(ids)
    left = at_file.opened().missing(ids)
    assert 0 < len(left) < len(ids)
    store = ObjectStore(at_file.directory / "remote")
    assert [store.damage(i) for i in ids - left] == [None] * (len(ids) - len(left))
    at_file.push(ids)
    at_file.fetch(ids)
    assert at_file.theirs.missing(ids) == set()


def fail(times: int, error: Exception) -> Callable[..., Any]:
    real, calls = LocalFileSystem.cat_file, []

    def cat_file(self: object, path: str, **kwargs: object) -> Any:
        calls.append(path)
        if len(calls) <= times:
            raise error
        return real(self, path, **kwargs)

    return cat_file


@pytest.mark.parametrize("error", [ConnectionResetError("reset"), TimeoutError("slow"), OSError(5, "I/O"), EOFError()])
def test_what_may_be_over_soon_is_tried_again(
    at_file: Remote, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    ids = at_file.keep(*SMALL)
    at_file.push(ids)
    monkeypatch.setattr(LocalFileSystem, "cat_file", fail(3, error))
    at_file.fetch(ids)
    assert at_file.theirs.missing(ids) == set()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionResetError("connection reset"), "connection reset"),
        (PermissionError(13, "no"), "access was refused"),
        (OSError(28, "full"), "there is no space left"),
        (ValueError("strange\nthing"), "strange thing"),
    ],
)
def test_what_goes_on_is_told_in_one_line(
    at_file: Remote, monkeypatch: pytest.MonkeyPatch, error: Exception, text: str
) -> None:
    ids = at_file.keep(*SMALL)
    at_file.push(ids)
    monkeypatch.setattr(LocalFileSystem, "cat_file", fail(100, error))
    with pytest.raises(ConfigurationError, match=text) as raised:
        at_file.fetch(ids)
    assert at_file.url in raised.value.message
    assert "\n" not in raised.value.message


def damage(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.chmod(0o644)
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize("wanted", [3, 500])
def test_a_damaged_content_is_named_and_the_rest_arrives(at_file: Remote, wanted: int) -> None:
    ids = at_file.keep(*SMALL[:250])
    more = at_file.keep(*SMALL[250:], *BIG)
    at_file.push(ids)
    at_file.push(more)
    id_7 = ObjectId.of(SMALL[7])
    (pack,) = [p for p in (at_file.directory / "remote/packs").iterdir() if Pack(p).index.find(id_7.digest)]
    slot = Pack(pack).index.find(id_7.digest)
    assert slot is not None
    damage(pack, lambda data: data[: slot.start] + b"no frame" + data[slot.start + 8 :])
    chosen = {ObjectId.of(content) for content in SMALL[7 : 7 + wanted]} | more
    with pytest.raises(ConfigurationError, match="damaged"):
        at_file.fetch(chosen)
    assert at_file.theirs.missing(more) == set()
    assert ObjectId.of(SMALL[7]) in at_file.theirs.missing(chosen)


def test_a_large_content_that_is_another_is_never_in_place(at_file: Remote) -> None:
    ids = at_file.keep(*BIG[:2], os.urandom(3 << 20))
    at_file.push(ids)
    for number, path in enumerate(sorted((at_file.directory / "remote/loose").glob("*/*"))):
        damage(path, lambda data, n=number: data[::-1] if n == 0 else data[:-1] if n == 1 else data + b"x")
    with pytest.raises(DwsError):
        at_file.fetch(ids)
    assert at_file.theirs.missing(ids) == ids


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: b"", lambda data: data + b"x"])
def test_what_a_damaged_pack_holds_is_missing(at_file: Remote, change: Callable[[bytes], bytes]) -> None:
    ids = at_file.keep(*SMALL)
    at_file.push(ids)
    (pack,) = (at_file.directory / "remote/packs").iterdir()
    damage(pack, change)
    there = RemoteStore(at_file.url, cache=at_file.directory / "new cache")
    assert there.missing(ids) == ids
    assert list(there.damaged_packs) == [pack.name]
    at_file.push(ids)
    at_file.fetch(ids)
    assert at_file.theirs.missing(ids) == set()


def test_other_files_there_are_nobodys_business(at_file: Remote) -> None:
    ids = at_file.keep(*SMALL)
    at_file.push(ids)
    for name in ("README", "notes.pack", "x" * 64 + ".pack", "sub/" + "0" * 64 + ".pack"):
        path = at_file.directory / "remote/packs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("not ours")
    assert at_file.opened().missing(ids) == set()


def test_a_remote_of_a_newer_release_is_not_touched(at_file: Remote) -> None:
    (at_file.directory / "remote").mkdir()
    (at_file.directory / "remote/format").write_text("3\n")
    with pytest.raises(ConfigurationError, match="format"):
        at_file.push(at_file.keep(*SMALL))
    assert [path.name for path in (at_file.directory / "remote").iterdir()] == ["format"]


def test_what_a_push_that_was_killed_left_goes(at_file: Remote) -> None:
    at_file.push(at_file.keep(*SMALL))
    for name, age in {"old": 100_000, "young": 10}.items():
        path = at_file.directory / "remote/tmp" / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    at_file.push(at_file.keep(b"more"))
    assert [path.name for path in (at_file.directory / "remote/tmp").iterdir()] == ["young"]


# -- URLs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "", "simplecache::s3://bucket/x", "filecache://x", "reference://x", "zip://x.zip", "file://relative/x",
        "s3://user:secret@bucket/x", "sftp://user:pass@host/x", "nosuchprotocol://x", "a\nb", "github://user:repo@x",
        "dir::file:///x",
    ],
)  # fmt: skip
def test_what_cannot_be_a_remote_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        check_url(url)
    assert "secret" not in raised.value.message
    assert "pass" not in raised.value.message.replace("password", "")


def test_a_path_becomes_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert check_url("remote") == f"file://{tmp_path}/remote"
    assert check_url("file:///a/../b/") == "file:///b"
    assert check_url("sftp://user@host:2222/x") == "sftp://user@host:2222/x"


@pytest.mark.slow
def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(ConfigurationError, match="needs a package that is not installed: Install s3fs"):
        RemoteStore("s3://bucket/x", cache=tmp_path).check_access()


def test_places_are_opened_by_each_thread_where_connections_cannot_be_shared() -> None:
    place = places.Place("memory://x")
    with ThreadPoolExecutor(1) as executor:
        there = executor.submit(lambda: place._file_system()).result()
    assert there is not place._file_system()
