"""Large contents in chunks: what two of them have in common is kept and sent once, and nothing is lost for that."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataworkspaces.errors import ConfigurationError, DwsError, MetadataError
from dataworkspaces.filetree import scan
from dataworkspaces.filetree.objects import chunk_keeper, pack, stored_files
from dataworkspaces.filetree.objects.checkout import WantedFiles, check_out
from dataworkspaces.filetree.objects.chunk_keeper import ChunkKeeper, ChunkWriter
from dataworkspaces.filetree.objects.chunks import CHUNKED, MOST, ChunkList, Cutter
from dataworkspaces.filetree.objects.garbage import find_garbage, remove_garbage
from dataworkspaces.filetree.objects.ids import DamagedContentError, ObjectId
from dataworkspaces.filetree.objects.pack import Pack, PackWriter
from dataworkspaces.filetree.objects.quarantine import set_aside
from dataworkspaces.filetree.objects.store import LARGE, ObjectStore
from dataworkspaces.filetree.objects.stored_files import store_files
from dataworkspaces.filetree.remotes import RemoteStore

LATER = 2.0**40
SIZE = CHUNKED + 1_000_003


def noise(seed: int, size: int = SIZE) -> bytes:
    return random.Random(seed).randbytes(size)


def edited(content: bytes, at: int, new: bytes, over: int = 0) -> bytes:
    return content[:at] + new + content[at + over :]


def cut(content: bytes, *ends: int) -> list[bytes]:
    """The chunks of a content that comes in parts."""
    cutter, start = Cutter(), 0
    found: list[bytes] = []
    for end in (*sorted(ends), len(content)):
        found += [bytes(chunk) for chunk in cutter.cut(content[start:end])]
        start = max(start, end)
    return found + [bytes(chunk) for chunk in cutter.cut(b"", is_last=True)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    return place


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """On a file system without reflinks, wherever the tests run."""
    monkeypatch.setattr(stored_files, "make_reflink", lambda *_: False)
    return ObjectStore(tmp_path / "store")


def keep(store: ObjectStore, root: Path, content: bytes, name: str = "file") -> ObjectId:
    (root / name).write_bytes(content)
    files = [(path, file) for path, file in scan(root).files() if path == name]
    (found,) = store_files(store, str(root), files)
    assert found.id is not None
    store.sync()
    return found.id


def back(store: ObjectStore, root: Path, object_id: ObjectId) -> bytes:
    check_out(store, root, [WantedFiles("", ["back"], ["blob"], [object_id])])
    return (root / "back").read_bytes()


def spoil(path: Path, at: int) -> None:
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[at] ^= 255
    path.write_bytes(data)


# -- cutting ---------------------------------------------------------------------------------------------------------

CONTENT = noise(0, 1 << 20)


@pytest.mark.slow
@given(st.lists(st.integers(0, len(CONTENT)), max_size=20))
def test_however_a_content_comes_its_chunks_are_the_same(ends: list[int]) -> None:
    found = cut(CONTENT, *ends)
    assert found == cut(CONTENT)
    assert b"".join(found) == CONTENT
    assert max(map(len, found)) <= MOST < LARGE


@pytest.mark.slow
@given(st.integers(0, len(CONTENT)), st.binary(max_size=2000), st.integers(0, 2000))
def test_an_edit_changes_few_chunks(at: int, new: bytes, over: int) -> None:
    changed = edited(CONTENT, at, new, over)
    found = cut(changed)
    assert b"".join(found) == changed
    assert sum(map(len, set(found) - set(cut(CONTENT)))) <= 6 * MOST


@pytest.mark.parametrize("content", [b"", b"x", bytes(1 << 20), b"ab" * 300_000])
def test_what_has_no_places_to_cut_is_cut_all_the_same(content: bytes) -> None:
    assert b"".join(cut(content)) == content


@given(st.binary(max_size=200), st.integers(0, 199))
def test_a_list_is_read_as_written_or_refused(data: bytes, at: int) -> None:
    chunks = [ObjectId.of(data[:n]) for n in range(1, len(data) + 1)]
    whole = ObjectId(sum(chunk.size for chunk in chunks), ObjectId.of(data).digest)
    written = ChunkList.of(whole, chunks).to_bytes()
    assert list(ChunkList.parse(written, whole, "it")) == chunks
    harmed = bytearray(written)
    harmed[at % len(harmed)] ^= 1
    for wrong in (bytes(harmed), written[:at], written + b"x"):
        if wrong != written:
            with pytest.raises(DamagedContentError, match="it is damaged"):
                ChunkList.parse(wrong, whole, "it")


# -- keeping and reading ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10, deadline=None)
@given(st.integers(0, SIZE), st.binary(max_size=100_000), st.integers(0, 100_000))
def test_versions_of_a_file_share_what_they_have_in_common(
    store: ObjectStore, root: Path, at: int, new: bytes, over: int
) -> None:
    first = noise(1)
    id_1 = keep(store, root, first)
    before = store.usage()
    assert (before.loose, before.chunked >= 1) == (0, True)
    second = edited(first, at, new, over)
    id_2 = keep(store, root, second)
    assert store.usage().size - before.size <= len(new) + 8 * MOST
    assert back(store, root, id_1) == first
    assert back(store, root, id_2) == second
    assert store.read(id_2) == second


def test_the_same_is_kept_once(store: ObjectStore, root: Path) -> None:
    object_id = keep(store, root, noise(1))
    before = store.usage()
    assert keep(store, root, noise(1), "another") == object_id
    assert store.usage() == before
    assert store.missing([object_id]) == set()
    assert store.content_bytes() == SIZE


def test_a_range_is_read_and_verified(store: ObjectStore, root: Path) -> None:
    content = noise(1)
    object_id = keep(store, root, content)
    with store.open(object_id) as file:
        for at, count in [(0, 10), (SIZE - 5, 100), (3_000_000, 500_000), (1_000_000, 1), (SIZE, 10)]:
            file.seek(at)
            assert file.read(count) == content[at : at + count]
        assert file.seek(-7, os.SEEK_END) == SIZE - 7
        assert file.read() == content[-7:]
    (pack,) = store.packs()
    spoil(pack.path, next(pack.contents())[1].start)
    with ObjectStore(store.root).open(object_id) as file, pytest.raises(DamagedContentError, match="is damaged"):
        file.read()


def test_where_the_file_system_shares_a_large_file_stays_one(
    store: ObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def share(source: int, target: int) -> bool:
        os.truncate(target, 0)
        os.pwrite(target, os.pread(source, SIZE, 0), 0)
        return True

    monkeypatch.setattr(stored_files, "make_reflink", share)
    object_id = keep(store, root, noise(1))
    assert (store.usage().loose, store.usage().chunked) == (1, 0)
    assert store.loose_path(object_id).read_bytes() == noise(1)


def test_holes_stay_holes(store: ObjectStore, root: Path) -> None:
    with (root / "file").open("wb") as file:
        file.truncate(10 * CHUNKED)
    files = list(scan(root).files())
    (found,) = store_files(store, str(root), files)
    assert found.id is not None
    assert store.usage().chunked == 0
    assert store.loose_path(found.id).stat().st_blocks * 512 < CHUNKED


def test_a_file_that_changes_is_kept_as_it_was_then(
    store: ObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, changes = stored_files.status_of, iter([noise(2), noise(3)])

    def status_of(fd: int, name: str) -> object:
        if (content := next(changes, None)) is not None:
            (root / "file").write_bytes(content)
        return real(fd, name)

    monkeypatch.setattr(stored_files, "status_of", status_of)
    object_id = keep(store, root, noise(1))
    assert back(store, root, object_id) == (root / "file").read_bytes()


def test_a_content_is_read_in_parts_of_any_size(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than there are blocks, and with chunks that lie in two."""
    monkeypatch.setattr(chunk_keeper, "_BLOCK_BYTES", 200_000)
    content, chance, done = noise(1), random.Random(0), 0

    def read(memory: memoryview) -> int:
        nonlocal done
        part = content[done : done + chance.randint(1, len(memory))]
        memory[: len(part)] = part
        done += len(part)
        return len(part)

    told: list[int] = []
    with ChunkKeeper(store) as keeper:
        writer = ChunkWriter(keeper)
        writer.read(read, told.append)
        chunks = writer.end()
        assert keeper.keep(chunks)
        keeper.finish()
    assert [chunk.size for chunk in chunks] == [len(chunk) for chunk in cut(content)]
    assert sum(told) == len(content)
    assert store.read(ObjectId.of(content)) == content


@pytest.mark.parametrize("failing", [1, 3, 12])
def test_a_disk_that_is_full_for_a_while_leaves_no_pack_with_a_hole(
    store: ObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """What is written next would lie at another place than the index says."""
    count = 0
    real = pack.write_all

    def write_all(fd: int, contents: list[bytes]) -> None:
        nonlocal count
        count += 1
        if count == failing:
            raise OSError(28, "No space left on device")
        real(fd, contents)

    with monkeypatch.context() as m:
        m.setattr(pack, "write_all", write_all)
        m.setattr(pack, "_WRITTEN_AT_ONCE", 100_000)
        m.setattr(chunk_keeper, "_PACK_BYTES", 1_000_000)
        with pytest.raises(OSError, match="No space"):
            keep(store, root, noise(1))
    assert count > failing or failing == 1
    for each in store.packs():
        each.verify()
    assert list((store.root / "tmp").iterdir()) == []
    assert back(store, root, keep(store, root, noise(1))) == noise(1)


@pytest.mark.parametrize("step", range(6))
def test_a_full_disk_or_a_kill_at_any_step_leaves_what_was_there(
    store: ObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Each file that is renamed or flushed fails in turn; what was kept before is whole, and a second try succeeds."""
    first = keep(store, root, noise(1))
    second = edited(noise(1), 2_000_000, noise(9, 300_000))
    monkeypatch.setattr("dataworkspaces.filetree.objects.chunk_keeper._PACK_BYTES", 200_000)
    count = 0
    real = PackWriter.finish, ChunkList.to_bytes

    def fails() -> None:
        nonlocal count
        count += 1
        if count == step + 1:
            raise OSError(28, "No space left on device")

    def finish(self: PackWriter, directory: Path) -> Path:
        fails()
        path = real[0](self, directory)
        fails()
        return path

    def to_bytes(self: ChunkList) -> bytes:
        fails()
        return real[1](self)

    with monkeypatch.context() as m:
        m.setattr(PackWriter, "finish", finish)
        m.setattr(ChunkList, "to_bytes", to_bytes)
        if step < 5:
            with pytest.raises(OSError, match="No space"):
                keep(store, root, second)
            assert ObjectStore(store.root).missing([first, ObjectId.of(second)]) == {ObjectId.of(second)}
    object_id = keep(store, root, second)
    assert list((store.root / "tmp").iterdir()) == []
    assert back(store, root, first) == noise(1)
    assert back(store, root, object_id) == second


def test_what_comes_from_elsewhere_is_kept_only_if_it_is_what_its_name_says(store: ObjectStore) -> None:
    wanted = ObjectId.of(noise(1))
    with pytest.raises(MetadataError, match="does not match its hash"):
        store.add_stream(wanted, [noise(1)[:-1], b"x"])
    assert store.missing([wanted]) == {wanted}
    store.add_stream(wanted, [noise(1)[:5], noise(1)[5:]])
    assert store.read(wanted) == noise(1)


def test_chunks_that_somebody_removes_meanwhile_are_written_again(store: ObjectStore, root: Path) -> None:
    object_id = keep(store, root, noise(1))
    with ChunkKeeper(store) as keeper:
        for is_kept in (False, True):
            writer = ChunkWriter(keeper)
            writer.add(noise(1))
            if not is_kept:
                for pack in store.packs():
                    pack.path.unlink()
                store.chunk_lists.path(object_id).unlink()
            assert keeper.keep(writer.end()) == is_kept
        assert store.missing([object_id]) == {object_id}
        keeper.finish()
    assert store.read(object_id) == noise(1)


@pytest.mark.slow
def test_large_files_of_a_batch_share_a_pack(store: ObjectStore, root: Path) -> None:
    for number in range(5):
        (root / f"f{number}").write_bytes(noise(number % 4))
    found = store_files(store, str(root), list(scan(root).files()))
    assert (store.usage().packs, store.usage().chunked) == (1, 4)
    assert [store.read(each.id) for each in found if each.id] == [noise(number % 4) for number in range(5)]


def test_chunks_are_found_in_whatever_pack_they_are(store: ObjectStore, root: Path) -> None:
    ids = [keep(store, root, edited(noise(1), 700_000 * n, b"x" * n)) for n in range(5)]
    assert store.usage().packs == 5
    chunks = {chunk for object_id in ids for chunk in store.chunk_lists.read(object_id) or []}
    found = store.locate_chunks([*chunks, ObjectId.of(b"is nowhere")])
    assert found.keys() == chunks
    assert all(chunk.names(store.read_located(chunk, place)) for chunk, place in found.items())
    assert store.locate(chunks).keys() == chunks


# -- damage ----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["chunk", "chunk is gone", "list", "list of another"])
def harmed(store: ObjectStore, root: Path, request: pytest.FixtureRequest) -> ObjectId:
    """A content of which something is damaged, beside one that shares most of it."""
    object_id = keep(store, root, noise(1))
    keep(store, root, edited(noise(1), 100, b"x" * 500_000, 500_000), "other")
    path = store.chunk_lists.path(object_id)
    if request.param == "list":
        spoil(path, 60)
    elif request.param == "list of another":
        chunks = list(store.chunk_lists.read(object_id) or [])
        store.chunk_lists.place(ChunkList.of(object_id, [*chunks[2:], *chunks[:2]]), store.new_temporary())
    else:
        first = next(iter(store.chunk_lists.read(object_id) or []))
        found = store.find(first)
        assert found is not None
        if request.param == "chunk":
            spoil(found[0].path, found[1].start)
        else:
            found[0].path.unlink()
    return object_id


def test_damage_is_found_and_healed(store: ObjectStore, root: Path, harmed: ObjectId) -> None:
    other = ObjectId.of((root / "other").read_bytes())
    store = ObjectStore(store.root)
    if not store.missing([harmed]):
        assert store.damage(harmed) is not None
        with pytest.raises(MetadataError, match="is damaged"):
            check_out(store, root, [WantedFiles("", ["back"], ["blob"], [harmed])])
        assert not (root / "back").exists()
    set_aside(store, [harmed])
    store = ObjectStore(store.root)
    assert store.missing([harmed]) == {harmed}
    for object_id, name in ((harmed, "file"), (other, "other")):
        if store.missing([object_id]):
            store.add_stream(object_id, [(root / name).read_bytes()])
        assert store.damage(object_id) is None
        assert back(store, root, object_id) == (root / name).read_bytes()


# -- garbage ---------------------------------------------------------------------------------------------------------


def collect(store: ObjectStore, *live: ObjectId, before: float = LATER) -> int:
    digests = {object_id.digest for object_id in live}
    found = find_garbage(store, digests, before)
    remove_garbage(store, digests, found)
    return found.size


@pytest.mark.slow
def test_chunks_that_another_version_needs_stay(store: ObjectStore, root: Path) -> None:
    versions = [noise(1)]
    for number in range(4):
        versions.append(edited(versions[-1], 1_000_000 * number, noise(10 + number, 700_000), 700_000))
    ids = [keep(store, root, content) for content in versions]
    small = keep(store, root, b"small", "small")
    left = [0, 1, 2, 3, 4]
    for gone in (0, 2, 4, 1):
        left.remove(gone)
        live = [ids[number] for number in left]
        before = store.usage().size
        collect(store, *live, small)
        store = ObjectStore(store.root)
        assert store.usage().size < before
        assert store.missing([*ids, small]) >= {ids[gone]}
        for object_id in live:
            assert store.damage(object_id) is None
    assert back(store, root, ids[3]) == versions[3]
    collect(store, small)
    assert set(ObjectStore(store.root).ids()) == {small}


def test_what_is_young_keeps_its_chunks(store: ObjectStore, root: Path) -> None:
    old = keep(store, root, noise(1))
    for path in [*store.packs_directory.iterdir(), store.chunk_lists.path(old)]:
        os.utime(path, (1000, 1000))
    young = keep(store, root, edited(noise(1), 5, b"x"))
    collect(store, before=2000)
    assert ObjectStore(store.root).missing([old, young]) == {old}
    assert back(ObjectStore(store.root), root, young) == edited(noise(1), 5, b"x")


def test_a_list_that_is_damaged_protects_its_chunks(store: ObjectStore, root: Path) -> None:
    object_id = keep(store, root, noise(1))
    chunks = store.chunk_lists.read(object_id)
    assert chunks is not None
    good = store.chunk_lists.path(object_id).read_bytes()
    spoil(store.chunk_lists.path(object_id), len(good) - 1)
    collect(store, object_id)
    assert ObjectStore(store.root).missing_chunks(chunks) == set()


# -- remotes ---------------------------------------------------------------------------------------------------------


class Remote:
    def __init__(self, directory: Path, store: ObjectStore) -> None:
        self.mine = store
        self.theirs = ObjectStore(directory / "theirs")
        self.place = directory / "remote"
        self.cache = directory / "cache"
        self.executor = ThreadPoolExecutor(2)

    def open(self) -> RemoteStore:
        return RemoteStore(self.place.as_uri(), cache=self.cache)

    def push(self, *ids: ObjectId) -> tuple[int, int]:
        """Bytes that the remote has more, and those that were told."""
        told: list[int] = []
        before = self.size()
        done = self.open().push(self.mine, set(ids), executor=self.executor, advance=told.append)
        assert not done.damaged
        return self.size() - before, sum(told)

    def fetch(self, *ids: ObjectId) -> int:
        before = self.theirs.usage().size
        self.open().fetch(self.theirs, set(ids), executor=self.executor, advance=lambda _: None)
        self.theirs = ObjectStore(self.theirs.root)
        return self.theirs.usage().size - before

    def damaged(self, *ids: ObjectId) -> set[ObjectId]:
        return set(self.open().damaged(set(ids), executor=self.executor, advance=lambda _: None))

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.place.rglob("*") if path.is_file())


@pytest.fixture
def remote(tmp_path: Path, store: ObjectStore) -> Iterator[Remote]:
    found = Remote(tmp_path, store)
    yield found
    found.executor.shutdown()


@pytest.mark.parametrize("is_whole_here", [False, True])
def test_what_two_versions_have_in_common_is_sent_and_fetched_once(
    remote: Remote, root: Path, monkeypatch: pytest.MonkeyPatch, is_whole_here: bool
) -> None:
    if is_whole_here:  # as where reflinks are, or in a store of an earlier release
        monkeypatch.setattr(stored_files, "CHUNKED", 1 << 40)
    first, second = noise(1), edited(noise(1), 3_000_000, b"in between")
    ids = [keep(remote.mine, root, content) for content in (first, second)]
    assert remote.mine.usage().loose == (2 if is_whole_here else 0)
    sent, told = remote.push(ids[0])
    assert SIZE <= sent <= SIZE * 1.02
    assert told == pytest.approx(SIZE, rel=0.02)
    sent, told = remote.push(ids[1])
    assert sent <= 4 * MOST
    assert told == pytest.approx(SIZE, rel=0.02)
    assert remote.open().missing(ids) == set()
    assert remote.open().read(ids[1]) == second
    assert remote.fetch(ids[0]) >= SIZE
    assert remote.fetch(ids[1]) <= 4 * MOST
    assert [remote.theirs.read(object_id) for object_id in ids] == [first, second]
    assert remote.damaged(*ids) == set()


def test_a_push_that_was_killed_is_completed(remote: Remote, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [keep(remote.mine, root, noise(1)), keep(remote.mine, root, b"small", "small")]
    real, left = RemoteStore.upload, 0

    def upload(self: RemoteStore, local: Path, relative: str, *, tell: bool = True) -> int:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        return real(self, local, relative, tell=tell)

    for number in range(10):
        left = number
        with monkeypatch.context() as m:
            m.setattr(RemoteStore, "upload", upload)
            try:
                remote.push(*ids)
            except KeyboardInterrupt:
                pass
            else:
                break
        if remote.place.exists() and ids[0] not in remote.open().missing(ids):
            assert remote.damaged(ids[0]) == set()
    assert remote.open().missing(ids) == set()
    remote.fetch(*ids)
    assert remote.theirs.read(ids[0]) == noise(1)


@pytest.mark.parametrize("what", ["pack", "list", "pack is gone", "list is gone", "list of another"])
def test_damage_at_a_remote_is_found_and_sent_again(remote: Remote, root: Path, what: str) -> None:
    object_id = keep(remote.mine, root, noise(1))
    remote.push(object_id)
    (path,) = (remote.place / "chunked").glob("*/*") if "list" in what else (remote.place / "packs").glob("*.pack")
    if what == "list of another":
        chunks = list(remote.mine.chunk_lists.read(object_id) or [])
        path.write_bytes(ChunkList.of(object_id, chunks[::-1]).to_bytes())
        for cached in remote.cache.rglob("*.chunks"):
            cached.unlink()
    elif "gone" in what:
        path.unlink()
    else:
        spoil(path, 60)
    with pytest.raises(ConfigurationError):
        remote.fetch(object_id)
    assert ObjectStore(remote.theirs.root).missing([object_id]) == {object_id}, "nothing that is not verified is kept"
    if what == "list of another":
        return  # each chunk is good; whoever fetches it sees
    there = remote.open()
    assert there.missing([object_id]) or remote.damaged(object_id) == {object_id}
    packs, _ = there.distrust({object_id})
    there.push(remote.mine, {object_id}, executor=remote.executor, advance=lambda _: None)
    there.set_aside(packs)
    remote.fetch(object_id)
    assert remote.theirs.read(object_id) == noise(1)
    assert remote.damaged(object_id) == set()


def test_what_is_damaged_here_is_not_sent(remote: Remote, root: Path) -> None:
    object_id = keep(remote.mine, root, noise(1))
    (pack,) = remote.mine.packs_directory.iterdir()
    spoil(pack, next(Pack(pack).contents())[1].start)
    mine = ObjectStore(remote.mine.root)
    done = remote.open().push(mine, {object_id}, executor=remote.executor, advance=lambda _: None)
    assert done.damaged == {object_id}
    assert list(remote.place.glob("chunked/*/*")) == []


def test_what_an_earlier_release_sent_as_a_file_is_fetched(remote: Remote, root: Path) -> None:
    object_id = ObjectId.of(noise(1))
    there = ObjectStore(remote.place)
    path = there.loose_path(object_id)
    path.parent.mkdir(parents=True)
    path.write_bytes(noise(1))
    (remote.place / "format").write_text("1")
    assert remote.open().missing([object_id]) == set()
    remote.fetch(object_id)
    assert remote.theirs.read(object_id) == noise(1)
    second = keep(remote.mine, root, edited(noise(1), 5, b"x"))
    remote.push(second)
    assert (remote.place / "format").read_text() == "2"
    try:
        remote.fetch(second)
    except DwsError as e:
        pytest.fail(e.message)
