"""What LocalDirectoryMixin does to files, for every resource that has a local directory."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError, DwsError, NotSupportedError
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import LocalDirectoryMixin, Resource
from dataworkspaces.workspace.results import SNAPSHOTS_DIRS_RE

READMES = {"README.txt", "README.rst", "README.md"}
DESTINATION = "snapshots/here-ONE"


class DirectoryResource(LocalDirectoryMixin, Resource):
    def __init__(self, root: Path | None, workspace: MemoryWorkspace) -> None:
        super().__init__("test", "files", "results", workspace)
        self.root = root
        self.writable = True

    def _hidden_names(self) -> frozenset[str]:
        return frozenset({".git"})

    def is_writable(self) -> bool:
        return self.writable

    def get_local_path_if_any(self) -> str | None:
        return None if self.root is None else str(self.root)

    def pull_precheck(self) -> None: ...
    def pull(self) -> None: ...
    def push_precheck(self) -> None: ...
    def push(self) -> None: ...


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "files"
    path.mkdir()
    return path


@pytest.fixture
def resource(root: Path, workspace: MemoryWorkspace) -> DirectoryResource:
    return DirectoryResource(root, workspace)


def fill(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(f"content of {name}"))


def listing(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() + ("/" if p.is_dir() else "") for p in root.rglob("*"))


# -- paths -----------------------------------------------------------------------------------------------------------

ACCESSES = {
    "ls": lambda r, path: r.ls(path),
    "open to read": lambda r, path: r.open(path, "r"),
    "open to write": lambda r, path: r.open(path, "w"),
    "does_subpath_exist": lambda r, path: r.does_subpath_exist(path),
    "validate_subpath_exists": lambda r, path: r.validate_subpath_exists(path),
    "delete_file": lambda r, path: r.delete_file(path),
    "upload_file": lambda r, path: r.upload_file(__file__, path),
    "add_results_file": lambda r, path: r.add_results_file({}, path),
    "read_results_file": lambda r, path: r.read_results_file(path),
    "results_move_current_files": lambda r, path: r.results_move_current_files(path, set(), SNAPSHOTS_DIRS_RE),
    "results_copy_current_files": lambda r, path: r.results_copy_current_files(path, set(), SNAPSHOTS_DIRS_RE),
    "results_undo_move": lambda r, path: r.results_undo_move(DESTINATION, [path]),
    "_delete_results_directory": lambda r, path: r._delete_results_directory(path),
}


@pytest.mark.parametrize("access", ACCESSES)
@pytest.mark.parametrize("path", ["/etc/passwd", "../outside/x", "a/../../outside/x", "link/x", "a//b", "./a", "a\0b"])
def test_a_path_that_leads_out_is_refused(resource: DirectoryResource, root: Path, access: str, path: str) -> None:
    fill(root.parent / "outside", "x")
    (root / "link").symlink_to(root.parent / "outside")
    with pytest.raises(ConfigurationError):
        ACCESSES[access](resource, path)
    assert (root.parent / "outside" / "x").read_text() == "content of x"


@pytest.mark.parametrize("access", ["open to read", "open to write", "does_subpath_exist", "read_results_file"])
def test_a_link_out_of_the_resource_is_not_followed(resource: DirectoryResource, root: Path, access: str) -> None:
    fill(root.parent, "outside.json")
    (root / "link").symlink_to(root.parent / "outside.json")
    with pytest.raises(ConfigurationError, match="'link' leads out of it"):
        ACCESSES[access](resource, "link")


@pytest.mark.parametrize(
    "access", [name for name in ACCESSES if name not in ("does_subpath_exist", "_delete_results_directory")]
)
def test_what_is_hidden_cannot_be_reached(resource: DirectoryResource, root: Path, access: str) -> None:
    fill(root, ".git/config")
    with pytest.raises(ConfigurationError, match=r"\.git/config"):
        ACCESSES[access](resource, ".git/config")


def test_a_link_within_the_resource_is_followed_to_read(resource: DirectoryResource, root: Path) -> None:
    fill(root, "v1/data")
    (root / "current").symlink_to("v1")
    with resource.open("current/data", "r") as f:
        assert f.read() == "content of v1/data"


def test_without_a_local_path_there_is_a_clear_error(workspace: MemoryWorkspace) -> None:
    with pytest.raises(ConfigurationError, match="Resource 'files' has no directory on this machine"):
        DirectoryResource(None, workspace).ls("")


# -- files -----------------------------------------------------------------------------------------------------------


def test_ls_is_sorted_and_leaves_out_what_is_hidden(resource: DirectoryResource, root: Path) -> None:
    fill(root, "b", "a/x", ".git/config", "a/.git/x")
    assert (resource.ls(""), resource.ls("a")) == (["a", "b"], [".git", "x"])


@pytest.mark.parametrize("path", ["missing", "file"])
def test_ls_of_no_directory_is_an_error(resource: DirectoryResource, root: Path, path: str) -> None:
    fill(root, "file")
    with pytest.raises(ConfigurationError, match=f"'{path}' is not a directory"):
        resource.ls(path)


def test_a_written_file_is_read_again_as_utf_8(resource: DirectoryResource, root: Path) -> None:
    with resource.open("new/dir/file", "w") as f:
        f.write("é")
    assert (root / "new/dir/file").read_bytes() == "é".encode()
    with resource.open("new/dir/file", "r") as f:
        assert f.read() == "é"


@pytest.mark.parametrize("mode", ["r", "rb", "r+"])
def test_a_missing_file_is_named(resource: DirectoryResource, mode: str) -> None:
    with pytest.raises(ConfigurationError, match="Resource 'files' has no file 'a/b'"):
        resource.open("a/b", mode)


@pytest.mark.parametrize("mode", ["r", "w"])
def test_a_pipe_is_not_opened(resource: DirectoryResource, root: Path, mode: str) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(ConfigurationError, match="'pipe' is not a regular file"):
        resource.open("pipe", mode)


def test_existence_depends_on_the_kind_asked_for(resource: DirectoryResource, root: Path) -> None:
    fill(root, "dir/file")
    (root / "broken").symlink_to("nowhere")
    kinds: list[dict[str, bool]] = [{}, {"must_be_file": True}, {"must_be_directory": True}]
    found = {p: [resource.does_subpath_exist(p, **k) for k in kinds] for p in ("", "dir", "dir/file", "x", "broken")}
    assert found == {
        "": [True, False, True],
        "dir": [True, False, True],
        "dir/file": [True, True, False],
        "x": [False, False, False],
        "broken": [True, False, False],
    }


def test_a_subpath_that_is_missing_is_named(resource: DirectoryResource) -> None:
    with pytest.raises(ConfigurationError, match="Resource 'files' has no 'x/y'"):
        resource.validate_subpath_exists("x/y")


def test_a_file_may_be_deleted_twice(resource: DirectoryResource, root: Path) -> None:
    fill(root, "a")
    resource.delete_file("a")
    resource.delete_file("a")
    resource.delete_file("a/below")
    assert listing(root) == []


def test_a_link_is_deleted_and_its_target_stays(resource: DirectoryResource, root: Path) -> None:
    fill(root.parent, "outside")
    (root / "link").symlink_to(root.parent / "outside")
    resource.delete_file("link")
    assert (listing(root), (root.parent / "outside").exists()) == ([], True)


def test_a_directory_is_not_deleted_as_a_file(resource: DirectoryResource, root: Path) -> None:
    (root / "dir").mkdir()
    with pytest.raises(ConfigurationError, match="'dir' is a directory"):
        resource.delete_file("dir")


def test_an_upload_replaces_content_and_permissions(resource: DirectoryResource, root: Path, tmp_path: Path) -> None:
    fill(tmp_path, "source")
    (tmp_path / "source").chmod(0o755)
    fill(root, "a/b")
    resource.upload_file(str(tmp_path / "source"), "a/b")
    assert ((root / "a/b").read_text(), stat.S_IMODE((root / "a/b").stat().st_mode)) == ("content of source", 0o755)


def test_an_upload_that_fails_leaves_what_was_there(
    resource: DirectoryResource, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "source")
    fill(root, "a")

    def full(source: Path, target: Path, **_: object) -> None:
        Path(target).write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copy", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        resource.upload_file(str(tmp_path / "source"), "a")
    assert (listing(root), (root / "a").read_text()) == (["a"], "content of a")


@pytest.mark.parametrize("source", ["missing", "."])
def test_only_a_file_is_uploaded(resource: DirectoryResource, tmp_path: Path, source: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a file"):
        resource.upload_file(str(tmp_path / source), "a")


def test_a_results_file_is_written_and_read(resource: DirectoryResource) -> None:
    for data in ({"metrics": {"accuracy": 0.5}}, {"metrics": {"accuracy": 0.6}}):
        resource.add_results_file(data, "run/results.json")
        assert resource.read_results_file("run/results.json") == data


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_a_results_file_that_holds_no_object_is_named(resource: DirectoryResource, root: Path, content: str) -> None:
    (root / "results.json").write_text(content)
    with pytest.raises(ConfigurationError, match=r"Resource 'files': .*results\.json"):
        resource.read_results_file("results.json")


WRITING = ["open to write", "delete_file", "upload_file", "add_results_file", "results_move_current_files"]


@pytest.mark.parametrize("access", WRITING)
def test_a_read_only_resource_is_not_written_to(resource: DirectoryResource, access: str) -> None:
    resource.writable = False
    with pytest.raises(NotSupportedError, match="Resource 'files' is read-only"):
        ACCESSES[access](resource, "snapshots/a")


# -- results ---------------------------------------------------------------------------------------------------------


def move(resource: DirectoryResource, destination: str = DESTINATION, exclude: set[str] = READMES) -> list[str]:
    files = resource.results_current_files(exclude, SNAPSHOTS_DIRS_RE)
    resource.results_move_current_files(destination, exclude, SNAPSHOTS_DIRS_RE)
    return files


def test_results_move_except_what_stays(resource: DirectoryResource, root: Path) -> None:
    fill(root, "results.json", "plots/deep/a.png", "README.md", "docs/README.md", "snapshots/old/x", ".git/config")
    assert move(resource) == ["docs/README.md", "plots/deep/a.png", "results.json"]
    assert [name for name in listing(root) if not name.endswith("/")] == [
        ".git/config",
        "README.md",
        "snapshots/here-ONE/docs/README.md",
        "snapshots/here-ONE/plots/deep/a.png",
        "snapshots/here-ONE/results.json",
        "snapshots/old/x",
    ]


def test_directories_that_the_move_empties_go_and_others_stay(resource: DirectoryResource, root: Path) -> None:
    fill(root, "emptied/deep/a", "kept/README.md", "kept/a")
    (root / "was empty").mkdir()
    move(resource, exclude={"kept/README.md"})
    assert [name for name in listing(root) if not name.startswith("snapshots")] == [
        "kept/",
        "kept/README.md",
        "was empty/",
    ]


def test_moved_files_become_read_only(resource: DirectoryResource, root: Path) -> None:
    fill(root, "a")
    (root / "a").chmod(0o775)
    move(resource)
    assert stat.S_IMODE((root / DESTINATION / "a").stat().st_mode) == 0o555


def test_a_link_moves_and_its_target_stays_writable(resource: DirectoryResource, root: Path) -> None:
    outside = root.parent / "outside"
    fill(outside, "x")
    (root / "link").symlink_to(outside)
    (root / "file link").symlink_to(outside / "x")
    move(resource)
    assert (root / DESTINATION / "link").is_symlink()
    assert stat.S_IMODE((outside / "x").stat().st_mode) & stat.S_IWUSR


def test_where_nothing_is_to_move_no_directory_is_made(resource: DirectoryResource, root: Path) -> None:
    fill(root, "README.md")
    move(resource)
    assert listing(root) == ["README.md"]


@pytest.mark.parametrize("copying", [False, True])
def test_a_destination_that_exists_is_refused_before_anything_moves(
    resource: DirectoryResource, root: Path, copying: bool
) -> None:
    fill(root, "a", f"{DESTINATION}/b")
    before = listing(root)
    operation = resource.results_copy_current_files if copying else resource.results_move_current_files
    with pytest.raises(ConfigurationError, match="already contains 'snapshots/here-ONE'"):
        operation(DESTINATION, READMES, SNAPSHOTS_DIRS_RE)
    assert listing(root) == before


def test_results_of_any_name_move(resource: DirectoryResource, root: Path) -> None:
    names = [os.fsdecode(n) for n in (b"\xff", b"new\nline", b"blank ", b"\xc3\xa9", b"-rf", b".x.tmp")]
    fill(root, *names)
    files = move(resource)
    assert sorted(files) == sorted(names)
    resource.results_undo_move(DESTINATION, json.loads(json.dumps(files)))
    assert sorted(listing(root)) == sorted(names)


def test_exported_results_are_copied_and_stay(resource: DirectoryResource, root: Path) -> None:
    fill(root, "a/b", "lineage.json")
    (root / "link").symlink_to("a/b")
    resource.results_copy_current_files(DESTINATION, {"lineage.json"}, SNAPSHOTS_DIRS_RE)
    copied = root / DESTINATION
    assert listing(copied) == ["a/", "a/b", "link"]
    assert (copied / "a/b").read_text() == "content of a/b"
    assert (copied / "link").readlink() == Path("a/b")
    assert not stat.S_IMODE((copied / "a/b").stat().st_mode) & 0o222
    assert stat.S_IMODE((root / "a/b").stat().st_mode) & stat.S_IWUSR


def test_a_pipe_among_results_is_not_copied(resource: DirectoryResource, root: Path) -> None:
    fill(root, "a")
    os.mkfifo(root / "pipe")
    with pytest.raises(ConfigurationError, match="'pipe' is not a regular file"):
        resource.results_copy_current_files(DESTINATION, set(), SNAPSHOTS_DIRS_RE)
    assert listing(root) == ["a", "pipe"]


@pytest.mark.parametrize("copying", [False, True])
def test_undo_brings_everything_back_however_often(resource: DirectoryResource, root: Path, copying: bool) -> None:
    fill(root, "a", "b/c/d", "README.md", "snapshots/old/x")
    (root / "link").symlink_to("a")
    before = listing(root)
    files = resource.results_current_files(READMES, SNAPSHOTS_DIRS_RE)
    operation = resource.results_copy_current_files if copying else resource.results_move_current_files
    operation(DESTINATION, READMES, SNAPSHOTS_DIRS_RE)
    resource.add_results_file({}, f"{DESTINATION}/lineage.json")
    for _ in range(2):
        resource.results_undo_move(DESTINATION, files)
        assert listing(root) == before
    assert stat.S_IMODE((root / "b/c/d").stat().st_mode) & stat.S_IWUSR


@pytest.mark.parametrize("killed_after", range(4))
def test_a_move_that_is_killed_at_any_file_is_undone(
    resource: DirectoryResource, root: Path, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    fill(root, "a", "b/c", "d")
    before = listing(root)
    files = resource.results_current_files(READMES, SNAPSHOTS_DIRS_RE)
    real_rename = Path.rename
    renames = iter(range(10))

    def rename(source: Path, target: Path) -> Path:
        if next(renames) == killed_after:
            raise KeyboardInterrupt
        return real_rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        try:
            move(resource)
        except KeyboardInterrupt:
            assert killed_after < 3
    resource.results_undo_move(DESTINATION, files)
    assert listing(root) == before


def test_what_a_killed_copy_left_is_removed(resource: DirectoryResource, root: Path) -> None:
    fill(root, "a", f"{DESTINATION}/.a.x1y2.tmp", f"{DESTINATION}/sub/.lineage.json.x.tmp")
    resource.results_undo_move(DESTINATION, ["a"])
    assert listing(root) == ["a"]


def test_undo_keeps_both_of_two_that_differ(resource: DirectoryResource, root: Path) -> None:
    fill(root, "a", ".b.tmp")
    files = move(resource)
    (root / "a").write_text("written meanwhile")
    (root / ".b.tmp").write_text("this too")
    resource.results_undo_move(DESTINATION, files)
    assert (root / "a").read_text() == "written meanwhile"
    assert listing(root / DESTINATION) == [".b.tmp", "a"]


def test_undo_removes_one_of_two_that_are_equal(resource: DirectoryResource, root: Path) -> None:
    fill(root, "a")
    files = move(resource)
    fill(root, "a")
    resource.results_undo_move(DESTINATION, files)
    assert listing(root) == ["a"]


def test_a_read_only_results_directory_is_deleted_and_may_be_deleted_twice(
    resource: DirectoryResource, root: Path
) -> None:
    fill(root, "a/b", "snapshots/old/x")
    move(resource)
    (root / DESTINATION / "a").chmod(0o555)
    for _ in range(2):
        resource._delete_results_directory(DESTINATION)
        assert listing(root) == ["snapshots/", "snapshots/old/", "snapshots/old/x"]


def test_the_last_results_directory_goes_with_its_parents(resource: DirectoryResource, root: Path) -> None:
    fill(root, "snapshots/2026/here-ONE/x")
    resource._delete_results_directory("snapshots/2026/here-ONE")
    assert (root.is_dir(), listing(root)) == (True, [])


@pytest.mark.parametrize("path", ["", "data", "snapshots", "snapshots/", "snapshots/.."])
def test_what_is_no_results_directory_is_not_deleted(resource: DirectoryResource, root: Path, path: str) -> None:
    fill(root, "data/x", "snapshots/old/x")
    before = listing(root)
    with pytest.raises(ConfigurationError):
        resource._delete_results_directory(path)
    assert listing(root) == before


def test_a_results_directory_that_is_a_link_is_unlinked_only(resource: DirectoryResource, root: Path) -> None:
    fill(root.parent / "outside", "x")
    (root / "snapshots").mkdir()
    (root / DESTINATION).symlink_to(root.parent / "outside")
    resource._delete_results_directory(DESTINATION)
    assert (listing(root), listing(root.parent / "outside")) == ([], ["x"])


def test_an_error_of_the_system_is_explained(
    resource: DirectoryResource, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(source: Path, target: Path) -> Path:
        raise OSError(30, "Read-only file system", str(source))

    fill(root, "a")
    monkeypatch.setattr(Path, "rename", rename)
    expected = re.escape(f"Moving the results of resource 'files' failed: {root / 'a'}: Read-only file system")
    with pytest.raises(DwsError, match=expected):
        move(resource)
