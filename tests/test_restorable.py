"""Local files with `--restorable`: each version's content is kept, and comes back exactly."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from endtoend import FAILED, User, read_tree, write_files

pytestmark = pytest.mark.slow

LARGE = os.urandom(300_000)


@pytest.fixture
def files(workspace: User) -> Path:
    """A resource `files` beside the workspace: small files enough for a pack, and a large one."""
    place = workspace.cwd.parent / "files"
    write_files(place, {f"d{n % 7}/small {n}": f"content {n}\n" for n in range(100)})
    write_files(place, {"large": LARGE, "script": "#!/bin/sh\n"})
    (place / "script").chmod(0o755)
    (place / "empty/inner").mkdir(parents=True)
    (place / "link").symlink_to("d1/small 1")
    workspace.batch("add", "local-files", "--role", "source-data", "--restorable", place)
    return place


def whole(place: Path) -> dict[str, str]:
    """Files, links and directories, the empty ones too."""
    directories = {f"{path.relative_to(place)}/": "directory" for path in place.rglob("*") if path.is_dir()}
    return {**read_tree(place), **directories}


def objects(user: User) -> Path:
    return user.cwd / ".dataworkspace" / "objects"


def test_a_tree_that_was_deleted_comes_back(workspace: User, files: Path) -> None:
    before = whole(files)
    workspace.batch("snapshot", "A")
    shutil.rmtree(files)
    workspace.batch("restore", "A")
    assert whole(files) == before
    assert "Nothing has changed" in workspace.batch("snapshot").stdout


def test_only_what_differs_is_touched(workspace: User, files: Path) -> None:
    workspace.batch("snapshot", "A")
    write_files(files, {"d1/small 1": "changed\n", "new": "new\n"})
    (files / "d2/small 2").unlink()
    (files / "empty/inner").rmdir()
    before = {path: path.lstat() for path in files.rglob("*") if path.is_file()}
    workspace.batch("restore", "A")
    touched = {path for path, status in before.items() if not path.exists() or path.lstat() != status}
    assert touched == {files / "d1/small 1", files / "new"}
    assert (files / "empty/inner").is_dir()


def test_user_files_are_never_links_into_the_store(workspace: User, files: Path) -> None:
    workspace.batch("snapshot", "A")
    shutil.rmtree(files)
    workspace.batch("restore", "A")
    (files / "large").write_bytes(b"in place")
    write_files(files, {"d1/small 1": "in place"})
    shutil.rmtree(files)
    workspace.batch("restore", "A")
    assert (files / "large").read_bytes() == LARGE
    assert {path.stat().st_nlink for path in files.rglob("*") if path.is_file()} == {1}


def test_nothing_of_the_store_is_in_git(workspace: User, files: Path) -> None:
    workspace.batch("snapshot", "A")
    assert any(objects(workspace).rglob("*.pack"))
    assert workspace.git("status", "--porcelain", "--untracked-files=all") == ""
    assert "objects/" not in workspace.git("ls-files")


def test_what_is_kept_once_is_not_kept_again(workspace: User, files: Path) -> None:
    workspace.batch("snapshot", "A")
    before = {path: path.stat().st_mtime_ns for path in objects(workspace).rglob("*") if path.is_file()}
    (files / "d1").rename(files / "renamed")
    shutil.copy(files / "large", files / "copy")
    workspace.batch("snapshot", "B")
    assert {path: path.stat().st_mtime_ns for path in objects(workspace).rglob("*") if path.is_file()} == before


def test_several_workspaces_share_a_store(workspace: User, files: Path) -> None:
    store = workspace.cwd.parent / "store"
    other = workspace.at(workspace.cwd.parent / "other")
    other.cwd.mkdir()
    other.batch("init", "--hostname", "host2")
    shutil.copytree(files, workspace.cwd.parent / "files2", symlinks=True)
    other.batch("add", "local-files", "--role", "source-data", "--restorable", workspace.cwd.parent / "files2")
    sizes = []
    for user in (workspace, other):
        user.dws("config", "objects.path", store)
        user.batch("snapshot", "A")
        kept = [*store.glob("packs/*"), *store.glob("loose/*/*")]
        sizes.append(sum(path.stat().st_size for path in kept))
    assert sizes[0] == sizes[1] > 300_000
    assert not objects(workspace).exists()
    shutil.rmtree(files)
    workspace.batch("restore", "A")
    assert (files / "large").read_bytes() == LARGE


def test_what_dwsignore_leaves_out_is_neither_kept_nor_touched(workspace: User, files: Path) -> None:
    write_files(files, {".dwsignore": "*.tmp\ncache/\n", "x.tmp": "1", "cache/y": "2"})
    workspace.batch("snapshot", "A")
    write_files(files, {"x.tmp": "newer", "d1/small 1": "changed"})
    workspace.batch("restore", "A")
    assert (files / "x.tmp").read_text() == "newer"
    assert (files / "cache/y").read_text() == "2"
    assert (files / "d1/small 1").read_text() == "content 1\n"


def test_what_is_left_out_and_in_the_way_stops_a_restore_before_anything_happens(workspace: User, files: Path) -> None:
    write_files(files, {"precious": "as at A"})
    workspace.batch("snapshot", "A")
    write_files(files, {".dwsignore": "precious\n", "d1/small 1": "changed", "precious": "kept by nobody"})
    workspace.batch("snapshot", "B")
    before = whole(files)
    done = workspace.batch("restore", "A", check=False)
    assert done.returncode in FAILED
    assert "would overwrite 'precious'" in done.stderr
    assert whole(files) == before


def test_without_restorable_a_restore_says_how_the_tree_differs(workspace: User) -> None:
    place = workspace.cwd.parent / "plain"
    write_files(place, {"a": "1", "b": "2"})
    workspace.batch("add", "local-files", "--role", "source-data", "--compute-hash", place)
    workspace.batch("snapshot", "A")
    assert "it is as in the snapshot" in workspace.batch("restore", "A").stdout
    write_files(place, {"a": "one", "c": "3"})
    said = workspace.batch("restore", "A").stdout
    assert "since then: 1 added, 1 modified: a, c" in said
    assert read_tree(place) != {}
    assert (place / "a").read_text() == "one"


def test_a_resource_becomes_restorable_later(workspace: User) -> None:
    place = workspace.cwd.parent / "plain"
    write_files(place, {"a": "1"})
    workspace.batch("add", "local-files", "--role", "source-data", place)
    workspace.batch("snapshot", "A")
    workspace.batch("config", "--resource", "plain", "restorable", "true")
    workspace.batch("snapshot", "B")
    write_files(place, {"a": "2"})
    workspace.batch("restore", "B")
    assert (place / "a").read_text() == "1"
    done = workspace.batch("restore", "A", "--only", "plain", check=False)
    assert done.returncode in FAILED
    assert "plain" in done.stderr


def test_results_move_and_are_kept(workspace: User) -> None:
    place = workspace.cwd.parent / "runs"
    place.mkdir()
    workspace.batch("add", "local-files", "--role", "results", "--name", "runs", "--restorable", place)
    write_files(place, {"results.json": '{"metrics": {"accuracy": 1}}', "model/weights": LARGE})
    workspace.batch("snapshot", "A")
    assert (place / "snapshots/host1-A/model/weights").read_bytes() == LARGE
    assert "Nothing has changed" in workspace.batch("snapshot").stdout


def test_content_that_is_gone_stops_a_restore_before_anything_happens(workspace: User, files: Path) -> None:
    workspace.batch("snapshot", "A")
    write_files(files, {"large": "changed", "d1/small 1": "changed"})
    for path in objects(workspace).glob("loose/*/*"):
        path.unlink()
    before = whole(files)
    done = workspace.batch("restore", "A", check=False)
    assert done.returncode in FAILED
    assert "'large'" in done.stderr
    assert "Traceback" not in done.stderr
    assert whole(files) == before
    found = workspace.dws("fsck", check=False)
    assert found.returncode in FAILED
    assert "'large'" in found.stdout + found.stderr


def test_content_that_is_damaged_replaces_nothing(workspace: User, files: Path) -> None:
    workspace.batch("snapshot", "A")
    for path in objects(workspace).glob("loose/*/*"):
        if path.stat().st_size == len(LARGE):
            path.chmod(0o644)
            path.write_bytes(LARGE[::-1])
    write_files(files, {"large": "precious", "d1/small 1": "precious too"})
    before = whole(files)
    done = workspace.batch("restore", "A", check=False)
    assert done.returncode in FAILED
    assert "is damaged" in done.stderr
    assert whole(files) == before, "what had been restored is undone"


def test_read_only_files_and_directories_come_back(workspace: User, files: Path) -> None:
    (files / "large").chmod(0o444)
    workspace.batch("snapshot", "A")
    (files / "large").unlink()
    workspace.batch("restore", "A")
    assert (files / "large").read_bytes() == LARGE


def test_what_the_snapshot_leaves_out_less_is_told(workspace: User, files: Path) -> None:
    workspace.batch("snapshot", "A")
    write_files(files, {".dwsignore": "cache/\n", "cache/x": "1"})
    workspace.batch("snapshot", "B")
    done = workspace.batch("restore", "A")
    assert "differs slightly from the snapshot: 1 added: cache/x" in done.stderr
    assert (files / "cache/x").exists()


def test_a_remote_is_checked_when_it_is_set(workspace: User, files: Path) -> None:
    for url in ("s3://user:secret@bucket", "simplecache::s3://bucket", "nosuch://x"):
        done = workspace.dws("config", "--resource", "files", "my_remote", url, check=False)
        assert done.returncode in FAILED
        assert "is not a remote" in done.stderr
