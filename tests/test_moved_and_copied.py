"""A workspace that was copied or moved with all its files: it has what is in it, and leaves alone what is another's."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from endtoend import FAILED, User, read_tree, write_files

pytestmark = pytest.mark.slow


def copied(source: Path, target: Path) -> Path:
    """As a user copies a workspace, whose notes of where it is go with it."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    return target


@pytest.fixture
def inside(user: User) -> User:
    """A workspace with restorable files in it and beside it, and two snapshots, A and B."""
    root = user.cwd / "proj"
    write_files(root, {"data/a": "one\n"})
    write_files(user.cwd, {"big/b": "one\n"})
    here = user.at(root)
    here.batch("init", "--hostname", "host1")
    here.batch("add", "local-files", "--role", "source-data", "--restorable", "data")
    here.batch("add", "local-files", "--role", "source-data", "--restorable", "../big")
    here.batch("snapshot", "A")
    write_files(root, {"data/a": "two\n"})
    write_files(user.cwd, {"big/b": "two\n"})
    here.batch("snapshot", "B")
    return here


def forget_note(root: Path) -> None:
    """As a workspace of an earlier release is: absolute places, and no note of where it is."""
    (root / ".git/dws/place.json").unlink()
    local = root / ".dataworkspace/resource_local_params.json"
    params = json.loads(local.read_text())
    params["data"] = {"my_local_path": str(root / "data")}
    local.write_text(json.dumps(params))


@pytest.mark.parametrize("is_old", [False, True])
def test_a_copy_works_on_its_own_files(inside: User, is_old: bool) -> None:
    if is_old:
        forget_note(inside.cwd)
    original = read_tree(inside.cwd / "data")
    copy = inside.at(copied(inside.cwd, inside.cwd.parent / "copy"))
    copy.batch("restore", "--only", "data", "A")
    assert (copy.cwd / "data/a").read_text() == "one\n"
    assert read_tree(inside.cwd / "data") == original
    inside.batch("restore", "A")  # the original has all that it had
    assert (inside.cwd.parent / "big/b").read_text() == "one\n"


def test_what_lies_outside_is_the_originals_until_somebody_says_so(inside: User) -> None:
    copy = inside.at(copied(inside.cwd, inside.cwd.parent / "copy"))
    refused = copy.batch("restore", "--strict", "A", check=False)
    assert refused.returncode in FAILED
    assert "my_local_path" in refused.stderr
    assert (inside.cwd.parent / "big/b").read_text() == (copy.cwd / "data/a").read_text() == "two\n"
    done = copy.batch("restore", "A")
    assert "Will leave big: it is not on this machine" in done.stdout
    assert f"copy of the one at {inside.cwd}" in done.stderr
    assert (inside.cwd.parent / "big/b").read_text() == "two\n"
    assert (copy.cwd / "data/a").read_text() == "one\n"
    copy.batch("config", "--resource", "big", "my_local_path", "../big")
    copy.batch("restore", "A")
    assert (inside.cwd.parent / "big/b").read_text() == "one\n"


def test_a_link_in_a_copy_that_leads_to_the_originals_files(inside: User) -> None:
    (inside.cwd / "data").rename(inside.cwd.parent / "far")
    (inside.cwd / "data").symlink_to(inside.cwd.parent / "far")
    inside.batch("restore", "--only", "data", "B")
    copy = inside.at(copied(inside.cwd, inside.cwd.parent / "copy"))
    assert copy.batch("restore", "--only", "data", "A", check=False).returncode in FAILED
    assert (inside.cwd / "data/a").read_text() == "two\n"


@pytest.mark.parametrize("is_old", [False, True])
def test_a_workspace_that_was_moved_goes_on(inside: User, is_old: bool) -> None:
    if is_old:
        forget_note(inside.cwd)
    inside.cwd.rename(inside.cwd.parent / "moved")
    moved = inside.at(inside.cwd.parent / "moved")
    link = inside.cwd.parent / "link"
    link.symlink_to(moved.cwd)
    for user, tag, content in ((moved, "A", "one\n"), (inside.at(link), "B", "two\n")):
        user.batch("restore", tag)
        assert (moved.cwd / "data/a").read_text() == (moved.cwd.parent / "big/b").read_text() == content
    assert not inside.cwd.exists()


def test_a_copy_whose_original_is_gone_is_the_workspace(inside: User) -> None:
    copy = inside.at(copied(inside.cwd, inside.cwd.parent / "copy"))
    shutil.rmtree(inside.cwd)
    copy.batch("restore", "A")
    assert (copy.cwd.parent / "big/b").read_text() == "one\n"


def test_a_store_and_a_scratch_directory_go_with_the_workspace(inside: User) -> None:
    inside.batch("config", "objects.path", inside.cwd / "store")
    write_files(inside.cwd, {"data/a": "three\n"})
    inside.batch("snapshot", "C")
    copy = inside.at(copied(inside.cwd, inside.cwd.parent / "copy"))
    before = read_tree(inside.cwd / "store")
    write_files(copy.cwd, {"data/a": "four\n"})
    copy.batch("restore", "--only", "data", "C")
    assert read_tree(inside.cwd / "store") == before
