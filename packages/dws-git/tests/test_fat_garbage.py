"""Objects of git-fat that `dws gc` removes, and those that it never does."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError, DwsError
from dataworkspaces.gitfat.garbage import collect
from dataworkspaces.gitfat.placeholder import Placeholder
from dataworkspaces.gitfat.store import ObjectStore
from dataworkspaces.workspace.collect import Collected

Git = Callable[..., str]
Fat = Callable[[Path, str], str]
OLD = 30 * 86400.0
BEFORE = datetime.now() - timedelta(days=14)


@pytest.fixture
def fat(repository: Path) -> Fat:
    """``fat(path, content)`` keeps an old object of that content, and writes what git is to hold to ``path``. Returns
    the object's name."""

    def keep(path: Path, content: str) -> str:
        name = hashlib.sha1(content.encode()).hexdigest()
        place = repository / ".git" / "fat" / "objects" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
        os.utime(place, (time.time() - OLD,) * 2)
        path.write_bytes(Placeholder(name, len(content)).encode())
        return name

    return keep


def kept(root: Path) -> set[str]:
    return {path.name for path in (root / ".git" / "fat" / "objects").iterdir()}


def gone(root: Path, *needed: str, all_of_git: bool = False) -> set[str]:
    """What a collection removes; its dry run says the same, and removes nothing."""
    before = kept(root)
    told = collect(root, needed, BEFORE, dry_run=True, all_of_git=all_of_git)
    assert kept(root) == before
    assert collect(root, needed, BEFORE, all_of_git=all_of_git) == told
    removed = before - kept(root)
    assert len(removed) == told.contents
    assert collect(root, needed, BEFORE, all_of_git=all_of_git).contents == 0
    return removed


def forget_the_past(root: Path, git: Git) -> None:
    git(root, "reflog", "expire", "--expire=now", "--all")


@pytest.mark.slow
def test_what_nothing_refers_to_goes_and_all_else_stays(repository: Path, fat: Fat, git: Git, tmp_path: Path) -> None:
    top = repository / "x.gz"
    needed = set()

    def commit(content: str) -> None:
        needed.add(fat(top, content))
        git(repository, "add", "-A")
        git(repository, "commit", "-q", "-m", content)

    commit("first")
    commit("head")
    git(repository, "switch", "-q", "-c", "other")
    commit("on another branch")
    git(repository, "switch", "-q", "main")
    needed.add(fat(top, "in a stash"))
    git(repository, "stash", "-q")
    git(repository, "switch", "-q", "-c", "lost")
    commit("in the reflog only")
    git(repository, "switch", "-q", "main")
    git(repository, "branch", "-q", "-D", "lost")
    git(repository, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    needed.add(fat(tmp_path / "linked" / "x.gz", "in the index of another working tree"))
    git(tmp_path / "linked", "add", "-A")
    needed.add(fat(top, "in the index"))
    git(repository, "add", "-A")
    dropped = fat(top, "in nothing")

    assert gone(repository) == {dropped}
    assert kept(repository) == needed
    assert collect(tmp_path / "linked", (), BEFORE) == Collected()  # its store is that of the repository


@pytest.mark.slow
def test_what_a_snapshot_needs_stays_though_no_branch_has_it(repository: Path, fat: Fat, git: Git) -> None:
    name = fat(repository / "x.gz", "of a snapshot")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "taken")
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "reset", "-q", "--hard", "HEAD~")
    forget_the_past(repository, git)
    git(repository, "update-ref", "-d", "ORIG_HEAD")
    assert gone(repository, commit) == set()
    assert gone(repository, all_of_git=True) == set()  # some other workspace may have that snapshot
    with pytest.raises(DwsError):
        collect(repository, ["1" * 40], BEFORE)
    assert gone(repository) == {name}


def test_what_is_young_or_needed_again_stays(repository: Path, fat: Fat) -> None:
    name = fat(repository / "x.gz", "content")
    assert ObjectStore(repository / ".git" / "fat").add([b"content"]).sha1 == name
    assert collect(repository, (), BEFORE) == Collected(young=1)
    assert collect(repository, (), datetime.now() + timedelta(seconds=5)) == Collected(1, len("content"))
    assert kept(repository) == set()


@pytest.mark.parametrize("name", ["MERGE_HEAD", "rebase-merge", "sequencer", "index.lock"])
def test_while_git_is_in_the_middle_of_something_nothing_goes(repository: Path, fat: Fat, name: str) -> None:
    fat(repository / "x.gz", "content")
    (repository / ".git" / name).write_text("")
    for dry_run in (True, False):
        with pytest.raises(ConfigurationError, match=r"git-fat's objects may be needed"):
            collect(repository, (), BEFORE, dry_run=dry_run)
    assert len(kept(repository)) == 1


def test_a_shared_store_is_not_looked_into(repository: Path, fat: Fat, tmp_path: Path) -> None:
    fat(repository / "x.gz", "content")
    (repository / ".git" / "fat").rename(tmp_path / "fat")
    (repository / ".git" / "fat").symlink_to(tmp_path / "fat")
    with pytest.raises(ConfigurationError, match="is a symbolic link"):
        collect(repository, (), BEFORE)


def test_a_repository_that_lacks_objects_keeps_all(repository: Path, fat: Fat, git: Git) -> None:
    fat(repository / "x.gz", "content")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "lost")
    blob = git(repository, "rev-parse", "HEAD:x.gz")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(DwsError):
        collect(repository, (), BEFORE)
    assert len(kept(repository)) == 1


def test_what_a_killed_filter_left_goes_too(repository: Path, fat: Fat) -> None:
    fat(repository / "x.gz", "content")
    objects = repository / ".git" / "fat" / "objects"
    left = objects / f".123.{'a' * 12}.tmp"
    for path in (left, objects / "README", objects / f".124.{'b' * 12}.tmp"):
        path.write_text("x")
    os.utime(left, (time.time() - OLD,) * 2)
    collect(repository, (), BEFORE)
    assert kept(repository) == {"README", f".124.{'b' * 12}.tmp"}


def test_without_objects_no_git_is_asked(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert collect(repository, ["1" * 40], BEFORE) == Collected()
