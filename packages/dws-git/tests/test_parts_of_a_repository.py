"""Each path of the workspace's repository belongs to one resource, or to the workspace itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataworkspaces.gitrepo.layout import empty_tree
from dataworkspaces.gitrepo.repo import GitRepo
from dataworkspaces.gitrepo.rest import SETTINGS, RestOfRepo
from dataworkspaces.gitrepo.stripped import tree_without

pytestmark = pytest.mark.slow

Git = Callable[..., str]
NAMES = ["a", "b", "a b", "a*", "[x]", "ü", ".gitignore", "a\nb", "-x", ":y"]
BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
"""The empty file."""
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
some_settings = settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def git_bytes(root: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    command = ["git", "--literal-pathspecs", *arguments]
    return subprocess.run(command, cwd=root, input=stdin, check=True, capture_output=True).stdout


def make_tree(root: Path, wanted: Iterable[str]) -> str:
    """A tree with empty files, whether or not they could lie in a directory of this machine."""
    lines = b"".join(b"100644 %s\t%s\0" % (BLOB.encode(), os.fsencode(path)) for path in wanted)
    git_bytes(root, "read-tree", "--empty")
    git_bytes(root, "update-index", "-z", "--add", "--index-info", stdin=lines)
    return git_bytes(root, "write-tree", "--missing-ok").decode().strip()


def files_of(root: Path, tree: str) -> set[str]:
    return {os.fsdecode(name) for name in git_bytes(root, "ls-tree", "-r", "-z", "--name-only", tree).split(b"\0")[:-1]}


def lies_in(path: str, places: Iterable[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def without_clashes(wanted: Iterable[str]) -> list[str]:
    """A path is a file or a directory: the shorter ones win."""
    kept: list[str] = []
    for path in sorted(set(wanted), key=lambda path: path.count("/")):
        if not lies_in(path, kept):
            kept.append(path)
    return kept


@some_settings
@given(st.lists(paths, max_size=8), st.lists(paths, max_size=4))
def test_a_tree_without_places_holds_all_others(repository: Path, wanted: list[str], places: list[str]) -> None:
    files = without_clashes(wanted)
    tree = make_tree(repository, files)
    stripped = tree_without(repository, tree, places)
    assert files_of(repository, stripped) == {path for path in files if not lies_in(path, places)}
    assert stripped == make_tree(repository, [path for path in files if not lies_in(path, places)])


def test_a_tree_of_which_nothing_is_left_is_the_empty_one(repository: Path) -> None:
    tree = make_tree(repository, ["a/b/one", "a/b/two"])
    assert tree_without(repository, tree, ["a/b"]) == empty_tree(repository)
    assert tree_without(repository, tree, []) == tree
    assert tree_without(repository, tree, ["a/b/one/deeper", "b"]) != empty_tree(repository)


def write_all(root: Path, wanted: Iterable[str], content: str) -> None:
    for path in wanted:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")


@some_settings
@given(st.sets(st.sampled_from(["a/one", "a/new", "b/two", "b/c/three", "top", "new", "*", ".gitattributes"])),
       st.sets(st.sampled_from(["a", "b", "b/c", "*", "gone"])))  # fmt: skip
def test_what_changed_belongs_to_a_place_or_to_the_rest(repository: Path, changed: set[str], places: set[str]) -> None:
    git_bytes(repository, "reset", "-q", "--hard", "HEAD")
    git_bytes(repository, "clean", "-qfdx")
    write_all(repository, changed, "changed\n")
    repo = GitRepo(repository)
    dirty = set(repo.status().dirty)
    of_rest = set(RestOfRepo(repo, tuple(places)).status().dirty)
    of_places = set(repo.status(sorted(places)).dirty) if places else set()

    def whole(listed: set[str]) -> set[str]:  # an untracked directory counts as one path
        return {path for path in changed for told in listed if path == told or path.startswith(told)}

    assert whole(of_rest) | whole(of_places) == whole(dirty)
    assert {path for path in changed if lies_in(path, places)} & whole({p for p in of_rest if p[-1] != "/"}) == set()


@pytest.fixture
def rest(repository: Path) -> RestOfRepo:
    return RestOfRepo(GitRepo(repository), ("a",))


def test_a_commit_of_the_rest_leaves_places_alone(rest: RestOfRepo, git: Git) -> None:
    root = rest.root
    write_all(root, ["a/one", "a/new", "b/two", "new", ".gitignore"], "changed\n")
    git(root, "add", "a/new")
    before = rest.commit("all of it")
    assert set(before.dirty) == {"b/two", "new", ".gitignore"}
    assert set(before.untracked) == {"new", ".gitignore"}
    assert git(root, "status", "--porcelain").split("\n") == ["A  a/new", " M a/one"]
    assert rest.status().dirty == ()


def test_its_tree_knows_neither_places_nor_settings(rest: RestOfRepo) -> None:
    write_all(rest.root, [*SETTINGS, "b/.gitignore"], "# x\n")
    rest.commit("settings")
    assert files_of(rest.root, rest.tree("HEAD")) == {"b/two", "b/.gitignore", "top"}


def test_files_are_there_or_not(rest: RestOfRepo) -> None:
    assert rest.holds_files()
    assert not RestOfRepo(rest.repo, ("a", "b", "top")).holds_files()
    write_all(rest.root, [".gitignore"], "*.tmp\n")
    write_all(rest.root, ["x.tmp"], "x\n")
    assert not RestOfRepo(rest.repo, ("a", "b", "top")).holds_files()
    (rest.root / "top").unlink()
    assert not RestOfRepo(rest.repo, ("a", "b")).holds_files()  # what git has and is not there is none


def test_a_restore_brings_back_the_rest_and_nothing_else(rest: RestOfRepo, git: Git) -> None:
    root = rest.root
    first = git(root, "rev-parse", "HEAD")
    (root / "top").unlink()
    write_all(root, ["a/one", "b/two", "b/later", ".gitignore"], "second\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "second")
    write_all(root, ["a/one"], "third\n")
    planned = {(change.status, change.path) for change in rest.plan_restore(first)}
    assert planned == {("added", "top"), ("modified", "b/two"), ("deleted", "b/later")}
    assert rest.restore(first, "back")
    assert (root / "top").read_text() == "top\n"
    assert (root / "b/two").read_text() == "b/two\n"
    assert not (root / "b/later").exists()
    assert (root / "a/one").read_text() == "third\n"
    assert (root / ".gitignore").read_text() == "second\n"
    assert rest.tree("HEAD") == rest.tree(first)
    assert not rest.restore(first, "again")


def test_a_restore_keeps_what_git_ignores_and_is_in_the_way(rest: RestOfRepo, git: Git) -> None:
    root = rest.root
    first = git(root, "rev-parse", "HEAD")
    git(root, "rm", "-q", "top")
    write_all(root, [".gitignore"], "top\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "ignored now")
    write_all(root, ["top"], "mine\n")
    rest.restore(first, "back")
    assert (root / "top").read_text() == "top\n"
    assert "+mine" in git(root, "log", "-p", "--", "top")
