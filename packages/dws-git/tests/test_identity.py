"""Who commits: git is asked, and a git that cannot answer is no git that does not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError, ToolError
from dataworkspaces.gitrepo.identity import check_identity


def test_git_that_knows(repository: Path) -> None:
    check_identity(repository)


def test_git_that_does_not_know(repository: Path, home: Path) -> None:
    (home / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    with pytest.raises(ConfigurationError, match="does not know who you are"):
        check_identity(repository)


def test_git_that_is_not_there(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolError, match="'git' was not found"):
        check_identity(repository)


def test_git_that_cannot_read_its_configuration(repository: Path, home: Path) -> None:
    (home / ".gitconfig").write_text("[user\n")
    with pytest.raises(ToolError, match="bad config line 1"):
        check_identity(repository)
