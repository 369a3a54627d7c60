"""The suites for the file system of a resource type: what ``get_filesystem_for_resource`` gives of it. The numbers are
those of ``docs/spec/filesystem.md``."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.core import OpenFile
from fsspec.implementations.local import LocalFileSystem
from fsspec.spec import AbstractFileSystem
from fsspec.tests import abstract

from dataworkspaces.errors import ConfigurationError, DwsError
from dataworkspaces.filesystems.resource_files import ResourceFileSystem
from dataworkspaces.filesystems.snapshot_files import SnapshotFiles
from dataworkspaces.filesystems.watchers import watch
from dataworkspaces.testing.resources import NAME, Act, ResourceFixtures
from dataworkspaces.workspace import ResourceRef, SnapshotVersion


class CutShort(Exception):
    """Raised in the middle of a write."""


def _broken_off(piece: Any) -> Iterator[Any]:
    for _ in range(3):
        yield piece
    raise CutShort


def _binary(fs: Any, path: str) -> None:
    with fs.open(path, "wb") as file:
        file.writelines(_broken_off(b"x" * 100_000))


def _text(fs: Any, path: str) -> None:
    with fs.open(path, "w") as file:
        file.writelines(_broken_off("x"))


def _of_fsspec(fs: Any, path: str) -> None:
    with OpenFile(fs, path, "w") as file:
        file.writelines(_broken_off("x"))


def _closed_in_the_end(fs: Any, path: str) -> None:
    file = fs.open(path, "w")
    try:
        file.writelines(_broken_off("x"))
    finally:
        file.close()


CUT_SHORT = (_binary, _text, _of_fsspec, _closed_in_the_end)


class FileSystemSuite(ResourceFixtures):
    """For types with :class:`FileResourceMixin`; cases that begin with a snapshot are for those with
    :class:`SnapshotResourceMixin`."""

    @pytest.fixture
    def fs(self, resource: Any) -> ResourceFileSystem:
        self.release(resource)
        return ResourceFileSystem(resource)

    def release(self, resource: Any) -> None:
        """Let the present files be written again after a snapshot, if that takes an act of the user."""

    def version(self, resource: Any) -> ResourceFileSystem:
        """Its files as they are now, of a version that is taken now."""
        resource.snapshot_precheck()
        version = SnapshotVersion(*resource.snapshot())
        files = SnapshotFiles(self.again(resource).version_files(version), f"Resource '{NAME}'")
        self.release(resource)
        return ResourceFileSystem(files)

    # -- now -----------------------------------------------------------------------------------------------------

    def test_it_is_one_of_fsspec(self, fs: Any) -> None:
        """D1: it is a file system of fsspec; paths begin at the root of the resource, with or without a ``/``."""
        assert isinstance(fs, AbstractFileSystem)
        fs.pipe("dir/file", b"x")
        assert fs.cat("/dir/file") == fs.cat("dir/file") == b"x"
        assert "dir" in fs.ls("") == fs.ls("/")
        assert fs.info("")["type"] == "directory"

    def test_it_shows_the_files_of_the_resource(self, fs: Any, resource: Any) -> None:
        """D2: what is written through it the resource has, and the other way round; text is UTF-8."""
        with fs.open("dir/text", "w") as file:
            file.write("Zoë\n")
        with self.again(resource).open("dir/text", "rb") as file:
            assert file.read() == "Zoë\n".encode()
        with resource.open("dir/bytes", "wb") as file:
            file.write(b"\xff\0")
        assert fs.cat("dir/bytes") == b"\xff\0"
        with fs.open("dir/text", "r") as file:
            assert file.read() == "Zoë\n"

    def test_missing_files(self, fs: Any) -> None:
        """D3: what is not there, or is a directory, raises what it raises elsewhere in Python."""
        fs.pipe("dir/file", b"x")
        for use in (fs.cat, fs.info, fs.open, fs.rm_file, fs.ls):
            with pytest.raises(FileNotFoundError):
                use("dir/none")
        for mode in ("rb", "wb"):
            with pytest.raises(IsADirectoryError):
                fs.open("dir", mode)
        with pytest.raises(FileExistsError):
            fs.open("dir/file", "xb")
        assert not fs.exists("dir/none")

    def test_parts_of_files(self, fs: Any) -> None:
        """D4: a part of a file can be read: by a range, as in a slice, or where an open file is."""
        fs.pipe("dir/file", bytes(range(100)))
        assert fs.cat_file("dir/file", 10, 12) == bytes([10, 11])
        assert fs.cat_file("dir/file", -2) == bytes([98, 99])
        assert fs.cat_file("dir/file", 98, 200) == bytes([98, 99])
        assert fs.cat_file("dir/file", 5, 5) == b""
        assert fs.cat_ranges(["dir/file"] * 2, [0, 50], [1, 52]) == [b"\0", bytes([50, 51])]
        with fs.open("dir/file", "rb") as file:
            file.seek(-3, 2)
            assert (file.tell(), file.read(2), file.read()) == (97, bytes([97, 98]), bytes([99]))
            file.seek(1)
            assert file.read(1) == b"\1"

    def test_finding_files(self, fs: Any) -> None:
        """D5: files are found with their sizes, by walks and by patterns."""
        for path in ("dir/a.csv", "dir/sub/b.csv", "dir/c.txt"):
            fs.pipe(path, path.encode())
        found = fs.find("dir", detail=True)
        assert {path: info["size"] for path, info in found.items()} == {
            path: len(path) for path in ("dir/a.csv", "dir/c.txt", "dir/sub/b.csv")
        }
        assert fs.glob("dir/**/*.csv") == ["dir/a.csv", "dir/sub/b.csv"]
        assert fs.ls("dir") == ["dir/a.csv", "dir/c.txt", "dir/sub"]
        assert [info["type"] for info in fs.ls("dir", detail=True)] == ["file", "file", "directory"]
        assert fs.du("dir") == sum(map(len, found))

    def test_when_a_file_was_written(self, fs: Any) -> None:
        """D11: it says when a file was written, with a zone."""
        fs.pipe("dir/file", b"x")
        assert fs.modified("dir/file").utcoffset() is not None

    @pytest.mark.filterwarnings("ignore:.*was closed while")
    @pytest.mark.parametrize("way", CUT_SHORT)
    def test_a_write_that_is_cut_short(self, fs: Any, way: Callable[[Any, str], None]) -> None:
        """D12: a write that ends in an exception leaves what was there before, and nothing else."""
        fs.pipe("dir/file", b"as it was")
        for path in ("dir/file", "dir/new"):
            with pytest.raises(CutShort):
                way(fs, path)
            gc.collect()
        assert fs.find("dir") == ["dir/file"]
        assert fs.cat("dir/file") == b"as it was"

    def test_copying_and_deleting(self, fs: Any, tmp_path: Path) -> None:
        """D6: files and directories are copied within it, from and to this machine, moved and deleted."""
        source = tmp_path / "source"
        (source / "sub").mkdir(parents=True)
        (source / "sub" / "file").write_text("x")
        fs.put(f"{source}/", "dir/", recursive=True)
        fs.cp("dir/sub/file", "dir/copy")
        fs.mv("dir/copy", "dir/moved")
        fs.get("dir/", f"{tmp_path}/got/", recursive=True)
        got = sorted(path.relative_to(tmp_path).as_posix() for path in (tmp_path / "got").rglob("*") if path.is_file())
        assert got == ["got/moved", "got/sub/file"]
        fs.rm("dir", recursive=True)
        assert fs.find("dir") == []

    @pytest.mark.parametrize("path", ["../x", "a/../../x", "\0"])
    def test_paths_that_lead_out(self, fs: Any, path: str) -> None:
        """D7: a path that leads out of the resource is refused."""
        for use in (lambda p: fs.open(p, "rb"), lambda p: fs.open(p, "wb"), fs.cat, fs.info, fs.rm_file):
            with pytest.raises((ConfigurationError, FileNotFoundError)):
                use(path)
        assert not fs.exists(path)

    def test_lineage_is_told(self, fs: Any, resource: Any) -> None:
        """D8: whoever watches learns of each file that is read or written."""
        told: list[tuple[ResourceRef, bool]] = []
        end = watch(resource.workspace, lambda ref, is_written: told.append((ref, is_written)))
        try:
            fs.pipe("dir/file", b"x")
            fs.cat("dir/file")
        finally:
            end()
        assert set(told) == {(ResourceRef(NAME, "dir/file"), True), (ResourceRef(NAME, "dir/file"), False)}

    def test_files_without_an_answer(self, fs: Any, resource: Any) -> None:
        """D13: whichever call fails, a file that is there is not said to be missing, by a walk or a pattern neither."""
        fs.pipe({"dir/sub/file.csv": b"12345", "dir/other": b""})
        questions: tuple[Act, ...] = (
            lambda fs: fs.exists("dir/sub/file.csv"),
            lambda fs: fs.isfile("dir/sub/file.csv"),
            lambda fs: fs.isdir("dir"),
            lambda fs: fs.size("dir/sub/file.csv"),
            lambda fs: fs.cat("dir/sub/file.csv"),
            lambda fs: fs.find("dir"),
            lambda fs: fs.glob("dir/**/*.csv"),
        )
        for ask in questions:
            answer = ask(fs)
            for outage in self.outages(resource, lambda again, ask=ask: ask(ResourceFileSystem(again))):  # type: ignore[misc]
                outage.check(answer)

    # -- at a snapshot -------------------------------------------------------------------------------------------

    def test_a_snapshot_shows_the_files_as_they_were(self, fs: Any, resource: Any) -> None:
        """D9: at a snapshot it shows the files as they were, whatever was written since, and restores nothing."""
        for path in ("dir/changed", "dir/deleted"):
            fs.pipe(path, b"old")
        old = self.version(resource)
        fs.pipe("dir/changed", b"new!")
        fs.pipe("dir/new", b"")
        fs.rm_file("dir/deleted")
        assert old.ls("dir") == ["dir/changed", "dir/deleted"]
        assert old.cat(["dir/changed", "dir/deleted"]) == {"dir/changed": b"old", "dir/deleted": b"old"}
        assert old.info("dir/changed")["size"] == 3
        assert old.cat_file("dir/changed", 1, 2) == b"l"
        with pytest.raises(FileNotFoundError):
            old.cat("dir/new")
        with pytest.raises((ConfigurationError, FileNotFoundError)):
            old.open("../x")
        assert fs.cat("dir/changed") == b"new!"

    def test_a_snapshot_is_read_only(self, fs: Any, resource: Any) -> None:
        """D10: at a snapshot nothing is written, deleted or replaced."""
        fs.pipe("dir/file", b"old")
        old = self.version(resource)
        for use in (
            lambda: old.open("dir/file", "wb"),
            lambda: old.pipe("dir/x", b""),
            lambda: old.rm_file("dir/file"),
        ):
            with pytest.raises(DwsError):
                use()
        assert fs.cat("dir/file") == old.cat("dir/file") == b"old"


class FsspecFixtures(ResourceFixtures, abstract.AbstractFixtures):  # type: ignore[misc]
    """What fsspec's own suites (``fsspec.tests.abstract``) ask for. They work in a directory, since fsspec itself
    copies a directory at a root without a name to another place than one elsewhere. As in an object store, there are
    no empty directories."""

    @pytest.fixture
    def fs(self, resource: Any) -> AbstractFileSystem:
        return ResourceFileSystem(resource)

    @pytest.fixture
    def fs_path(self) -> str:
        return "base"

    @pytest.fixture
    def fs_join(self) -> Callable[..., str]:
        return lambda *parts: "/".join(filter(None, parts))

    @pytest.fixture
    def local_fs(self) -> LocalFileSystem:
        return LocalFileSystem(auto_mkdir=True)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False
