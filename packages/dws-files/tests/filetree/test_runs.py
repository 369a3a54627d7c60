"""Contents that lie side by side in a pack are read at once, and verified one by one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.pack import Pack, write_pack
from dataworkspaces.filetree.objects.runs import read_in_runs
from dataworkspaces.filetree.objects.store import ObjectStore

CONTENTS = [os.urandom(5000) for _ in range(40)] + [f"{number} ".encode() * 900 for number in range(40)]
"""Some that stay as they are in a pack, and some that are compressed together."""
IDS = [ObjectId.of(content) for content in CONTENTS]


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    found = ObjectStore(tmp_path / "store")
    write_pack(found.temporary, found.packs_directory, list(zip(IDS, CONTENTS, strict=True))[:50])
    write_pack(found.temporary, found.packs_directory, list(zip(IDS, CONTENTS, strict=True))[50:79])
    found.add_bytes(CONTENTS[79])
    return found


@pytest.mark.parametrize("step", [1, -1, 3])
def test_contents_come_in_the_order_in_which_they_are_wanted(
    store: ObjectStore, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    real = Pack.stored
    monkeypatch.setattr(Pack, "stored", lambda self, place: reads.append(place.length) or real(self, place))
    located = store.locate(IDS)
    wanted = [(object_id, located.get(object_id)) for object_id in [*IDS, IDS[0], IDS[0]][::step]]
    assert list(read_in_runs(store, wanted)) == [*CONTENTS, CONTENTS[0], CONTENTS[0]][::step]
    assert step != 1 or len(reads) < 10


def test_what_is_damaged_is_not_given_and_what_lies_before_it_is(store: ObjectStore) -> None:
    located = store.locate(IDS)
    name, slot = located[IDS[5]]
    path = store.packs_directory / name
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(slot.start + 7)
        file.write(b"harm")
    contents = read_in_runs(store, [(object_id, located.get(object_id)) for object_id in IDS])
    assert [next(contents) for _ in range(5)] == CONTENTS[:5]
    with pytest.raises(MetadataError, match="damaged"):
        next(contents)


def test_a_pack_that_has_gone_into_another_is_no_error(store: ObjectStore) -> None:
    located = store.locate(IDS)
    write_pack(store.temporary, store.packs_directory, zip(IDS, CONTENTS, strict=True))
    for name in {name for name, _ in located.values()}:
        (store.packs_directory / name).unlink()
    assert list(read_in_runs(store, [(object_id, located.get(object_id)) for object_id in IDS])) == CONTENTS
