"""The object store: packs, single files, and what becomes of damage."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.filetree import scan
from dataworkspaces.filetree.manifest import Kind
from dataworkspaces.filetree.objects import checkout, stored_files
from dataworkspaces.filetree.objects.checkout import WantedFiles, check_out
from dataworkspaces.filetree.objects.ids import ObjectId, parse_ids
from dataworkspaces.filetree.objects.pack import ENTRY, FOOTER, MAGIC, Pack, write_pack
from dataworkspaces.filetree.objects.store import LARGE, ObjectStore
from dataworkspaces.filetree.objects.stored_files import StoredFile, store_files

contents = st.lists(st.binary(max_size=300), max_size=40)


def ids_of(found: Sequence[bytes]) -> dict[ObjectId, bytes]:
    return {ObjectId.of(content): content for content in found}


def make_pack(directory: Path, *found: bytes) -> Path:
    path = write_pack(directory, directory, ids_of(found).items())
    assert path is not None
    return path


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "store")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    return place


def keep(store: ObjectStore, root: Path) -> dict[str, StoredFile]:
    files = list(scan(root).files())
    return dict(zip((path for path, _ in files), store_files(store, str(root), files), strict=True))


# -- packs -----------------------------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents)
def test_what_is_packed_is_read(tmp_path: Path, found: list[bytes]) -> None:
    expected = ids_of(found)
    path = write_pack(tmp_path, tmp_path, expected.items())
    if not expected:
        assert path is None
        return
    assert path is not None
    pack = Pack(path)
    assert {i: pack.read(i) for i, _ in pack.index} == expected
    assert pack.read(ObjectId.of(b"another content")) is None
    raw = path.read_bytes()
    index = raw[-FOOTER.size - len(expected) * ENTRY.size : -FOOTER.size]
    assert path.name == f"{blake3(index).hexdigest()}.pack"


def test_nothing_is_left_of_a_pack_that_could_not_be_written(tmp_path: Path) -> None:
    def broken() -> object:
        yield ObjectId.of(b"one"), b"one"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_pack(tmp_path, tmp_path, broken())  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def _with_entry(data: bytes, *entry: object) -> bytes:
    """A pack whose only entry is another, with a footer that fits."""
    index = ENTRY.pack(*entry)
    body = data[: len(data) - FOOTER.size - ENTRY.size]
    return body + index + FOOTER.pack(1, blake3(index).digest(), MAGIC)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data[: -FOOTER.size],
        lambda data: data[:-8] + b"WRONG!!!",
        lambda data: data[: -FOOTER.size] + FOOTER.pack(2**64 - 1, b"x" * 32, MAGIC),
        lambda data: data[: -FOOTER.size] + FOOTER.pack(2, b"x" * 32, MAGIC),
        lambda data: data[: -FOOTER.size - 20] + b"x" + data[-FOOTER.size - 19 :],
        lambda data: _with_entry(data, blake3(b"content").digest(), 8, 0, 0, 2**32 - 1),
        lambda data: _with_entry(data, blake3(b"content").digest(), 8, 7, 1 << 20, 7),
        lambda data: _with_entry(data, blake3(b"content").digest(), 2**64 - 1, 0, 0, 7),
        lambda data: _with_entry(data, blake3(b"content").digest(), 0, 0, 0, 7),
    ],
    ids=[
        "empty",
        "cut",
        "half",
        "no footer",
        "magic",
        "huge count",
        "count",
        "index",
        "size",
        "bomb",
        "offset",
        "start",
    ],
)
def test_a_damaged_pack_is_named(tmp_path: Path, damage: object) -> None:
    path = make_pack(tmp_path, b"content")
    path.chmod(0o644)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(MetadataError, match=f"{path.name} is damaged"):
        Pack(path).read(ObjectId.of(b"content"))


def test_a_content_that_was_changed_in_its_pack_is_not_given(tmp_path: Path) -> None:
    path = make_pack(tmp_path, b"content", b"another")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"content", b"CONTENT"))
    assert Pack(path).read(ObjectId.of(b"another")) == b"another"
    with pytest.raises(MetadataError, match="is damaged"):
        Pack(path).read(ObjectId.of(b"content"))


@pytest.mark.parametrize("text", ["", "7", "x:00", f"-1:{'0' * 64}", f"7:{'g' * 64}", f"7:{'0' * 63}", f"²:{'0' * 64}"])
def test_what_names_no_content_is_refused(text: str) -> None:
    with pytest.raises(MetadataError, match="is not the name of a content"):
        ObjectId.parse(text)


# -- keeping ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 63, 64, 2000])
def test_many_small_files_make_one_pack_and_few_make_none(store: ObjectStore, root: Path, count: int) -> None:
    for number in range(count):
        (root / f"f{number}").write_bytes(b"%d" % number)
    kept = keep(store, root)
    usage = store.usage()
    assert (usage.packs, usage.loose) == ((1, 0) if count >= 64 else (0, count))
    assert {path: store.read(s.id) for path, s in kept.items() if s.id} == {
        path.name: path.read_bytes() for path in root.iterdir()
    }
    assert [s.file for s in kept.values()] == [file for _, file in scan(root).files()]


@pytest.mark.parametrize("size", [0, LARGE - 1, LARGE, LARGE + 1, 5 * LARGE + 3])
def test_files_of_any_size_are_kept(store: ObjectStore, root: Path, size: int) -> None:
    content = os.urandom(size)
    (root / "file").write_bytes(content)
    object_id = keep(store, root)["file"].id
    assert object_id == ObjectId.of(content)
    assert store.missing([object_id]) == set()
    assert store.read(object_id) == content
    with store.open(object_id) as file:
        assert file.read() == content


def test_the_same_content_is_kept_once(store: ObjectStore, root: Path) -> None:
    for number in range(200):
        (root / f"f{number}").write_bytes(b"%d" % (number % 70))
        (root / f"large{number % 3}").write_bytes(b"x" * LARGE)
    keep(store, root)
    before = store.usage()
    (root / "f0").rename(root / "another name")
    keep(store, root)
    assert store.usage() == before
    assert len(set(store.ids())) == len(list(store.ids())) == 71


def test_user_files_are_neither_moved_nor_linked(store: ObjectStore, root: Path) -> None:
    for name, content in {"small": b"x", "large": b"x" * LARGE}.items():
        (root / name).write_bytes(content)

    def told() -> dict[str, tuple[int, ...]]:
        """All but when it was read last."""
        found = {path.name: path.stat() for path in root.iterdir()}
        return {name: (s.st_ino, s.st_mode, s.st_nlink, s.st_size, s.st_mtime_ns) for name, s in found.items()}

    before = told()
    keep(store, root)
    assert told() == before
    assert {links for _inode, _mode, links, *_ in before.values()} == {1}


def test_nothing_in_the_store_can_be_written_by_mistake(store: ObjectStore, root: Path) -> None:
    for number in range(100):
        (root / f"f{number}").write_bytes(b"%d" % number)
    (root / "large").write_bytes(b"x" * LARGE)
    keep(store, root)
    objects = [*store.packs_directory.iterdir(), *store.loose_files()]
    assert {path.stat().st_mode & 0o777 for path in objects} == {0o444}


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_file_that_changes_while_it_is_read_is_kept_as_it_was_then(
    store: ObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    (root / "file").write_bytes(b"a" * size)
    changes = iter([b"b" * size, b"c" * (size + 1)])
    real = stored_files.status_of

    def status_of(fd: int, name: str) -> object:
        if (content := next(changes, None)) is not None:
            (root / "file").write_bytes(content)
        return real(fd, name)

    monkeypatch.setattr(stored_files, "status_of", status_of)
    kept = keep(store, root)["file"]
    assert kept.id is not None
    assert store.read(kept.id) == (root / "file").read_bytes()
    assert kept.file == next(file for _, file in scan(root).files())


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_file_that_changes_all_the_time_is_kept_as_it_was_read_last(
    store: ObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    (root / "file").write_bytes(b"a" * size)
    real, number = stored_files.status_of, iter(range(100))

    def status_of(fd: int, name: str) -> object:
        (root / "file").write_bytes(b"b" * (size + next(number)))
        return real(fd, name)

    monkeypatch.setattr(stored_files, "status_of", status_of)
    found = keep(store, root)["file"]
    assert (found.problem, found.file and found.file.inode) == ("it changed while it was read", 0)
    assert found.id is not None
    assert set(store.read(found.id)) <= set(b"ab")
    assert list(store.root.glob("tmp/*")) == []


def test_without_reflinks_and_the_kernel_a_copy_is_made_all_the_same(
    store: ObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(stored_files.fcntl, "ioctl", refuse)
    monkeypatch.setattr(stored_files.os, "copy_file_range", refuse)
    content = os.urandom(3 << 20)
    (root / "file").write_bytes(content)
    kept = keep(store, root)["file"].id
    assert kept is not None
    assert store.loose_path(kept).read_bytes() == content


def test_a_store_of_a_newer_release_is_not_touched(store: ObjectStore, root: Path) -> None:
    (root / "file").write_text("x")
    keep(store, root)
    (store.root / "format").write_text("3\n")
    with pytest.raises(ConfigurationError, match="format '3'"):
        keep(ObjectStore(store.root), root)


def test_what_comes_from_elsewhere_is_kept_only_if_it_is_what_its_name_says(store: ObjectStore) -> None:
    wanted = ObjectId.of(b"good content")
    for wrong in ([b"bad content!"], [b"good "], [b"good content", b"!"]):
        with pytest.raises(MetadataError, match="does not match its hash"):
            store.add_stream(wanted, wrong)
    assert store.missing([wanted]) == {wanted}
    store.add_stream(wanted, [b"good ", b"", b"content"])
    assert store.read(wanted) == b"good content"


@pytest.mark.parametrize("count", [5, 100])
def test_damage_is_found_and_told(store: ObjectStore, root: Path, count: int) -> None:
    for number in range(count):
        (root / f"f{number}").write_bytes(b"content %03d" % number)
    kept = keep(store, root)
    for path in [*store.packs_directory.iterdir(), *store.loose_files()]:
        path.chmod(0o644)
        found = path.read_bytes()
        path.write_bytes(found[:8] + bytes(byte ^ 255 for byte in found[8:11]) + found[11:])
    with pytest.raises(MetadataError, match="is damaged"):
        store.read(kept["f0"].id or ObjectId.of(b""))


def test_what_another_process_adds_is_seen(store: ObjectStore, root: Path) -> None:
    mine = ObjectStore(store.root)
    for part in range(3):
        for number in range(100):
            (root / f"f{number}").write_bytes(b"%d %d" % (part, number))
        ids = {s.id for s in keep(store, root).values() if s.id}
        assert mine.missing(ids) == set()


# -- check-out -------------------------------------------------------------------------------------------------------


def wanted(store: ObjectStore, path: str, content: bytes, kind: Kind = "blob") -> WantedFiles:
    object_id = ObjectId.of(content)
    store.add_stream(object_id, [content])
    directory, _, name = path.rpartition("/")
    return WantedFiles(directory, [name], [kind], [object_id])


def test_files_come_back_with_content_and_mode(store: ObjectStore, root: Path) -> None:
    (root / "sub").mkdir()
    (root / "sub/old").write_text("old")
    large = os.urandom(LARGE * 3)
    files = [
        wanted(store, "new", b"new"),
        wanted(store, "sub/old", b"newer", "exec"),
        wanted(store, "sub/large", large),
        wanted(store, "link", b"sub/\xff", "link"),
        wanted(store, "\udcff\n", b""),
    ]
    for _ in range(2):  # the second time all of them are replaced
        written = check_out(store, root, files)
        assert {directory: known.files for directory, known in written.items()} == {
            directory.path: directory.files for directory in scan(root).directories
        }
        told = {path for w in files if w.kinds != ["link"] for path in zip(w.paths(), w.ids, strict=True)}
        assert told == {
            (directory + "/" * bool(directory) + name, ObjectId.parse(value))
            for directory, (kept, values) in written.items()
            for name, value in zip(kept.names, values.split("\n"), strict=True)
        }
    assert (root / "sub/large").read_bytes() == large
    assert (root / "link").readlink() == Path("sub/\udcff")
    assert os.access(root / "sub/old", os.X_OK)
    assert not os.access(root / "new", os.X_OK) or os.geteuid() == 0
    assert (root / "new").stat().st_mode & 0o777 == 0o666 & ~_umask()
    assert sorted(path.name for path in root.iterdir()) == ["link", "new", "sub", "\udcff\n"]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("path", ["away/file", "file/below", "deep/away/file"])
def test_nothing_is_written_or_removed_through_a_link(
    store: ObjectStore, root: Path, tmp_path: Path, path: str
) -> None:
    outside = tmp_path / "outside"
    (root / "deep").mkdir()
    outside.mkdir()
    (outside / "file").write_text("precious")
    (root / "away").symlink_to(outside)
    (root / "deep/away").symlink_to(outside)
    (root / "file").touch()
    with pytest.raises(ConfigurationError, match="leads through what is not a directory"):
        check_out(store, root, [wanted(store, path, b"attack")])
    with pytest.raises(ConfigurationError, match="leads through what is not a directory"):
        checkout.remove(root, [path])
    with pytest.raises(ConfigurationError, match="leads through what is not a directory"):
        checkout.make_directories(root, [path])
    assert [p.read_text() for p in outside.iterdir()] == ["precious"]


def test_a_link_is_replaced_and_not_written_through(store: ObjectStore, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("precious")
    (root / "file").symlink_to(tmp_path / "outside")
    check_out(store, root, [wanted(store, "file", b"mine")])
    assert ((root / "file").is_symlink(), (root / "file").read_text()) == (False, "mine")
    assert (tmp_path / "outside").read_text() == "precious"


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_damaged_content_replaces_nothing(store: ObjectStore, root: Path, size: int) -> None:
    item = wanted(store, "file", b"a" * size)
    place = store.loose_path(item.ids[0])
    place.chmod(0o644)
    place.write_bytes(b"b" * size)
    (root / "file").write_text("as before")
    for name in ("file", "new"):
        with pytest.raises(MetadataError, match="is damaged"):
            check_out(store, root, [WantedFiles("", [name], ["blob"], item.ids)])
    assert {path.name: path.read_text() for path in root.iterdir()} == {"file": "as before"}


def test_many_names_are_read_as_each_of_them() -> None:
    ids = [ObjectId.of(content) for content in (b"", b"a", b"b" * 5000)]
    assert parse_ids([]) == []
    assert parse_ids([each.text for each in ids]) == ids
    good, hexadecimal = ids[1].text, ids[1].hex
    cut = f"1:{hexadecimal[:-2]}"
    for text in (
        "",
        "1",
        f"-1:{hexadecimal}",
        cut,
        f"{cut}  ",
        f"{cut}gg",
        f":{hexadecimal}",
        f"{good}:1",
        f"{good}\n",
    ):
        for texts in ([text], [good, text, good]):
            with pytest.raises(MetadataError):
                parse_ids(texts)
    with pytest.raises(MetadataError):
        parse_ids(["1", f"{hexadecimal}:{good}"])
