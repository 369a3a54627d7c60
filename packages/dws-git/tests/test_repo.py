"""What GitRepo does, with real git."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError, ToolError
from dataworkspaces.gitrepo.layout import current_branch, head_commit
from dataworkspaces.gitrepo.repo import GitRepo
from dataworkspaces.workspace import FileChange

Git = Callable[..., str]
AWKWARD = [
    "with blank",
    "quo'te\"",
    "new\nline",
    "ümlaut",
    "-dash",
    "star*",
    "[x]",
    "tab\t",
    ":(top)magic",
    "back\\slash",
]


def test_status_names_what_differs(repository: Path, git: Git) -> None:
    (repository / "top").write_text("changed", encoding="utf-8")
    (repository / "a" / "one").unlink()
    for name in AWKWARD:
        (repository / name).write_text("new", encoding="utf-8")
    status = GitRepo(repository).status()
    assert status.commit == git(repository, "rev-parse", "HEAD")
    assert status.branch == "main"
    assert set(status.dirty) == {"top", "a/one", *AWKWARD}


def test_status_before_the_first_commit(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q")
    assert GitRepo(tmp_path).status().commit is None


def test_commit_takes_its_paths_only(repository: Path, git: Git) -> None:
    (repository / "a" / "one").write_text("mine", encoding="utf-8")
    (repository / "b" / "two").write_text("staged by the user", encoding="utf-8")
    git(repository, "add", "b/two")
    assert GitRepo(repository).commit_paths(["a"], "only a")
    assert git(repository, "show", "--name-only", "--format=", "HEAD") == "a/one"
    assert git(repository, "diff", "--cached", "--name-only") == "b/two"


def test_commit_of_nothing_makes_no_commit(repository: Path, git: Git) -> None:
    before = git(repository, "rev-parse", "HEAD")
    assert not GitRepo(repository).commit_paths(["a", "b"], "nothing")
    assert git(repository, "rev-parse", "HEAD") == before


def test_commit_leaves_out_paths_that_hold_nothing(repository: Path, git: Git) -> None:
    (repository / "empty").mkdir()
    (repository / "a" / "one").write_text("mine", encoding="utf-8")
    assert GitRepo(repository).commit_paths(["never-was", "empty", "a"], "a only")
    assert git(repository, "show", "--name-only", "--format=", "HEAD") == "a/one"


def test_commit_keeps_a_whole_directory_that_is_gone(repository: Path, git: Git) -> None:
    (repository / "a" / "one").unlink()
    (repository / "a").rmdir()
    assert GitRepo(repository).commit_paths(["a"], "a is gone")
    assert git(repository, "ls-files") == "b/two\ntop"


def test_commit_runs_no_hook(repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    (repository / "top").write_text("changed", encoding="utf-8")
    assert GitRepo(repository).commit_paths(["top"], "in spite of the hook")


@pytest.mark.slow
def test_restore_brings_back_every_kind_of_file(repository: Path, git: Git) -> None:
    place = repository / "a"
    (place / "binary").write_bytes(bytes(range(256)) * 10)
    (place / "script").write_text("#!/bin/sh\n", encoding="utf-8")
    (place / "script").chmod(0o755)
    (place / "link").symlink_to("one")
    (place / "empty").touch()
    (place / "deep" / "er").mkdir(parents=True)
    (place / "deep" / "er" / "file").write_text("deep", encoding="utf-8")
    for name in AWKWARD:
        (place / name).write_text(f"content of {name}", encoding="utf-8")
    repo = GitRepo(repository)
    repo.commit_paths(["a"], "all kinds")
    commit = git(repository, "rev-parse", "HEAD")
    expected = _tree(place)

    for path in sorted(place.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    (place / "deep").write_text("a file where a directory was", encoding="utf-8")
    (place / "one").mkdir()
    (place / "one" / "inner").write_text("a directory where a file was", encoding="utf-8")
    repo.commit_paths(["a"], "all different")
    assert repo.restore_paths({"a": commit}, "back")
    assert _tree(place) == expected
    assert git(repository, "status", "--porcelain") == ""


def test_restore_is_a_commit_on_top(repository: Path, git: Git) -> None:
    first = git(repository, "rev-parse", "HEAD")
    (repository / "a" / "one").write_text("second", encoding="utf-8")
    repo = GitRepo(repository)
    repo.commit_paths(["a"], "second")
    second = git(repository, "rev-parse", "HEAD")
    repo.restore_paths({"a": first}, "back")
    assert git(repository, "rev-parse", "HEAD^") == second
    assert not repo.restore_paths({"a": first}, "again")


def test_restore_leaves_other_directories(repository: Path, git: Git) -> None:
    first = git(repository, "rev-parse", "HEAD")
    for name in ("a/one", "b/two"):
        (repository / name).write_text("second", encoding="utf-8")
    repo = GitRepo(repository)
    repo.commit_paths(["a", "b"], "second")
    repo.restore_paths({"a": first}, "back")
    assert (repository / "a" / "one").read_text(encoding="utf-8") == "a/one\n"
    assert (repository / "b" / "two").read_text(encoding="utf-8") == "second"


def test_restore_keeps_an_ignored_file_that_is_in_the_way(repository: Path, git: Git) -> None:
    (repository / "a" / "data.bin").write_text("tracked once", encoding="utf-8")
    repo = GitRepo(repository)
    repo.commit_paths(["a"], "with data")
    with_data = git(repository, "rev-parse", "HEAD")
    git(repository, "rm", "-q", "a/data.bin")
    (repository / "a" / ".gitignore").write_text("data.bin\n", encoding="utf-8")
    repo.commit_paths(["a"], "data is ignored now")
    (repository / "a" / "data.bin").write_text("precious", encoding="utf-8")
    repo.restore_paths({"a": with_data}, "back")
    assert (repository / "a" / "data.bin").read_text(encoding="utf-8") == "tracked once"
    commits = git(repository, "log", "--all", "--format=%H", "--", "a/data.bin").split()
    kept = [
        git(repository, "show", f"{c}:a/data.bin")
        for c in commits
        if "a/data.bin" in git(repository, "ls-tree", "-r", "--name-only", c)
    ]
    assert "precious" in kept


def test_restore_keeps_ignored_files_of_a_directory_that_is_in_the_way(repository: Path, git: Git) -> None:
    first = git(repository, "rev-parse", "HEAD")
    (repository / "a" / "one").unlink()
    (repository / "a" / "one").mkdir()
    (repository / "a" / "one" / "cache.bin").write_text("precious", encoding="utf-8")
    (repository / ".gitignore").write_text("*.bin\n", encoding="utf-8")
    repo = GitRepo(repository)
    repo.commit_paths(["a", ".gitignore"], "a/one is a directory of ignored files")
    repo.restore_paths({"a": first}, "back")
    assert (repository / "a" / "one").read_text(encoding="utf-8") == "a/one\n"
    assert git(repository, "log", "--all", "--format=", "--name-only", "--", "a/one/cache.bin")


def test_plan_shows_uncommitted_work_and_changes_nothing(repository: Path, git: Git) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    (repository / "a" / "one").write_text("changed", encoding="utf-8")
    (repository / "a" / "new").write_text("new", encoding="utf-8")
    git(repository, "add", "a/new")
    before = git(repository, "status", "--porcelain")
    plan = GitRepo(repository).plan_restore(commit, "a")
    assert set(plan) == {FileChange("modified", "one"), FileChange("deleted", "new")}
    assert git(repository, "status", "--porcelain") == before


def test_diff_finds_renames(repository: Path, git: Git) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "mv", "top", "renamed")
    git(repository, "commit", "-q", "-m", "rename")
    assert GitRepo(repository).diff_trees(first, "HEAD") == [FileChange("renamed", "renamed", "top")]


def test_layout_agrees_with_git(repository: Path, git: Git, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    git(repository, "pack-refs", "--all")
    for root in (repository, tmp_path / "linked"):
        assert head_commit(root) == git(root, "rev-parse", "HEAD")
        assert current_branch(root) == git(root, "symbolic-ref", "--short", "HEAD")


def test_no_identity_is_told_with_what_to_do(repository: Path, home: Path, git: Git) -> None:
    (home / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="does not know who you are") as caught:
        GitRepo(repository).check_ready("Test")
    assert "git config --global user.name" in str(caught.value.hint)


def test_identity_is_asked_of_git_once(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    GitRepo(repository).check_ready("Test")
    monkeypatch.setenv("PATH", "/nonexistent")
    GitRepo(repository).check_ready("Test")


def test_a_detached_head_is_refused_where_a_branch_is_wanted(repository: Path, git: Git) -> None:
    git(repository, "checkout", "-q", "--detach")
    GitRepo(repository).check_ready("Test")
    with pytest.raises(ConfigurationError, match="HEAD is detached"):
        GitRepo(repository).check_ready("Test", "main")


def test_merge_in_progress_is_refused(repository: Path, git: Git) -> None:
    (repository / ".git" / "MERGE_HEAD").write_text(git(repository, "rev-parse", "HEAD"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="a merge is in progress"):
        GitRepo(repository).check_ready("Test")


def test_missing_git_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolError, match="'git' was not found"):
        GitRepo(repository).status()


def test_variables_of_a_git_hook_do_not_leak(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert GitRepo(repository).status().branch == "main"


def _tree(root: Path) -> dict[str, tuple[str, bytes]]:
    """What a directory holds: kind with executable bit, and content."""
    found = {}
    for path in root.rglob("*"):
        name = os.fsdecode(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("link", os.fsencode(path.readlink()))
        elif path.is_file():
            found[name] = ("executable" if path.stat().st_mode & 0o100 else "file", path.read_bytes())
        else:
            found[name] = ("directory", b"")
    return found
