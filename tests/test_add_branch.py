"""`dws add git --branch B`: as release 1.6, it switches a clean repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from endtoend import HOST, User, write_files
from forked import Forked


@pytest.fixture
def here(user: User) -> Forked:
    root = user.cwd / "ws"
    root.mkdir()
    found = Forked(root, user.env)
    found.batch("init", "--hostname", HOST)
    found.make_repository(root / "repo", {"a": "a\n"})
    repo = found.at(root / "repo")
    repo.git("branch", "feature")
    repo.git("branch", "theirs")
    repo.git("push", "-q", "origin", "theirs")
    repo.git("fetch", "-q", "origin")
    repo.git("branch", "-q", "-D", "theirs")
    return found


def add(here: User, branch: str, *options: str, check: bool = True) -> str:
    done = here.batch("add", "git", "--role", "source-data", "--branch", branch, *options, "repo", check=check)
    return done.stdout + done.stderr


def branch_of(root: Path, user: User) -> str:
    return user.at(root / "repo").git("branch", "--show-current").strip()


@pytest.mark.parametrize("branch", ["feature", "theirs", "main"])
def test_a_clean_repository_is_switched(here: Forked, branch: str) -> None:
    said = add(here, branch)
    assert branch_of(here.cwd, here) == branch
    assert ("Switched" in said) is (branch != "main")
    (resource,) = [r for r in here.json("status")["resources"] if r["name"] == "repo"]
    assert resource["parameters"]["branch"] == branch
    here.batch("snapshot", "A")


@pytest.mark.parametrize("branch", ["nosuch", "HEAD", "-x", "origin/theirs"])
def test_a_branch_that_is_not_there_is_named(here: Forked, branch: str) -> None:
    done = here.batch("add", "git", "--role", "s", f"--branch={branch}", "repo", check=False)
    assert done.returncode == 4
    assert f"repo has no branch '{branch}'. Its branches: feature, main" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert branch_of(here.cwd, here) == "main"


@pytest.mark.parametrize("name", ["a", "new"])
def test_a_repository_with_changes_is_left_as_it_is(here: Forked, name: str) -> None:
    write_files(here.cwd / "repo", {name: "changed\n"})
    said = add(here, "feature", check=False)
    assert "is on branch main, and has uncommitted changes, so it is not switched to feature: " in said
    assert len(said.splitlines()) == 1
    assert branch_of(here.cwd, here) == "main"
    assert (here.cwd / "repo" / name).read_text() == "changed\n"
    assert "repo" not in {r["name"] for r in here.json("status")["resources"]}


def test_the_branch_that_it_is_on_asks_for_no_clean_repository(here: Forked) -> None:
    write_files(here.cwd / "repo", {"a": "changed\n"})
    add(here, "main")
