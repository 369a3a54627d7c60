"""Objects of git that a power cut left empty are written again: from working tree, reflog and origin."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.gitrepo.damaged_objects import check_loose_objects, damaged_objects, look_after_restart, mend
from dataworkspaces.gitrepo.repo import GitRepo

Git = Callable[..., str]


@pytest.fixture
def origin(repository: Path, tmp_path: Path, git: Git) -> Path:
    place = tmp_path / "origin.git"
    git(tmp_path, "clone", "-q", "--bare", "--no-hardlinks", str(repository), str(place))
    git(repository, "remote", "add", "origin", str(place))
    return place


def files_of(repository: Path, *names: str) -> list[Path]:
    return [repository / ".git" / "objects" / name[:2] / name[2:] for name in names]


def all_objects(repository: Path, git: Git) -> list[str]:
    return [line.split()[0] for line in git(repository, "rev-list", "--objects", "--all").splitlines()]


def empty(repository: Path, *names: str) -> None:
    for path in files_of(repository, *names):
        path.chmod(0o644)
        path.write_bytes(b"")


def cut_off(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-3])


def test_a_whole_repository_has_no_damage(repository: Path) -> None:
    assert damaged_objects(repository) == {}
    assert [*check_loose_objects(repository, "it")] == []


def test_what_nobody_knows_is_told(repository: Path, git: Git) -> None:
    """The tree of the first commit holds what lies here but for what came later."""
    first = git(repository, "rev-parse", "HEAD^{tree}")
    (repository / "new").write_text("new\n", encoding="utf-8")
    (repository / "link").symlink_to("top")
    assert GitRepo(repository).commit_paths(["new", "link"], "a message")
    names = all_objects(repository, git)
    empty(repository, *names)
    (problem,) = check_loose_objects(repository, "it")
    assert problem.what.startswith(f"{len(names)} objects of git")
    assert problem.repair is not None
    told = problem.repair()
    assert f"{len(names) - 2} of {len(names)} objects written again" in told
    assert "lost: " in told
    assert first[:12] in told


def test_the_last_commit_alone(repository: Path, git: Git) -> None:
    before = set(all_objects(repository, git))
    (repository / "a" / "one").write_text("changed\n", encoding="utf-8")
    assert GitRepo(repository).commit_paths(["a/one"], "a message")
    after = set(all_objects(repository, git)) - before
    empty(repository, *after)
    assert mend(repository) == "4 of 4 objects written again from the working tree"
    git(repository, "fsck", "--strict")
    assert set(all_objects(repository, git)) == before | after


@pytest.mark.slow
def test_the_tree_between_the_two_commits_of_a_snapshot(repository: Path, git: Git) -> None:
    metadata = repository / ".dataworkspace"
    for number in (1, 2):
        (repository / "top").write_text(f"{number}\n", encoding="utf-8")
        before = set(all_objects(repository, git))
        GitRepo(repository).commit_paths(["top"], "content")
        metadata.mkdir(exist_ok=True)
        (metadata / "snapshot").write_text(f"{number}\n", encoding="utf-8")
        (repository / "a" / "lineage.json").write_text(f"{number}\n", encoding="utf-8")
        GitRepo(repository).commit_paths([".dataworkspace", "a"], "metadata")
    empty(repository, *set(all_objects(repository, git)) - before)
    assert "lost" not in mend(repository)
    git(repository, "fsck", "--strict")


@pytest.mark.slow
def test_what_is_nowhere_here_comes_from_the_origin(repository: Path, origin: Path, git: Git) -> None:
    names = all_objects(repository, git)
    for path in ("a/one", "top"):
        (repository / path).write_text("something else\n", encoding="utf-8")
    empty(repository, *names)
    assert mend(repository).endswith("2 from the origin")
    git(repository, "fsck", "--strict")
    assert set(all_objects(repository, git)) == set(names)


def test_what_has_lost_its_end_is_set_aside(repository: Path, git: Git) -> None:
    (name,) = [git(repository, "rev-parse", "HEAD:top")]
    cut_off(files_of(repository, name)[0])
    assert set(damaged_objects(repository)) == {name}
    assert mend(repository) == "1 of 1 objects written again from the working tree"
    assert zlib.decompress(files_of(repository, name)[0].read_bytes()) == b"blob 4\0top\n"
    assert len(list((repository / ".git" / "dws" / "set-aside").iterdir())) == 1


def test_an_origin_that_is_gone_is_told_of(repository: Path, git: Git) -> None:
    git(repository, "remote", "add", "origin", str(repository / "nowhere"))
    (repository / "top").unlink()
    empty(repository, git(repository, "rev-parse", "HEAD:top"))
    told = mend(repository)
    assert "the origin cannot be asked" in told
    assert "lost: " in told


@pytest.mark.slow
def test_existence_is_not_taken_for_content_after_a_restart(repository: Path, git: Git) -> None:
    """Git says that nothing has changed."""
    repo = GitRepo(repository)
    repo.check_ready("it")
    name = git(repository, "rev-parse", "HEAD:top")
    empty(repository, name)
    repo.check_ready("it")  # the machine has not been started since
    (repository / ".git" / "dws" / "looked_at_boot").write_text("another", encoding="ascii")
    told: list[str] = []
    look_after_restart(repository, told.append)
    assert len(told) == 1
    git(repository, "fsck", "--strict")
    (repository / ".git" / "dws" / "looked_at_boot").unlink()
    (repository / "top").unlink()
    empty(repository, name)
    look_after_restart(repository, told.append)
    assert told[-1].endswith(f"lost: {name[:12]}, unless the origin has them: dws fsck --repair")
    look_after_restart(repository, told.append)
    assert len(told) == 2


def test_an_empty_index(repository: Path, git: Git) -> None:
    (repository / ".git" / "index").write_bytes(b"")
    (problem,) = check_loose_objects(repository, "it")
    assert problem.repair is not None
    assert problem.repair() == "the index is that of the last commit"
    assert git(repository, "status", "--porcelain") == ""
