"""HEAD and references that a power cut left empty are written again: from their logs, the index, and what is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.errors import StorageError
from dataworkspaces.gitrepo.damaged_objects import check_loose_objects, mend
from dataworkspaces.gitrepo.damaged_references import damaged_references, is_head_damaged
from dataworkspaces.gitrepo.repo import GitRepo

Git = Callable[..., str]
LOGS = ("logs/HEAD", "logs/refs/heads/main")


@pytest.fixture
def second(repository: Path, git: Git) -> str:
    """The commit that the branch has, after another one."""
    git(repository, "branch", "-M", "main")
    (repository / "top").write_text("second\n", encoding="utf-8")
    assert GitRepo(repository).commit_paths(["top"], "second")
    assert damaged_references(repository) == []
    return git(repository, "rev-parse", "HEAD")


def empty(repository: Path, *names: str, content: bytes = b"") -> None:
    for name in names:
        (repository / ".git" / name).write_bytes(content)


def cut_log(repository: Path, lines: int) -> None:
    for name in LOGS:
        log = repository / ".git" / name
        log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:lines]))


@pytest.mark.parametrize("content", [b"", b"\0" * 41, b"0123"])
@pytest.mark.parametrize("names", [("HEAD",), ("refs/heads/main",), ("HEAD", "refs/heads/main", "index")])
def test_they_are_as_their_logs_say(
    repository: Path, second: str, git: Git, names: tuple[str, ...], content: bytes
) -> None:
    empty(repository, *names, content=content if "index" not in names else b"")
    assert is_head_damaged(repository)
    (problem,) = check_loose_objects(repository, "it", only_empty=True)
    assert problem.repair is not None
    assert "as its log says" in problem.repair()
    assert git(repository, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(repository, "rev-parse", "HEAD") == second
    assert git(repository, "status", "--porcelain") == ""
    assert not is_head_damaged(repository)


def test_packed_references(repository: Path, second: str, git: Git) -> None:
    git(repository, "branch", "other", "HEAD~1")
    git(repository, "tag", "-a", "-m", "text", "v1")
    git(repository, "pack-refs", "--all")
    before = git(repository, "show-ref")
    empty(repository, "packed-refs")
    assert is_head_damaged(repository)
    mend(repository)
    assert git(repository, "show-ref") == before
    assert damaged_references(repository) == []


def test_a_log_that_lacks_the_last_commit(repository: Path, second: str, git: Git) -> None:
    """The index holds what the later commit holds."""
    cut_log(repository, 1)
    empty(repository, "refs/heads/main")
    assert "the commit of what git's index holds" in mend(repository)
    assert git(repository, "rev-parse", "HEAD") == second


def test_what_was_left_by_a_reset_does_not_come_back(repository: Path, second: str, git: Git) -> None:
    git(repository, "reset", "-q", "--hard", "HEAD~1")
    empty(repository, "refs/heads/main")
    mend(repository)
    assert git(repository, "rev-parse", f"{second}~1") == git(repository, "rev-parse", "HEAD")


def test_without_a_log(repository: Path, second: str, git: Git) -> None:
    empty(repository, *LOGS, "refs/heads/main", "index")
    assert "the only commit that nothing else refers to" in mend(repository)
    assert git(repository, "rev-parse", "HEAD") == second


def test_nothing_is_guessed(repository: Path, second: str, git: Git) -> None:
    """Two commits that nothing refers to, and none of them is what the index holds."""
    git(repository, "commit", "-q", "--amend", "-m", "another")
    (repository / "top").write_text("third\n", encoding="utf-8")
    git(repository, "add", "top")
    empty(repository, *LOGS, "refs/heads/main")
    said = mend(repository)
    assert "restore it, one of" in said
    assert second[:12] in said
    assert is_head_damaged(repository)


def test_a_branch_that_nobody_knows(repository: Path, second: str, git: Git) -> None:
    git(repository, "branch", "other", "HEAD~1")
    empty(repository, "logs/HEAD", "HEAD")
    with pytest.raises(StorageError, match="nothing records which branch") as caught:
        mend(repository)
    assert "main, other" in (caught.value.hint or "")


@pytest.mark.parametrize(("argument", "head"), [("other", "ref: refs/heads/other"), ("--detach", None)])
def test_what_was_switched_to(repository: Path, second: str, git: Git, argument: str, head: str | None) -> None:
    git(repository, "branch", "other", "HEAD~1")
    git(repository, "checkout", "-q", argument)
    empty(repository, "HEAD")
    mend(repository)
    assert (repository / ".git" / "HEAD").read_text() == f"{head or second}\n"


def test_the_others(repository: Path, second: str, git: Git) -> None:
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    names = [f"refs/dws/trees/{tree}", "refs/remotes/origin/main", "refs/tags/light"]
    for name in names:
        git(repository, "update-ref", name, second if "dws" not in name else tree)
    (repository / ".git" / "logs" / names[1]).unlink(missing_ok=True)
    empty(repository, *names)
    assert not is_head_damaged(repository)
    said = mend(repository)
    assert git(repository, "rev-parse", names[0]) == tree
    assert "as the next fetch finds it" in said
    assert "refs/tags/light is lost" in said
    assert [path.name for path in damaged_references(repository)] == ["light"]


def test_a_repository_without_commits(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    empty(tmp_path, "refs/heads/main")
    assert "has no commit yet" in mend(tmp_path)
    assert damaged_references(tmp_path) == []


def test_the_configuration(repository: Path, second: str, git: Git) -> None:
    git(repository, "remote", "add", "origin", "nowhere")
    empty(repository, "config")
    assert "the origin, if there was one, is lost" in mend(repository)
    assert git(repository, "config", "core.bare") == "false"


def test_a_command_that_commits_mends_first(repository: Path, second: str, git: Git) -> None:
    told: list[str] = []
    empty(repository, "HEAD")
    GitRepo(repository, told.append).check_ready("it", "main")
    assert git(repository, "rev-parse", "HEAD") == second
    assert len(told) == 1


@pytest.mark.parametrize("name", ["HEAD", "refs/heads/main"])
def test_nobody_waits_for_a_pipe(repository: Path, second: str, git: Git, name: str) -> None:
    path = repository / ".git" / name
    path.unlink()
    os.mkfifo(path)
    assert is_head_damaged(repository)
    mend(repository)
    assert git(repository, "rev-parse", "HEAD") == second
