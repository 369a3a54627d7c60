"""Making workspaces."""

from __future__ import annotations

from pathlib import Path

import pytest
from endtoend import FAILED, HOST, User, whole_state, write_files

ROLES = ["source-data", "intermediate-data", "code", "results"]


def init(user: User, *arguments: str | Path) -> str:
    return user.batch("init", "--hostname", HOST, *arguments).stdout


def names_and_places(user: User) -> dict[str, str]:
    resources = user.json("report", "status")["resources"]
    return {resource["name"]: resource["parameters"]["relative_path"] for resource in resources}


def test_the_name_is_that_of_the_directory(user: User) -> None:
    init(user)
    assert user.json("report", "status")["workspace"] == "work"


def test_or_the_one_that_is_given(user: User) -> None:
    init(user, "digits")
    assert user.json("report", "status")["workspace"] == "digits"


@pytest.mark.parametrize(
    ("given", "roles"), [("all", ROLES), ("results,code", ["results", "code"]), ("C,Results", ["code", "results"])]
)
def test_a_resource_for_each_role(user: User, given: str, roles: list[str]) -> None:
    init(user, "--create-resources", given)
    assert names_and_places(user) == {role: role for role in roles}
    assert all((user.cwd / role / "README.txt").is_file() for role in roles)


def test_all_is_committed(user: User) -> None:
    init(user, "--create-resources", "all")
    assert user.git("status", "--porcelain") == ""


def test_scratch_is_ignored_by_git(user: User) -> None:
    init(user)
    write_files(user.cwd, {"scratch/big": "x"})
    assert user.git("status", "--porcelain") == ""


@pytest.mark.parametrize("form", ["tmp/here", "./tmp/here", "{}/tmp/here"])
def test_scratch_can_be_elsewhere_in_the_workspace(user: User, form: str) -> None:
    init(user, "--scratch-directory", form.format(user.cwd))
    assert user.json("config", "scratch_directory")["value"] == "tmp/here"
    assert (user.cwd / "tmp" / "here").is_dir()


def test_scratch_can_be_outside(user: User, tmp_path: Path) -> None:
    init(user, "--scratch-directory", tmp_path / "scratch")
    assert user.json("config", "local_scratch_directory")["value"] == str(tmp_path / "scratch")
    assert (tmp_path / "scratch").is_dir()


@pytest.fixture
def repository(user: User) -> User:
    """The current directory is a repository with a commit, a staged file and a file that git does not know."""
    user.git("init", "-q")
    write_files(user.cwd, {"code/old.py": "old", "staged": "s", "untracked": "u", ".gitignore": "*.pyc\n"})
    user.git("add", "code", ".gitignore")
    user.git("commit", "-q", "-m", "mine")
    user.git("add", "staged")
    return user


def test_a_repository_is_added_to(repository: User) -> None:
    init(repository, "--create-resources", "code,results")
    assert repository.git("log", "--format=%s").splitlines()[-1] == "mine"
    assert (repository.cwd / ".gitignore").read_text().startswith("*.pyc\n/scratch\n")
    assert not (repository.cwd / "code" / "README.txt").exists()


def test_other_changes_in_a_repository_are_left_alone(repository: User) -> None:
    init(repository, "--create-resources", "code,results")
    assert repository.git("status", "--porcelain").splitlines() == ["A  staged", "?? untracked"]


def test_a_second_time_changes_nothing(user: User) -> None:
    init(user, "--create-resources", "code")
    before = whole_state(user.cwd)
    done = user.batch("init", "--create-resources", "results", check=False)
    assert done.returncode in FAILED
    assert "is already a workspace" in done.stderr
    assert whole_state(user.cwd) == before


@pytest.mark.parametrize("ignored", ["code", "/code/", "*.txt"])
def test_a_resource_that_cannot_be_made_leaves_a_whole_workspace(user: User, ignored: str) -> None:
    user.git("init", "-q")
    write_files(user.cwd, {"results/x": "", "results/README.txt": "", ".gitignore": f"{ignored}\n!/results/*\n"})
    done = user.batch("init", "--hostname", HOST, "--create-resources", "results,code,source-data", check=False)
    assert done.returncode in FAILED
    assert "git ignores code" in done.stderr
    assert f"Change the line .gitignore:1: {ignored}" in done.stderr
    assert "Then add what is missing: dws add git --role=code" in done.stderr
    assert "; dws add git --role=source-data" in done.stderr
    assert names_and_places(user) == {"results": "results"}
    assert ".dataworkspace" not in user.git("status", "--porcelain")
    assert not (user.cwd / "code").exists()
