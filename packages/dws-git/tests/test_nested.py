"""Repositories within repositories: what lies there is kept, or is a submodule."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo.contents import present_objects
from dataworkspaces.gitrepo.nested import add_all, changed_submodules, check_submodules
from dataworkspaces.gitrepo.plumbing import list_tree
from dataworkspaces.gitrepo.remote import plan_push
from dataworkspaces.gitrepo.repo import GitRepo
from dataworkspaces.workspace.interaction import BatchInteraction

pytestmark = pytest.mark.slow

Git = Callable[..., str]


@pytest.fixture
def library(tmp_path: Path, git: Git) -> Path:
    root = tmp_path / "library"
    (root / "src").mkdir(parents=True)
    for name in ("src/x", "y", "tracked.log"):
        (root / name).write_text(name, encoding="utf-8")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "library")
    return root


def _tree(repository: Path) -> set[str]:
    return {path for path in list_tree(repository, "HEAD") if path.startswith("a/")}


def test_files_of_nested_repositories_are_kept(repository: Path, library: Path, git: Git) -> None:
    (repository / ".gitignore").write_text("*.log\n", encoding="utf-8")
    for place in ("a/lib", "a/new/deep/lib", "a/lib/inner"):
        git(repository, "clone", "-q", str(library), place)
    git(repository, "init", "-q", "a/started")
    (repository / "a" / "started" / "new").write_text("n", encoding="utf-8")
    (repository / "a" / "lib" / "uncommitted").write_text("u", encoding="utf-8")
    kept = present_objects(repository, ["a"], ["a"])
    said: list[str] = []
    repo = GitRepo(repository, said.append)
    before = repo.resolve(["HEAD"])[0]
    assert repo.commit_paths(["a"], "all")
    files = {f"{place}/{name}" for place in ("a/lib", "a/new/deep/lib", "a/lib/inner") for name in ("src/x", "y")}
    logs = {f"{place}/tracked.log" for place in ("a/lib", "a/new/deep/lib", "a/lib/inner")}
    assert _tree(repository) == {*files, *logs, "a/one", "a/started/new", "a/lib/uncommitted"}
    assert kept.names == repo.resolve(["HEAD:a"])
    assert len(said) == 4
    assert "a/lib is a separate git repository" in "".join(said)
    assert not repo.commit_paths(["a"], "again")
    assert repo.status().dirty == (".gitignore",)
    (repository / "a" / "lib" / "y").write_text("changed", encoding="utf-8")
    assert repo.commit_paths(["a"], "changed")
    after = str(repo.resolve(["HEAD"])[0])
    shutil.rmtree(repository / "a")
    repo.commit_paths(["a"], "gone")
    repo.restore_paths({"a": after}, "back")
    assert (repository / "a" / "lib" / "y").read_text(encoding="utf-8") == "changed"
    repo.restore_paths({"a": str(before)}, "before")
    assert _tree(repository) == {"a/one"}


def test_a_commit_that_git_has_in_the_place_of_files_becomes_files(repository: Path, library: Path, git: Git) -> None:
    git(repository, "clone", "-q", str(library), "a/lib")
    git(repository, "add", "a")
    git(repository, "commit", "-q", "-m", "by hand")
    old = git(repository, "rev-parse", "HEAD")
    said: list[str] = []
    repo = GitRepo(repository, said.append)
    assert repo.commit_paths(["a"], "kept")
    assert {"a/lib/y", "a/lib/src/x"} <= _tree(repository)
    shutil.rmtree(repository / "a" / "lib")
    repo.commit_paths(["a"], "gone")
    said.clear()
    assert repo.restore_paths({"a": old}, "of which nothing was kept")
    assert "whose files were not kept" in said[0]
    assert not repo.commit_paths(["a"], "goes on")
    assert repo.status().dirty == ()


def test_an_empty_repository_is_told(repository: Path, git: Git) -> None:
    git(repository, "init", "-q", "a/empty")
    with pytest.raises(ConfigurationError, match="a/empty is a git repository without a commit"):
        GitRepo(repository).commit_paths(["a"], "all")


def test_submodules_are_commits_and_come_back(repository: Path, library: Path, git: Git) -> None:
    said: list[str] = []
    repo = GitRepo(repository, said.append)
    without = str(repo.resolve(["HEAD"])[0])
    git(repository, "submodule", "--quiet", "add", str(library), "a/sub")
    place, paths = repository / "a" / "sub", ["a", ".gitmodules"]
    repo.commit_paths(paths, "first")
    first, commit = str(repo.resolve(["HEAD"])[0]), git(place, "rev-parse", "HEAD")
    (place / "y").write_text("2", encoding="utf-8")
    assert changed_submodules(repository, ["a"]) == (["a/sub"], [])
    with pytest.raises(ConfigurationError, match="a/sub has uncommitted changes"):
        check_submodules(repository, "it", ["a"])
    git(place, "commit", "-q", "-a", "-m", "second")
    assert repo.commit_paths(paths, "second")
    with pytest.raises(ConfigurationError, match="submodules: a/sub"):
        plan_push(repository, _bare(repository, git), ["HEAD:refs/heads/main"], BatchInteraction(), "it")
    second = str(repo.resolve(["HEAD"])[0])
    repo.restore_paths({"a": first}, "first again")
    assert git(place, "rev-parse", "HEAD") == commit
    repo.restore_paths({"a": without}, "none")
    assert not place.exists()
    repo.restore_paths({"a": second}, "second again")
    assert (place / "y").read_text(encoding="utf-8") == "2"
    assert said == []
    (place / "only here").write_text("x", encoding="utf-8")
    assert check_submodules(repository, "it", ["a"]) == ["a/sub"]
    repo.restore_paths({"a": without}, "none")
    assert (place / "only here").exists()
    assert "exist nowhere else" in said[0]


def test_a_submodule_that_is_not_set_up_is_told(repository: Path, library: Path, git: Git, tmp_path: Path) -> None:
    repo = GitRepo(repository)
    without = str(repo.resolve(["HEAD"])[0])
    git(repository, "submodule", "--quiet", "add", str(library), "a/sub")
    repo.commit_paths(["a", ".gitmodules"], "first")
    with_it = str(repo.resolve(["HEAD"])[0])
    git(tmp_path, "clone", "-q", str(repository), "clone")
    said: list[str] = []
    clone = GitRepo(tmp_path / "clone", said.append)
    clone.restore_paths({"a": without}, "none")
    clone.restore_paths({"a": with_it}, "again")
    assert "git -C" in said[0]
    assert "submodule update --init -- a/sub" in said[0]
    assert clone.resolve(["HEAD^{tree}"]) == repo.resolve(["HEAD^{tree}"])
    assert not clone.commit_paths(["a"], "goes on")


def _bare(repository: Path, git: Git) -> str:
    git(repository, "init", "-q", "--bare", "../bare")
    return str(repository.parent / "bare")


def test_a_git_that_has_not_got_its_paths_adds_nothing(repository: Path, git: Git) -> None:
    """As if we had been killed before we could write them."""
    (repository / "new").write_text("new\n", encoding="utf-8")
    add_all(repository, [])
    assert git(repository, "status", "--porcelain") == "?? new"
