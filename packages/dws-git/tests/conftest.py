"""Real git in temporary directories, with an identity and a home of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.backends.git.workspace import GitWorkspace
from dataworkspaces.workspace import init_workspace

Git = Callable[..., str]

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode "importlib" leaves it out


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory in which git knows who commits, and nothing else."""
    directory = tmp_path_factory.mktemp("home")
    (directory / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
        '[protocol "file"]\n\tallow = always\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("HOME", str(directory))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("XDG_CONFIG_HOME", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    return directory


@pytest.fixture
def git() -> Git:
    """``git(directory, *arguments)`` returns what git printed."""

    def run(directory: Path, *arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=directory, check=True, capture_output=True, text=True
        ).stdout.strip()

    return run


@pytest.fixture
def repository(tmp_path: Path, git: Git) -> Path:
    """A repository with one commit: ``a/one``, ``b/two`` and ``top``."""
    root = tmp_path / "repository"
    for name in ("a/one", "b/two", "top"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{name}\n", encoding="utf-8")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    return root


@pytest.fixture
def workspace(tmp_path: Path) -> GitWorkspace:
    """A new one, in ``ws``."""
    root = tmp_path / "ws"
    root.mkdir()
    made = init_workspace("git", "ws", "host1", True, False, "scratch", directory=str(root))
    assert isinstance(made, GitWorkspace)
    return made
