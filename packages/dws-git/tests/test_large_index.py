"""Where the index is large, a commit is made without a look at all files. It is the same commit."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.errors import DwsError
from dataworkspaces.gitrepo import large_index
from dataworkspaces.gitrepo.repo import GitRepo

Git = Callable[..., str]


@pytest.fixture(params=[0, 1 << 40], ids=["large", "small"], autouse=True)
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the index counts as large. What a commit is does not depend on it."""
    monkeypatch.setattr(large_index, "LARGE", request.param)
    return request.param == 0


def test_the_commit_and_the_log_say_what_git_would(repository: Path, git: Git) -> None:
    head = git(repository, "rev-parse", "HEAD")
    (repository / "a" / "one").write_text("mine", encoding="utf-8")
    (repository / "top").unlink()
    assert GitRepo(repository).commit_paths(["a", "top"], "one  \n\n\n\ntwo\t\n # three\n\n")
    assert git(repository, "rev-parse", "HEAD^") == head
    assert git(repository, "show", "--name-status", "--format=", "HEAD") == "M\ta/one\nD\ttop"
    assert git(repository, "log", "-1", "--format=%B").rstrip("\n") == "dws: one\n\ntwo\n # three"
    assert git(repository, "reflog", "-1", "--format=%gs") == "commit: dws: one"
    assert git(repository, "log", "-1", "--format=%ct") == git(repository, "reflog", "-1", "--format=%ct")
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_what_the_user_has_staged_elsewhere_stays_staged(repository: Path, git: Git) -> None:
    (repository / "a" / "one").write_text("mine", encoding="utf-8")
    (repository / "b" / "two").write_text("staged by the user", encoding="utf-8")
    git(repository, "add", "b/two")
    assert GitRepo(repository).commit_paths(["a"], "only a")
    assert git(repository, "show", "--name-only", "--format=", "HEAD") == "a/one"
    assert git(repository, "diff", "--cached", "--name-only") == "b/two"


def test_nothing_is_committed_in_a_merge(repository: Path, git: Git) -> None:
    git(repository, "checkout", "-q", "-b", "other")
    (repository / "top").write_text("theirs", encoding="utf-8")
    git(repository, "commit", "-qam", "theirs")
    git(repository, "checkout", "-q", "main")
    (repository / "top").write_text("ours", encoding="utf-8")
    git(repository, "commit", "-qam", "ours")
    subprocess.run(["git", "merge", "-q", "other"], cwd=repository, capture_output=True)
    head = git(repository, "rev-parse", "HEAD")
    (repository / "a" / "one").write_text("mine", encoding="utf-8")
    with pytest.raises(DwsError):
        GitRepo(repository).commit_paths(["a"], "a")
    assert git(repository, "rev-parse", "HEAD") == head
    assert (repository / ".git" / "MERGE_HEAD").exists()


@pytest.mark.parametrize("last", ["write-tree", "commit-tree", "update-ref"])
def test_a_kill_leaves_all_as_it_was(
    repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch, last: str, size: bool
) -> None:
    if not size:
        pytest.skip("git itself does it in one process")
    head = git(repository, "rev-parse", "HEAD")
    run_git = large_index.run_git

    def killed(root: Path, arguments: list[str], **options: object) -> object:
        if arguments[0] == last:
            raise KeyboardInterrupt
        return run_git(root, arguments, **options)  # type: ignore[arg-type]

    (repository / "a" / "one").write_text("mine", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(large_index, "run_git", killed)
        with pytest.raises(KeyboardInterrupt):
            GitRepo(repository).commit_paths(["a"], "a")
    assert git(repository, "rev-parse", "HEAD") == head
    assert GitRepo(repository).commit_paths(["a"], "a")
    assert git(repository, "show", "--name-only", "--format=", "HEAD") == "a/one"


def test_new_files_are_found(repository: Path, git: Git) -> None:
    """And those of places that are left out are not, nor is a directory walked through that is named like a pattern."""
    for name in ("new", "[ab]", "a/deep"):
        (repository / name).mkdir()
        (repository / name / "file").write_text("new", encoding="utf-8")
    (repository / "b" / "two").write_text("changed", encoding="utf-8")
    status = GitRepo(repository).status(without=["[ab]"])
    assert set(status.dirty) == {"b/two", "new/", "a/deep/"}
    assert set(status.untracked) == {"new/", "a/deep/"}


def test_a_conflict_elsewhere_stays(repository: Path, git: Git) -> None:
    """As ``git stash pop`` leaves it, when no merge is in progress."""
    (repository / "top").write_text("stashed", encoding="utf-8")
    git(repository, "stash", "-q")
    (repository / "top").write_text("ours", encoding="utf-8")
    git(repository, "commit", "-qam", "ours")
    subprocess.run(["git", "stash", "pop"], cwd=repository, capture_output=True)
    assert git(repository, "status", "--porcelain") == "UU top"
    (repository / "a" / "one").write_text("mine", encoding="utf-8")
    assert GitRepo(repository).commit_paths(["a"], "a")
    assert git(repository, "show", "--name-only", "--format=", "HEAD") == "a/one"
    assert git(repository, "status", "--porcelain") == "UU top"
