"""What lies in a working tree, told without touching the repository."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.gitrepo.contents import present_objects, version_objects
from dataworkspaces.gitrepo.kept_trees import KEPT_TREES
from dataworkspaces.gitrepo.layout import EMPTY_TREE
from dataworkspaces.gitrepo.repo import GitRepo

pytestmark = pytest.mark.slow

Git = Callable[..., str]


def state(root: Path) -> tuple[bytes, list[str]]:
    """The index, and git's objects and references."""
    git = root / ".git"
    index = (git / "index").read_bytes() if (git / "index").exists() else b""
    kept = [p for place in ("objects", "refs") for p in (git / place).rglob("*") if p.is_file()]
    return index, sorted(os.fspath(p) for p in kept)


def committed(root: Path, git: Git, *paths: str) -> list[str]:
    """The objects at paths, if all were committed."""
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "all")
    return [git(root, "rev-parse", f"HEAD:{path}") for path in paths]


def test_committed_tree_is_that_of_head(repository: Path, git: Git) -> None:
    before = state(repository)
    found = present_objects(repository, ["", "a", "a/one", "nothing"], [""], keep=True)
    assert found.names == [*committed(repository, git, "", "a", "a/one"), None]
    assert found.tree is None
    assert found.commit is not None
    assert before[0] == state(repository)[0]
    assert git(repository, "for-each-ref", "refs/dws") == ""


@pytest.mark.parametrize("keep", [False, True])
def test_uncommitted_work_has_the_names_that_a_commit_would_give(repository: Path, git: Git, keep: bool) -> None:
    (repository / "a" / "one").write_text("changed\n")
    (repository / "a" / "new").write_text("new\n")
    (repository / "b" / "two").unlink()
    (repository / "b").rmdir()
    (repository / "top").chmod(0o755)
    (repository / "link").symlink_to("nowhere")
    before = state(repository)
    found = present_objects(repository, ["", "a", "a/one", "a/new", "b", "top", "link"], [""], keep=keep)
    if not keep:
        assert state(repository) == before
    assert state(repository)[0] == before[0]
    assert found.commit is None
    expected = committed(repository, git, "", "a", "a/one", "a/new")
    assert found.names[:4] == expected
    assert found.names[4] is None
    assert found.names[5:] == [git(repository, "rev-parse", f"HEAD:{path}") for path in ("top", "link")]
    assert found.tree == (expected[0] if keep else None)


def test_kept_tree_has_a_reference(repository: Path, git: Git) -> None:
    (repository / "top").write_text("changed\n")
    tree = present_objects(repository, [""], [""], keep=True).tree
    assert (
        git(repository, "for-each-ref", "--format=%(refname) %(objectname)", KEPT_TREES)
        == f"{KEPT_TREES}/{tree} {tree}"
    )
    present_objects(repository, [""], [""], keep=True)
    git(repository, "gc", "--quiet", "--prune=now")
    assert git(repository, "cat-file", "blob", f"{tree}:top") == "changed"
    assert git(repository, "fsck", "--strict") == ""


def test_what_lies_elsewhere_does_not_count(repository: Path) -> None:
    before = present_objects(repository, ["", "a"], ["a"]).names
    (repository / "top").write_text("changed\n")
    assert present_objects(repository, ["", "a"], ["a"]).names == before
    (repository / "a" / "one").write_text("changed\n")
    assert present_objects(repository, ["a"], ["a"]).names != before[1:]


def test_file_that_is_left_out_does_not_count(repository: Path) -> None:
    before = present_objects(repository, [""], [""], ["lineage.json"]).names
    for text in ("1", "2"):
        (repository / "lineage.json").write_text(text)
        assert present_objects(repository, [""], [""], ["lineage.json"]).names == before
    assert present_objects(repository, [""], [""]).names != before


def test_ignored_files_do_not_count(repository: Path, git: Git) -> None:
    (repository / ".gitignore").write_text("__pycache__/\n*.tmp\n")
    before = committed(repository, git, "")
    (repository / "__pycache__").mkdir()
    (repository / "__pycache__" / "x.pyc").write_bytes(b"\0")
    (repository / "x.tmp").write_text("")
    found = present_objects(repository, [""], [""], keep=True)
    assert found.names == before
    assert found.tree is None


def test_same_second_and_size_is_noticed(repository: Path) -> None:
    """Git tells by time and size which files to read; a copy of the index must keep its own time."""
    for number in range(20):
        (repository / "top").write_text(f"{number:02}\n")
        first = present_objects(repository, ["top"], [""]).names
        (repository / "top").write_text(f"{number + 50:02}\n")
        assert present_objects(repository, ["top"], [""]).names != first


def test_repository_without_a_commit(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "new")
    root = tmp_path / "new"
    found = present_objects(root, [""], [""], keep=True)
    assert found.names == [EMPTY_TREE]
    (root / "one").write_text("1\n")
    found = present_objects(root, ["", "one"], [""], keep=True)
    assert found.commit is None
    assert git(root, "cat-file", "blob", str(found.names[1])) == "1"


def test_no_repository(tmp_path: Path) -> None:
    assert present_objects(tmp_path, ["", "a"], [""]).names == [None, None]


def test_lock_of_the_index_does_not_matter(repository: Path) -> None:
    (repository / ".git" / "index.lock").touch()
    (repository / "top").write_text("changed\n")
    assert present_objects(repository, ["top"], [""], keep=True).tree is not None
    assert (repository / ".git" / "index.lock").exists()


def test_detached_head(repository: Path, git: Git) -> None:
    git(repository, "switch", "-q", "--detach")
    assert present_objects(repository, [""], [""], keep=True).commit == git(repository, "rev-parse", "HEAD")


def test_linked_working_tree(repository: Path, git: Git, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    (tmp_path / "side" / "top").write_text("changed\n")
    found = present_objects(tmp_path / "side", ["top"], [""], keep=True)
    assert git(repository, "cat-file", "blob", str(found.names[0])) == "changed"
    git(repository, "worktree", "remove", "--force", str(tmp_path / "side"))
    git(repository, "gc", "--quiet", "--prune=now")
    assert git(repository, "cat-file", "-t", str(found.tree)) == "tree"
    assert git(repository, "status", "--porcelain") == ""


def test_repository_that_borrows_objects(repository: Path, git: Git, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--shared", str(repository), "borrower")
    (tmp_path / "borrower" / "top").write_text("changed\n")
    assert present_objects(tmp_path / "borrower", ["a/one"], [""]).names == committed(repository, git, "a/one")


def test_resolved_conflict_counts_as_it_stands(repository: Path, git: Git) -> None:
    git(repository, "switch", "-qc", "other")
    (repository / "top").write_text("theirs\n")
    git(repository, "commit", "-qam", "theirs")
    git(repository, "switch", "-q", "main")
    (repository / "top").write_text("ours\n")
    git(repository, "commit", "-qam", "ours")
    subprocess.run(["git", "merge", "other"], cwd=repository, capture_output=True)
    before = state(repository)
    found = present_objects(repository, ["top"], [""], keep=True)
    assert "<<<<<<<" in git(repository, "cat-file", "blob", str(found.names[0]))
    assert state(repository)[0] == before[0]
    assert git(repository, "ls-files", "--unmerged")


def test_conflict_elsewhere_does_not_matter(repository: Path, git: Git) -> None:
    git(repository, "switch", "-qc", "other")
    (repository / "top").write_text("theirs\n")
    git(repository, "commit", "-qam", "theirs")
    git(repository, "switch", "-q", "main")
    (repository / "top").write_text("ours\n")
    git(repository, "commit", "-qam", "ours")
    subprocess.run(["git", "merge", "other"], cwd=repository, capture_output=True)
    assert present_objects(repository, ["a/one"], ["a"]).names == [git(repository, "rev-parse", "HEAD:a/one")]
    assert present_objects(repository, ["a/one"], ["a"], keep=True).tree is not None
    assert git(repository, "ls-files", "--unmerged")


@pytest.mark.parametrize("name", ["with:colon", 'quote":', "back\\slash:"])
def test_repository_whose_path_separates_paths(repository: Path, git: Git, name: str) -> None:
    root = repository.rename(repository.with_name(name))
    (root / "top").write_text("changed\n")
    names = present_objects(root, ["top", "a/one"], [""]).names
    assert names == committed(root, git, "top", "a/one")


NAMES = [
    'quote".py',
    "ünï.py",
    "-leading",
    "--output=x",
    " space ",
    "tab\t.py",
    ":(glob)*",
    "back\\slash",
    "*",
    "a missing",
]


@pytest.mark.parametrize("name", NAMES)
def test_odd_name(repository: Path, name: str) -> None:
    (repository / name).write_text("1\n")
    (one,) = present_objects(repository, [name], [""], keep=True).names
    (repository / name).write_text("2\n")
    (two,) = present_objects(repository, [name], [""], keep=True).names
    assert one != two
    assert None not in (one, two)


def test_name_with_a_newline_shifts_no_other(repository: Path) -> None:
    (repository / "new\nline").write_text("1\n")
    names = present_objects(repository, ["a/one", "new\nline", "b/two"], [""]).names
    assert len(names) == 3
    assert names[0] == present_objects(repository, ["a/one"], [""]).names[0]
    assert names[2] == present_objects(repository, ["b/two"], [""]).names[0]


@pytest.mark.parametrize("name", ["a\x0cb", "a\x0bb", "a\rb", "a\x1cb", "a\x85b", "a\u2028b", "a\nb"])
def test_missing_name_with_a_break_of_lines_shifts_no_other(repository: Path, name: str) -> None:
    names = present_objects(repository, [name, "a/one"], [""]).names
    assert names == [None, present_objects(repository, ["a/one"], [""]).names[0]]
    head = GitRepo(repository)
    assert head.resolve([f"HEAD:{name}", "HEAD:a/one"]) == names


def test_filters_apply_as_in_a_commit(repository: Path, git: Git) -> None:
    (repository / ".gitattributes").write_text("*.txt text eol=crlf\n")
    (repository / "x.txt").write_bytes(b"a\r\nb\r\n")
    names = present_objects(repository, ["", "x.txt"], [""]).names
    assert names == committed(repository, git, "", "x.txt")


def test_hooks_do_not_run(repository: Path) -> None:
    for hook in ("pre-commit", "post-index-change", "reference-transaction"):
        path = repository / ".git" / "hooks" / hook
        path.write_text("#!/bin/sh\ntouch ran\nexit 1\n")
        path.chmod(0o755)
    (repository / "top").write_text("changed\n")
    assert present_objects(repository, [""], [""], keep=True).tree is not None
    assert not (repository / "ran").exists()


def test_variables_of_a_hook_lead_nowhere(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = present_objects(repository, [""], [""]).names
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert present_objects(repository, [""], [""]).names == expected


def test_nothing_is_left_in_the_temporary_directory(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    (repository / "top").write_text("changed\n")
    present_objects(repository, [""], [""])
    assert list(temporary.iterdir()) == []


def notebook(source: str, output: str) -> str:
    cell = {"cell_type": "code", "source": source, "outputs": [{"text": output}], "execution_count": len(output)}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.mark.parametrize("keep", [False, True])
def test_of_notebooks_only_sources_count(repository: Path, keep: bool) -> None:
    path = repository / "a" / "run.ipynb"
    paths = ["", "a", "a/run.ipynb"]

    def found(document: str, **options: bool) -> list[str | None]:
        path.write_text(document)
        return present_objects(repository, paths, [""], keep=keep, **options).names

    before = found(notebook("1 + 1", "2"), sources_only=True)
    assert None not in before
    assert found(notebook("1 + 1", "two"), sources_only=True) == before
    assert all(x != y for x, y in zip(found(notebook("1 + 2", "3"), sources_only=True), before, strict=True))
    assert found(notebook("1 + 1", "2")) != found(notebook("1 + 1", "two"))


def test_outputs_of_notebooks_are_kept(repository: Path, git: Git) -> None:
    (repository / "run.ipynb").write_text(notebook("1 + 1", "2"))
    kept = present_objects(repository, [""], [""], keep=True, sources_only=True).tree
    assert json.loads(git(repository, "show", f"{kept}:run.ipynb"))["cells"][0]["outputs"] == [{"text": "2"}]


def test_a_version_has_the_names_of_what_is_present(repository: Path, git: Git) -> None:
    (repository / "a" / "run.ipynb").write_text(notebook("1 + 1", "2"))
    (repository / "a" / "none.ipynb").write_text("no notebook")
    (repository / "b.ipynb").symlink_to("a")
    paths = ["", "a", "a/run.ipynb", "a/none.ipynb", "a/one", "b.ipynb"]
    before = present_objects(repository, paths, [""], sources_only=True).names
    tree = committed(repository, git, "")[0]
    assert version_objects(repository, "HEAD", [*paths, "gone"]) == [*before, None]
    assert version_objects(repository, tree, [""]) == before[:1]


def test_versions_without_notebooks_are_those_of_git(repository: Path, git: Git) -> None:
    assert version_objects(repository, "HEAD", ["", "a/one"]) == committed(repository, git, "", "a/one")
