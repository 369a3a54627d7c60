"""What gets smaller is compressed; stores of format 1, which know nothing of that, are read and go on."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.objects.compaction import MANY, merge_packs
from dataworkspaces.filetree.objects.compression import MOST, Compressor, compressed, decompressed
from dataworkspaces.filetree.objects.garbage import find_garbage, remove_garbage
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.pack import ENTRY_1, FOOTER, MAGIC_1, Pack, write_pack
from dataworkspaces.filetree.objects.quarantine import set_aside
from dataworkspaces.filetree.objects.store import ObjectStore
from dataworkspaces.filetree.remotes import RemoteStore

LATER = 2.0**40


def texts(count: int, seed: int = 0) -> dict[ObjectId, bytes]:
    """Small texts, of words that recur."""
    chance = random.Random(seed)
    words = [bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 9))) for _ in range(500)]
    found = [b"%d %d\n" % (seed, n) + b" ".join(chance.choices(words, k=150)) for n in range(count)]
    return {ObjectId.of(content): content for content in found}


def write_pack_1(store: ObjectStore, contents: dict[ObjectId, bytes]) -> Path:
    """A pack as releases wrote it that knew format 1 only."""
    body, entries = MAGIC_1, []
    for object_id, content in contents.items():
        entries.append(ENTRY_1.pack(object_id.digest, len(body), object_id.size))
        body += content
    index = b"".join(sorted(entries))
    digest = blake3(index).digest()
    store.packs_directory.mkdir(parents=True, exist_ok=True)
    path = store.packs_directory / f"{digest.hex()}.pack"
    path.write_bytes(body + index + FOOTER.pack(len(entries), digest, MAGIC_1))
    (store.root / "format").write_text("1")
    return path


def all_of(store: ObjectStore, ids: Iterable[ObjectId]) -> dict[ObjectId, bytes]:
    found = store.locate(set(ids))
    return {object_id: store.read_located(object_id, found.get(object_id)) for object_id in ids}


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "store")


@given(st.binary(max_size=1000), st.integers(1, 300))
def test_what_was_compressed_is_as_before(data: bytes, times: int) -> None:
    frame = compressed(data * times)
    assert frame is None or decompressed(frame) == data * times
    assert frame is None or len(frame) <= 0.9 * len(data) * times


def test_what_does_not_get_smaller_is_left_as_it_is() -> None:
    assert compressed(os.urandom(64 << 10)) is None
    assert compressed(b"") is None


@pytest.mark.parametrize("frame", [b"", b"no frame", b"\x28\xb5\x2f\xfd", (compressed(b"a" * 100) or b"")[:-1]])
def test_what_is_no_frame_holds_nothing(frame: bytes) -> None:
    assert decompressed(frame) is None


def test_a_frame_that_holds_more_than_any_is_not_unpacked() -> None:
    bomb = compressed(bytes(MOST + 1))
    assert bomb is not None
    assert decompressed(bomb) is None


def test_small_texts_need_less_than_half_of_their_size(store: ObjectStore) -> None:
    contents = texts(2000)
    write_pack(store.temporary, store.packs_directory, contents.items())
    size = sum(object_id.size for object_id in contents)
    assert store.usage().size < 0.45 * size
    assert store.content_bytes() == size
    assert all_of(store, contents) == contents


def test_one_byte_that_flips_in_a_frame_is_found(store: ObjectStore) -> None:
    contents = texts(300)
    path = write_pack(store.temporary, store.packs_directory, contents.items())
    assert path is not None
    pack = Pack(path)
    wanted, slot = next(iter(pack.contents()))
    assert slot.offset >= 0
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[slot.start + slot.length // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(MetadataError, match="is damaged"):
        pack.verify()
    together = {i for i, other in pack.index if other.start == slot.start}
    damaged = set_aside(store, together)
    assert damaged
    assert damaged <= together, "only what lies in that frame"
    rest = {object_id: content for object_id, content in contents.items() if object_id not in damaged}
    assert store.missing(contents) == damaged
    assert all_of(ObjectStore(store.root), rest) == rest
    assert wanted in together


def test_a_store_of_format_1_is_read_as_it_is(store: ObjectStore) -> None:
    contents = texts(200)
    path = write_pack_1(store, contents)
    assert store.missing(contents) == set()
    assert all_of(store, contents) == contents
    assert set(store.ids()) == set(contents)
    assert (store.root / "format").read_text() == "1", "who only reads changes nothing"
    assert [p.name for p in store.packs_directory.iterdir()] == [path.name]


def test_a_store_of_format_1_goes_on_and_says_so_before_it_changes(store: ObjectStore) -> None:
    old, new = texts(200), texts(200, seed=1)
    write_pack_1(store, old)
    writer = store.pack_writer()
    assert (store.root / "format").read_text() == "2"
    for object_id, content in new.items():
        writer.add(object_id, content)
    writer.finish(store.packs_directory)
    assert all_of(ObjectStore(store.root), {**old, **new}) == {**old, **new}


def test_packs_of_both_kinds_are_merged_and_collected(store: ObjectStore) -> None:
    contents: dict[ObjectId, bytes] = {}
    for number in range(2 * MANY):
        part = texts(20, seed=number)
        contents |= part
        if number % 2:
            write_pack_1(store, part)
        else:
            write_pack(store.temporary, store.packs_directory, part.items())
    assert merge_packs(store) == 2 * MANY
    assert store.usage().packs == 1
    assert all_of(store, contents) == contents
    needed = dict(list(contents.items())[::3])
    live = {object_id.digest for object_id in needed}
    before = store.usage().size
    garbage = find_garbage(store, live, LATER)
    remove_garbage(store, live, garbage)
    assert (set(store.ids()), all_of(store, needed)) == (set(needed), needed)
    freed = before - store.usage().size
    assert freed == pytest.approx(garbage.size, rel=0.25)


@pytest.mark.parametrize("part", [1, 7, 200])
def test_a_remote_of_format_1_goes_on(store: ObjectStore, tmp_path: Path, part: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    old, new = texts(200), texts(300, seed=1)
    there = ObjectStore(tmp_path / "remote")
    write_pack_1(there, old)
    write_pack(store.temporary, store.packs_directory, new.items())
    remote = RemoteStore((tmp_path / "remote").as_uri(), cache=tmp_path / "cache")
    with ThreadPoolExecutor(2) as executor:
        remote.push(store, new, executor=executor, advance=lambda _: None)
        assert (there.root / "format").read_text() == "2"
        assert remote.missing({**old, **new}) == set()
        wanted = {i: c for n, (i, c) in enumerate({**old, **new}.items()) if n % 200 < part}
        mine = ObjectStore(tmp_path / "mine")
        remote = RemoteStore(remote.url, cache=tmp_path / "cache")  # its indexes are in the cache now
        remote.fetch(mine, wanted, executor=executor, advance=lambda _: None)
        assert all_of(mine, wanted) == wanted
        assert {i: remote.read(i) for i in wanted} == wanted
        assert remote.damaged({**old, **new}, executor=executor, advance=lambda _: None) == {}


def test_what_gets_smaller_again_is_compressed_again() -> None:
    """Of what comes after much that did not, all but the first parts."""
    compressor = Compressor()
    noise = [random.Random(n).randbytes(64 << 10) for n in range(40)]
    assert {compressor.compressed(part) for part in noise} == {None}
    text = b"".join(texts(100).values())[: 64 << 10]
    frames = [compressor.compressed(text) for _ in range(20)]
    assert None not in frames[8:]
    assert {decompressed(frame) for frame in frames if frame} == {text}
