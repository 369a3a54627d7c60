"""Resources as file systems of fsspec."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fsspec.implementations.cached import WholeFileCacheFileSystem as CachingFileSystem
from fsspec.spec import AbstractFileSystem

from dataworkspaces.errors import ConfigurationError, NotSupportedError
from dataworkspaces.filesystems.resource_files import ResourceFileSystem
from dataworkspaces.testing.folder import FolderFactory
from dataworkspaces.testing.memory import MemoryWorkspace


@pytest.fixture
def root(workspace: MemoryWorkspace) -> Path:
    """Holds ``a.txt`` and ``sub/b.bin``."""
    root = workspace.directory / "data"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_text("äöü\n", encoding="utf-8")
    (root / "sub" / "b.bin").write_bytes(bytes(range(10)))
    return root


@pytest.fixture
def fs(workspace: MemoryWorkspace, root: Path) -> ResourceFileSystem:
    workspace.factories["folder"] = FolderFactory()
    resource = workspace.add_resource("data", "folder", "source-data", path=root)
    return ResourceFileSystem(resource)  # type: ignore[arg-type]


def test_it_is_one_of_fsspec(fs: ResourceFileSystem) -> None:
    assert isinstance(fs, AbstractFileSystem)


def test_each_resource_has_its_own(fs: ResourceFileSystem, workspace: MemoryWorkspace, tmp_path: Path) -> None:
    other = workspace.add_resource("other", "folder", "code", path=tmp_path)
    assert ResourceFileSystem(other) is not fs  # type: ignore[arg-type]


def test_other_content_has_another_key(fs: ResourceFileSystem, root: Path) -> None:
    before = fs.ukey("a.txt"), fs.checksum("a.txt")
    assert (fs.ukey("/a.txt"), fs.checksum("a.txt")) == before
    assert fs.ukey("sub/b.bin") != before[0]
    (root / "a.txt").write_text("aou\nabc", encoding="utf-8")  # of the same size
    os.utime(root / "a.txt", (1, 1))
    assert fs.ukey("a.txt") != before[0]
    assert fs.checksum("a.txt") != before[1]


def test_a_cache_of_fsspec_gives_no_old_content(fs: ResourceFileSystem, root: Path, tmp_path: Path) -> None:
    cached = CachingFileSystem(fs=fs, cache_storage=str(tmp_path / "cache"), check_files=True)
    assert cached.cat("a.txt").decode() == "äöü\n"
    (root / "a.txt").write_text("aou\nabc", encoding="utf-8")
    os.utime(root / "a.txt", (1, 1))
    assert cached.cat("a.txt") == b"aou\nabc"


# -- looking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/"])
def test_ls_gives_paths(fs: ResourceFileSystem, path: str) -> None:
    assert fs.ls(path) == ["a.txt", "sub"]


@pytest.mark.parametrize("path", ["sub", "/sub", "sub/", "dws-resource://sub"])
def test_ls_of_a_directory_gives_paths_from_the_root(fs: ResourceFileSystem, path: str) -> None:
    assert fs.ls(path) == ["sub/b.bin"]


def test_ls_in_detail(fs: ResourceFileSystem) -> None:
    assert fs.ls("", detail=True) == [
        {"name": "a.txt", "size": 7, "type": "file"},
        {"name": "sub", "size": 0, "type": "directory"},
    ]


def test_ls_of_a_file_gives_the_file(fs: ResourceFileSystem) -> None:
    assert fs.ls("a.txt") == ["a.txt"]


def test_exists_isfile_isdir(fs: ResourceFileSystem) -> None:
    found = {p: (fs.exists(p), fs.isfile(p), fs.isdir(p)) for p in ("", "a.txt", "sub", "sub/b.bin", "no", "../data")}
    assert found == {
        "": (True, False, True),
        "a.txt": (True, True, False),
        "sub": (True, False, True),
        "sub/b.bin": (True, True, False),
        "no": (False, False, False),
        "../data": (False, False, False),
    }


@pytest.mark.parametrize("look", ["ls", "info", "size", "cat", "rm"])
def test_what_is_missing_is_not_found(fs: ResourceFileSystem, look: str) -> None:
    with pytest.raises(FileNotFoundError):
        getattr(fs, look)("sub/no")


@pytest.mark.parametrize("look", ["ls", "info", "cat", "rm_file"])
def test_no_path_leads_out(fs: ResourceFileSystem, look: str) -> None:
    with pytest.raises(ConfigurationError, match="not a plain relative path"):
        getattr(fs, look)("../secret")


def test_find_walk_and_glob(fs: ResourceFileSystem) -> None:
    assert fs.find("") == ["a.txt", "sub/b.bin"]
    assert fs.glob("**/*.bin") == ["sub/b.bin"]
    assert list(fs.walk("")) == [("", ["sub"], ["a.txt"]), ("sub", [], ["b.bin"])]


def test_du(fs: ResourceFileSystem) -> None:
    assert fs.du("") == 17


def test_a_link_to_a_file_is_the_file(fs: ResourceFileSystem, root: Path) -> None:
    (root / "link").symlink_to("sub/b.bin")
    assert fs.info("link") == {"name": "link", "size": 10, "type": "file"}
    assert fs.cat("link") == bytes(range(10))


def test_a_walk_does_not_follow_links_to_directories(fs: ResourceFileSystem, root: Path) -> None:
    (root / "sub" / "up").symlink_to("..")
    assert fs.info("sub/up")["type"] == "link"
    assert fs.find("sub") == ["sub/b.bin", "sub/up"]


@pytest.mark.parametrize("target", ["nowhere", "/etc/passwd"])
def test_a_link_that_leads_nowhere_or_out_spoils_no_listing(fs: ResourceFileSystem, root: Path, target: str) -> None:
    (root / "link").symlink_to(target)
    assert fs.ls("", detail=True)[1] == {"name": "link", "size": 0, "type": "link"}


# -- reading and writing --------------------------------------------------------------------------------------------


def test_text_is_utf_8(fs: ResourceFileSystem) -> None:
    with fs.open("a.txt", "r") as file:
        assert file.read() == "äöü\n"
    with fs.open("a.txt", "rt", encoding="latin-1") as file:
        assert file.read() == "Ã¤Ã¶Ã¼\n"


def test_binary_is_the_default(fs: ResourceFileSystem) -> None:
    with fs.open("sub/b.bin") as file:
        assert file.read(3) == b"\x00\x01\x02"


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(2, 4, b"\x02\x03"), (-2, None, b"\x08\x09"), (None, -8, b"\x00\x01"), (8, 3, b"")]
)
def test_cat_takes_a_part(fs: ResourceFileSystem, start: int | None, end: int | None, expected: bytes) -> None:
    assert fs.cat_file("sub/b.bin", start, end) == expected


def test_a_directory_cannot_be_opened(fs: ResourceFileSystem) -> None:
    with pytest.raises(IsADirectoryError):
        fs.open("sub")


def test_what_is_written_is_read(fs: ResourceFileSystem, root: Path) -> None:
    with fs.open("new/deep/c.txt", "w") as file:
        file.write("ß")
    assert (root / "new" / "deep" / "c.txt").read_bytes() == "ß".encode()
    fs.pipe_file("d.bin", b"123")
    assert fs.cat_file("d.bin") == b"123"


def test_appending(fs: ResourceFileSystem) -> None:
    with fs.open("a.txt", "a") as file:
        file.write("more")
    assert fs.read_text("a.txt") == "äöü\nmore"


def test_exclusive_writing(fs: ResourceFileSystem) -> None:
    with pytest.raises(FileExistsError):
        fs.open("a.txt", "xb")


def test_compression(fs: ResourceFileSystem) -> None:
    with fs.open("c.gz", "wb", compression="infer") as file:
        file.write(b"squeezed")
    with fs.open("c.gz", "rb", compression="gzip") as file:
        assert file.read() == b"squeezed"


def test_put_and_get(fs: ResourceFileSystem, root: Path, tmp_path: Path) -> None:
    local = tmp_path / "local"
    (local / "x").mkdir(parents=True)
    (local / "x" / "one").write_text("1")
    (local / "two").write_text("2")
    fs.put(f"{local}/", "up", recursive=True)
    assert sorted(fs.find("up")) == ["up/two", "up/x/one"]
    fs.get("up", str(tmp_path / "down"), recursive=True)
    assert (tmp_path / "down" / "x" / "one").read_text() == "1"


def test_copy_and_move(fs: ResourceFileSystem) -> None:
    fs.copy("sub/b.bin", "copy.bin")
    fs.mv("a.txt", "moved.txt")
    assert fs.find("") == ["copy.bin", "moved.txt", "sub/b.bin"]


def test_rm(fs: ResourceFileSystem) -> None:
    fs.rm("a.txt")
    fs.rm("sub", recursive=True)
    assert fs.find("") == []


def test_an_imported_resource_is_read_only(workspace: MemoryWorkspace, root: Path, fs: ResourceFileSystem) -> None:
    fs.resource.is_writable = lambda: False  # type: ignore[attr-defined]
    with pytest.raises(NotSupportedError, match="read-only"):
        fs.open("a.txt", "wb")
    assert (root / "a.txt").read_text(encoding="utf-8") == "äöü\n"


def test_other_libraries_open_files_through_it(fs: ResourceFileSystem) -> None:
    from fsspec.core import OpenFile

    with OpenFile(fs, "a.txt", mode="r", encoding="utf-8") as file:
        assert file.read() == "äöü\n"


# -- listing all ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("path", ["", "sub", "sub/deep", "a.txt", "nothing", "empty"])
@pytest.mark.parametrize("maxdepth", [None, 1, 2])
@pytest.mark.parametrize("withdirs", [False, True])
def test_find_is_that_of_fsspec(
    fs: ResourceFileSystem,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
    path: str,
    maxdepth: int | None,
    withdirs: bool,
) -> None:
    for name in ("sub/deep/x", "sub/deep/er/y", "other/z"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "empty").mkdir()
    monkeypatch.setattr(fs.resource, "reads_at_once", at_once, raising=False)
    options = {"maxdepth": maxdepth, "withdirs": withdirs}
    expected = AbstractFileSystem.find(fs, path, detail=True, **options)
    assert fs.find(path, detail=True, **options) == expected
    assert list(fs.find(path, detail=True, **options)) == fs.find(path, **options) == list(expected)


def test_find_of_no_depth(fs: ResourceFileSystem) -> None:
    with pytest.raises(ValueError, match="maxdepth"):
        fs.find("", maxdepth=0)
