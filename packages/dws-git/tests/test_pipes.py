"""Named pipes, devices and directories in place of what git reads for itself: it would wait for ever."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError, UnavailableError
from dataworkspaces.gitrepo import process
from dataworkspaces.gitrepo.experiment_refs import experiment_names, list_experiment_refs
from dataworkspaces.gitrepo.ignore_lines import add_lines
from dataworkspaces.gitrepo.kept_commits import refspecs_of_kept_commits
from dataworkspaces.gitrepo.kept_trees import kept_trees
from dataworkspaces.gitrepo.run import run_git

IN_TREE = (".gitignore", ".gitattributes", "code/.gitignore", ".dataworkspace/.gitattributes")
IN_GIT = (".git/config", ".git/info/exclude", ".git/info/attributes")


@pytest.mark.parametrize("name", [*IN_TREE, *IN_GIT])
def test_git_is_not_sent_to_read_a_pipe(repository: Path, name: str) -> None:
    path = repository / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(ConfigurationError, match="is not a regular file") as error:
        run_git(repository, ["status"])
    assert str(path) in error.value.message


@pytest.mark.parametrize("name", IN_GIT)
def test_nor_a_device_or_a_directory(repository: Path, name: str) -> None:
    path = repository / name
    path.unlink(missing_ok=True)
    for make in (lambda: path.symlink_to("/dev/zero"), path.mkdir):
        make()
        with pytest.raises(ConfigurationError, match="is not a regular file"):
            run_git(repository, ["status"])
        path.unlink() if path.is_symlink() else path.rmdir()


def test_what_git_takes_no_notice_of_is_no_error(repository: Path) -> None:
    (repository / "code").mkdir()
    (repository / ".gitignore").symlink_to("/dev/zero")
    (repository / "code/.gitattributes").mkdir()
    run_git(repository, ["status"])


def test_lines_are_not_added_to_what_is_no_file_or_too_large(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(5 << 30)
    for name in ("directory", "device", "huge"):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            add_lines(tmp_path / name, ["x"])


@pytest.mark.parametrize("look", [list_experiment_refs, experiment_names, kept_trees, refspecs_of_kept_commits])
def test_references_that_cannot_be_read_are_not_said_to_be_none(
    repository: Path, look: Callable[[Path], object]
) -> None:
    assert not look(repository)
    os.mkfifo(repository / ".git/packed-refs")
    with pytest.raises(UnavailableError, match="packed-refs cannot be read"):
        look(repository)


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes"])
@pytest.mark.parametrize("place", ["a/b", "a/b/c/d"])
def test_git_does_not_wait_for_one_further_below(
    repository: Path, place: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PATIENCE", 0.1)
    (repository / place).mkdir(parents=True)
    (repository / place / "file").write_text("text\n")
    os.mkfifo(repository / place / name)
    with pytest.raises(ConfigurationError, match="is not a regular file") as error:
        run_git(repository, ["add", "--all"])
    assert f"{place}/{name}" in error.value.message
    assert not (repository / ".git/index.lock").exists()


@pytest.mark.slow
def test_a_pipe_for_which_git_does_not_wait_ends_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process, "PATIENCE", 0.05)
    (repository / "a/b").mkdir(parents=True)
    os.mkfifo(repository / "a/b/.gitignore")
    os.mkfifo(repository / "a/pipe")
    done = run_git(repository, ["-c", "alias.slow=!sleep 0.3; cat", "slow"], stdin=b"x" * 300_000)
    assert done.stdout == b"x" * 300_000
