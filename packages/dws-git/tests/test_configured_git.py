"""Git as people have configured it: what it ignores, converts, says and signs must not change what is kept."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo.advance import begin_merge
from dataworkspaces.gitrepo.contents import present_objects
from dataworkspaces.gitrepo.layout import empty_tree
from dataworkspaces.gitrepo.merge import Merge
from dataworkspaces.gitrepo.objects import build_tree, write_blobs
from dataworkspaces.gitrepo.plumbing import TreeEntry, list_tree
from dataworkspaces.gitrepo.process import explain
from dataworkspaces.gitrepo.repo import GitRepo
from dataworkspaces.gitrepo.restraint import made_here
from dataworkspaces.gitrepo.run import run_git

pytestmark = pytest.mark.slow

Git = Callable[..., str]
IGNORES = ["data/", "data", "*.json", ".*", "*", ".dataworkspace/"]


def _write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{name}\n", encoding="utf-8")


@pytest.mark.parametrize("is_global", [False, True])
@pytest.mark.parametrize("pattern", IGNORES)
def test_own_files_are_committed_whatever_git_ignores(
    repository: Path, home: Path, git: Git, pattern: str, is_global: bool
) -> None:
    if is_global:
        (home / "ignore").write_text(f"{pattern}\n", encoding="utf-8")
        git(repository, "config", "--global", "core.excludesFile", str(home / "ignore"))
    else:
        (repository / ".gitignore").write_text(f"{pattern}\n", encoding="utf-8")
    own = [".dataworkspace/snapshots/s.json", ".dataworkspace/data/m", ".gitignore"]
    _write(repository, *own[:2], "data/theirs.json", "a/more")
    if is_global:
        _write(repository, ".gitignore")
    assert GitRepo(repository).commit_paths(["a", "data"], "ours", own=own)
    there = set(list_tree(repository, "HEAD"))
    assert there >= {*own, "a/one", "b/two", "top"}
    assert ("data/theirs.json" in there) == (pattern in (".*", ".dataworkspace/"))
    (repository / own[0]).unlink()
    assert GitRepo(repository).commit_paths([".dataworkspace"], "gone", own=own[1:2])
    assert own[0] not in list_tree(repository, "HEAD")


MESSAGES = ["Keep it", "# not a comment", "a\0b", "gr\udcfc", "long " * 50_000]


@pytest.mark.parametrize("message", MESSAGES, ids=[m[:10].encode("ascii", "replace").decode() for m in MESSAGES])
def test_any_message_is_committed(repository: Path, git: Git, message: str) -> None:
    git(repository, "config", "core.commentChar", "K")
    git(repository, "config", "commit.cleanup", "strip")
    git(repository, "config", "i18n.commitEncoding", "latin-1")
    _write(repository, "a/two")
    assert GitRepo(repository).commit_paths(["a"], message)
    said = subprocess.run(
        ["git", "cat-file", "commit", "HEAD"], cwd=repository, capture_output=True, check=True
    ).stdout.decode("utf-8")
    assert said.partition("\n\n")[2].strip() == "dws: " + message.replace("\0", " ").replace("\udcfc", "?").strip()
    assert "encoding" not in said.partition("\n\n")[0]


def test_nothing_is_refused_for_its_line_ends(repository: Path, git: Git) -> None:
    """Such a git refuses to add each of our own files, and then no command could end."""
    git(repository, "config", "core.autocrlf", "true")
    git(repository, "config", "core.safecrlf", "true")
    _write(repository, "a/lineage.json", ".gitignore")
    (repository / "a/lineage.json").write_bytes(b"one\ntwo\r\n")
    assert present_objects(repository, ["a"], ["a"]).names[0]
    assert GitRepo(repository).commit_paths(["a"], "ours", own=[".gitignore"])
    assert {"a/lineage.json", ".gitignore"} <= set(list_tree(repository, "HEAD"))


VARIABLES = {
    "GIT_DIR": "/nowhere", "GIT_WORK_TREE": "/", "GIT_INDEX_FILE": "/nowhere/index", "GIT_COMMON_DIR": "/nowhere",
    "GIT_OBJECT_DIRECTORY": "/nowhere", "GIT_CONFIG": "/nowhere", "GIT_NAMESPACE": "other", "GIT_PREFIX": "a/",
    "GIT_ICASE_PATHSPECS": "1", "GIT_GLOB_PATHSPECS": "1", "GIT_EXTERNAL_DIFF": "false", "GIT_TRACE": "1",
    "GIT_SHALLOW_FILE": "/nowhere", "GIT_QUARANTINE_PATH": "/nowhere", "GIT_GRAFT_FILE": "/nowhere",
}  # fmt: skip


def test_variables_of_a_hook_and_settings_change_nothing(
    repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "color.ui": "always", "status.showUntrackedFiles": "no", "log.showSignature": "true", "core.pager": "false",
        "grep.lineNumber": "true", "diff.noprefix": "true", "diff.external": "false", "core.quotePath": "true",
    }.items():  # fmt: skip
        git(repository, "config", name, value)
    for hook in ("pre-commit", "commit-msg", "prepare-commit-msg", "pre-push"):
        place = repository / ".git" / "hooks" / hook
        place.parent.mkdir(exist_ok=True)
        place.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        place.chmod(0o755)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    _write(repository, "a/ü", "A/two")
    repo = GitRepo(repository)
    before = str(repo.resolve(["HEAD"])[0])
    assert set(repo.status().dirty) == {"a/ü", "A/"}
    assert repo.commit_paths(["a"], "mine")
    assert [change.path for change in repo.diff_trees(before, "HEAD")] == ["a/ü"]
    repo.restore_paths({"a": before}, "back")
    assert not (repository / "a" / "ü").exists()


def test_what_git_says_is_told_in_one_line_and_its_remedy_is_not_cut_off() -> None:
    said = (
        "12:34:56.123456 git.c:460  trace: built-in: git status\n"
        "fatal: detected dubious ownership in repository at '/data/ws'\n"
        "To add an exception for this directory, call:\n\n\tgit config --global --add safe.directory /data/ws\n"
    )
    line, hint = explain(said)
    assert line == "detected dubious ownership in repository at '/data/ws'"
    assert hint == "If you trust its owner: git config --global --add safe.directory /data/ws"
    assert explain("12:34:56.123456 git.c:460  trace: x\nsomething\n")[0] == "something"


def test_references_that_only_git_can_read_are_told(repository: Path) -> None:
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/.invalid\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="reftable"):
        GitRepo(repository).check_ready("Workspace")


@pytest.mark.parametrize("format", ["sha1", "sha256"])
def test_both_formats_of_objects(tmp_path: Path, git: Git, format: str) -> None:
    git(tmp_path, "init", "-q", f"--object-format={format}")
    _write(tmp_path, "a", "b/c")
    repo = GitRepo(tmp_path)
    repo.commit_paths(["a", "b"], "first")
    empty = run_git(tmp_path, ["hash-object", "-t", "tree", "/dev/null"]).stdout.decode().strip()
    assert empty_tree(tmp_path) == empty
    new = write_blobs(tmp_path, {"x": b"new"})["x"]
    tree = build_tree(tmp_path, "HEAD", {"a": None, "d": TreeEntry("100644", new)})
    assert set(list_tree(tmp_path, tree)) == {"b/c", "d"}
    stages = {1: TreeEntry("100644", new), 2: TreeEntry("100644", new)}
    begin_merge(tmp_path, Merge(tree, {"d": stages}), str(repo.resolve(["HEAD"])[0]), "merge", "it")
    assert "DU d" in git(tmp_path, "status", "--porcelain") or "UD d" in git(tmp_path, "status", "--porcelain")


def test_signing_that_fails_is_told_before_anything_is_done(repository: Path, git: Git) -> None:
    made_here(repository)
    git(repository, "config", "commit.gpgSign", "true")
    git(repository, "config", "gpg.program", "false")
    before = {path: path.read_bytes() for path in (repository / ".git" / "objects").rglob("*") if path.is_file()}
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"commit\.gpgSign") as raised:
            GitRepo(repository).check_ready("Workspace")
        assert "\n" not in str(raised.value)
    assert {p: p.read_bytes() for p in (repository / ".git" / "objects").rglob("*") if p.is_file()} == before
    git(repository, "config", "commit.gpgSign", "false")
    GitRepo(repository).check_ready("Workspace")


def test_a_plan_of_a_restore_writes_nothing(repository: Path, git: Git) -> None:
    made_here(repository)
    first = git(repository, "rev-parse", "HEAD")
    _write(repository, "a/new")
    git_directory = repository / ".git"
    before = {path: path.read_bytes() for path in git_directory.rglob("*") if path.is_file()}
    assert [change.path for change in GitRepo(repository).plan_restore(first, "a")] == ["new"]
    assert {path: path.read_bytes() for path in git_directory.rglob("*") if path.is_file()} == before
