"""What lies at many places: told as it is told of a few, at a cost that follows their number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError, DwsError
from dataworkspaces.gitrepo import contents, plumbing
from dataworkspaces.gitrepo.contents import present_objects, version_objects

Git = Callable[..., str]
PATHS = ["", "a", "a/one", "a/new", "a/deep/file", "b", "b/two", "gone", "gone/too", "top", "ignored", "a/ignored"]


@pytest.fixture
def changed(repository: Path) -> Path:
    """With files that are new, changed, gone and ignored."""
    (repository / ".gitignore").write_text("ignored\n")
    for name in ("a/one", "a/new", "ignored", "a/ignored"):
        (repository / name).write_text(f"{name}\n")
    (repository / "a/deep").mkdir()
    (repository / "a/deep/file").write_text("deep\n")
    (repository / "b/two").unlink()
    return repository


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three are many."""
    monkeypatch.setattr(contents, "_MANY", 2)
    monkeypatch.setattr(plumbing, "_FEW", 2)


def test_present(changed: Path, request: pytest.FixtureRequest) -> None:
    expected = [present_objects(changed, [path], [path]).names[0] for path in PATHS[1:]]
    request.getfixturevalue("few")
    assert present_objects(changed, PATHS[1:], PATHS[1:]).names == expected


def test_in_a_version(changed: Path, git: Git, request: pytest.FixtureRequest) -> None:
    git(changed, "add", "-A")
    git(changed, "commit", "-q", "-m", "all")
    expected = version_objects(changed, "HEAD", PATHS)
    assert expected[2] is not None
    assert None in expected
    request.getfixturevalue("few")
    assert version_objects(changed, "HEAD", PATHS) == expected
    assert version_objects(changed, "0" * 40, PATHS) == [None] * len(PATHS)


@pytest.mark.usefixtures("few")
def test_what_lies_beside_them_spoils_nothing(changed: Path, git: Git) -> None:
    git(changed, "init", "-q", "a/deep/nested")  # without a commit or a file: git refuses to add it
    places = ["a/one", "a/new", "a/deep/file"]
    assert None not in present_objects(changed, places, places).names


@pytest.mark.usefixtures("few")
def test_tree_that_is_kept_holds_just_the_places(changed: Path, git: Git) -> None:
    places = ["a/one", "b", "top"]
    tree = present_objects(changed, places, places, keep=True).tree
    assert "a/new" not in git(changed, "ls-tree", "-r", "--name-only", str(tree)).split()


def test_what_cannot_be_read_hides_nothing_of_the_others(changed: Path, git: Git) -> None:
    git(changed, "init", "-q", "a/deep/nested")  # without a commit or a file: git refuses to add it
    places = ["a/one", "a", "b", "a/deep", "top"]
    with pytest.raises(ConfigurationError, match="nested"):
        present_objects(changed, places, places)
    unreadable: dict[str, DwsError] = {}
    found = present_objects(changed, places, places, unreadable=unreadable)
    assert {*unreadable} == {"a", "a/deep"}
    assert [name is None for name in found.names] == [False, True, False, True, False]
    assert found.commit is None
    assert found.names[0] == present_objects(changed, ["a/one"], ["a/one"]).names[0]
    with pytest.raises(ConfigurationError, match="nested"):
        present_objects(changed, ["a", "a/deep"], ["a", "a/deep"], unreadable={})
