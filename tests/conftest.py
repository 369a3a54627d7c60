"""Fixtures of the end-to-end tests: a user with a home of their own, workspaces, and the digits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from endtoend import HOST, User, copy_workspace, isolated_environment, know_environment, write_files
from file_resources import file_resources  # noqa: F401
from forked import Forked
from rclone_server import remote  # noqa: F401
from s3_server import s3_server  # noqa: F401 - fixtures
from servers import http_server, ssh_server  # noqa: F401
from stage import Stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def user(tmp_path: Path, request: pytest.FixtureRequest) -> User:
    """A user in an empty directory, whose calls of `dws` are forks unless the test is marked `real_starts`."""
    directory = tmp_path / "work"
    directory.mkdir()
    kind = User if request.node.get_closest_marker("real_starts") else Forked
    return kind(directory, isolated_environment(tmp_path / "home"))


@pytest.fixture(scope="session")
def fresh_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `workspace` is a copy of: making one takes ten times as long as copying it."""
    directory = tmp_path_factory.mktemp("fresh")
    root = directory / "ws"
    root.mkdir()
    maker = Forked(root, isolated_environment(directory / "home"))
    maker.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    know_environment(maker)
    return root


@pytest.fixture
def workspace(user: User, fresh_workspace: Path) -> User:
    """A user at the root of a workspace `ws` with the resources `code` and `results`, and nothing snapshotted."""
    here = user.at(copy_workspace(fresh_workspace, user.cwd / "ws"))
    write_files(here.cwd, {"code/run.py": "print(1)\n"})
    return here


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Where tests of a module that begin alike find what they begin with."""
    return Stage(tmp_path_factory.mktemp("stage"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium. What drives it is imported by the tests that need it."""
    from playwright.sync_api import sync_playwright
    from web_pages import ARGUMENTS, CHROMIUM

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def digits_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits that scikit-learn ships, as the repository of the manual holds them: a bare git repository."""
    import numpy
    from sklearn.datasets import load_digits

    data = load_digits()
    directory = tmp_path_factory.mktemp("digits")
    source = directory / "digits"
    source.mkdir()
    numpy.savetxt(source / "data.csv", data.data, fmt="%d", delimiter=",")
    numpy.savetxt(source / "target.csv", data.target, fmt="%d")
    (source / "DESCR.rst").write_text(data.DESCR, encoding="utf-8")
    maker = User(source, isolated_environment(directory / "home"))
    maker.git("init", "--quiet", "--initial-branch=master")
    maker.git("add", "--all")
    maker.git("commit", "--quiet", "--message", "digits")
    bare = directory / "sklearn-digits-dataset.git"
    maker.git("clone", "--quiet", "--bare", ".", bare)
    return bare


@pytest.fixture
def digits(digits_source: Path, user: User) -> Path:
    """A copy of the digits' repository: what a user clones as `sklearn-digits-dataset`."""
    copy = user.cwd / digits_source.name
    user.git("clone", "--quiet", "--bare", digits_source, copy)
    return copy
