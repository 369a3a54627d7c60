"""Packs are opened as needed, and stay few; what is damaged in them is set aside."""

from __future__ import annotations

import os
import random
import resource
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.objects.compaction import LARGEST, MANY, how_many_to_merge, merge_packs
from dataworkspaces.filetree.objects.garbage import find_garbage, remove_garbage
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.quarantine import set_aside, set_damaged_packs_aside
from dataworkspaces.filetree.objects.store import ObjectStore

LATER = 2.0**40


def add_pack(store: ObjectStore, number: int, count: int = 3) -> list[ObjectId]:
    writer = store.pack_writer()
    ids = []
    for place in range(count):
        content = b"%d of %d" % (place, number)
        ids.append(ObjectId.of(content))
        writer.add(ids[-1], content)
    writer.finish(store.packs_directory)
    return ids


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "store")


@pytest.mark.slow
def test_any_number_of_packs_can_be_read_with_few_descriptors(store: ObjectStore, tmp_path: Path) -> None:
    ids = [object_id for number in range(300) for object_id in add_pack(store, number)]
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 100, hard))
    try:
        other = ObjectStore(store.root)
        assert other.missing(ids) == set()
        places = other.locate(ids)
        assert len({other.read_located(i, places[i]) for i in ids}) == len(ids)
        assert find_garbage(other, {i.digest for i in ids}, LATER).objects == 0
        assert merge_packs(other) == 300
        assert {other.read(i) for i in ids} == {store.read(i) for i in ids}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("sizes", "count"),
    [
        ([], 0),
        ([5], 0),
        ([1, 2, 6, 18], 0),
        ([1, 1], 2),
        ([1, 3, 3, 100], 3),
        ([1, 3, 3, 13], 4),
        ([5] * 20, 20),
        ([1, LARGEST], 0),
    ],
)
def test_what_is_merged(sizes: list[int], count: int) -> None:
    assert how_many_to_merge(sizes) == count


def test_the_number_of_packs_grows_with_the_logarithm() -> None:
    sizes: list[int] = []
    rewritten = 0
    for _ in range(3000):
        sizes = sorted([*sizes, random.Random(len(sizes)).randint(1, 1000)])
        if len(sizes) >= MANY:
            count = how_many_to_merge(sizes)
            rewritten += sum(sizes[:count])
            sizes = sorted([sum(sizes[:count]), *sizes[count:]] if count else sizes)
        assert len(sizes) <= MANY + 8
    total = list(accumulate(sizes))[-1]
    assert rewritten < 20 * total, "each content is rewritten a few times only"


def test_who_has_opened_packs_reads_on_when_another_puts_them_together(store: ObjectStore) -> None:
    ids = [object_id for number in range(MANY) for object_id in add_pack(store, number)]
    reader = ObjectStore(store.root)
    places = reader.locate(ids)
    for pack in reader.packs():
        pack.close()
    assert merge_packs(store) == MANY
    assert [reader.read_located(i, places[i]) for i in ids] == [store.read(i) for i in ids]
    assert reader.missing(ids) == set()


def test_a_pack_that_was_put_together_is_as_old_as_the_youngest(store: ObjectStore) -> None:
    for number in range(MANY):
        add_pack(store, number)
    for number, path in enumerate(sorted(store.packs_directory.iterdir())):
        os.utime(path, (1000 + number, 1000 + number))
    merge_packs(store)
    (pack,) = store.packs()
    assert pack.path.stat().st_mtime == 1000 + MANY - 1


def test_a_damaged_pack_stays_and_the_others_are_put_together(store: ObjectStore) -> None:
    ids = [object_id for number in range(MANY + 1) for object_id in add_pack(store, number)]
    found = store.find(ids[0])
    assert found is not None
    found[0].path.chmod(0o644)
    found[0].path.write_bytes(found[0].path.read_bytes().replace(b"0 of 0", b"X of 0"))
    merge_packs(store)
    assert len(store.packs()) == 2
    assert set_aside(store, ids[1:]) == set(), "what is good is not touched"
    assert set_aside(store, ids) == {ids[0]}
    assert store.missing(ids) == {ids[0]}
    assert [path.name for path in (store.root / "quarantine").iterdir()] == [found[0].path.name]


def test_a_pack_that_tells_nothing_holds_nothing(store: ObjectStore) -> None:
    ids = add_pack(store, 1)
    (path,) = store.packs_directory.iterdir()
    path.chmod(0o644)
    os.truncate(path, 30)
    again = ObjectStore(store.root)
    assert again.missing(ids) == set(ids)
    assert list(again.damaged_packs()) == [path.name]
    with pytest.raises(MetadataError, match="not in the object store"):
        again.read(ids[0])
    add_pack(again, 1)
    assert ObjectStore(store.root).missing(ids) == set()
    os.truncate(path, 30)
    assert [p.name for p in set_damaged_packs_aside(ObjectStore(store.root))] == [path.name]
    assert not path.exists()


def test_what_is_large_is_told_by_its_size(store: ObjectStore) -> None:
    content = os.urandom(200_000)
    object_id = ObjectId.of(content)
    store.add_stream(object_id, [content])
    path = store.loose_path(object_id)
    path.chmod(0o644)
    os.truncate(path, 0)
    assert store.missing([object_id]) == {object_id}


# -- collecting garbage ----------------------------------------------------------------------------------------------


def test_a_full_disk_is_no_obstacle_to_removing(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be written: what is dead as a whole goes, and what would have to be written anew stays."""
    dead, mixed = add_pack(store, 1), add_pack(store, 2)
    loose = store.add_bytes(b"nobody needs it")

    real = Path.open

    def full(self: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if mode.startswith("r"):
            return real(self, mode, *arguments, **options)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    again = ObjectStore(store.root)
    live = {mixed[0].digest}
    garbage = find_garbage(again, live, LATER)
    remove_garbage(again, live, garbage)
    assert "No space left" in garbage.obstacle
    assert again.missing([*dead, *mixed, loose]) == {*dead, loose}
    monkeypatch.undo()
    garbage = find_garbage(again, live, LATER)
    remove_garbage(again, live, garbage)
    assert not garbage.obstacle
    assert again.missing(mixed) == set(mixed[1:])
    assert again.read(mixed[0]) == b"0 of 2"


def test_what_somebody_needs_again_meanwhile_stays(store: ObjectStore) -> None:
    loose = store.add_bytes(b"needed again")
    packed = add_pack(store, 1)
    for path in (store.loose_path(loose), next(store.packs_directory.iterdir())):
        os.utime(path, (1000, 1000))
    garbage = find_garbage(store, set(), 2000)
    assert garbage.objects == 4
    ObjectStore(store.root).refresh([loose, *packed])
    before = store.generation
    remove_garbage(store, set(), garbage)
    assert store.missing([loose, *packed]) == set()
    assert store.generation != before


def test_refreshing_tells_what_has_just_gone(store: ObjectStore) -> None:
    packed = add_pack(store, 1)
    other = ObjectStore(store.root)
    assert other.missing(packed) == set()
    next(store.packs_directory.iterdir()).unlink()
    assert other.refresh(packed) == set(packed)


def test_places_hold_as_long_as_their_packs_are_there(store: ObjectStore) -> None:
    ids = add_pack(store, 1) + add_pack(store, 2)
    places = store.locate(ids)
    assert places.keys() == set(ids)
    assert store.are_there(places)
    next(store.packs_directory.iterdir()).unlink()
    assert not ObjectStore(store.root).are_there(places)
    assert not store.are_there(places)
