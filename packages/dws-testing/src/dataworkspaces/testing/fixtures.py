"""Fixtures that several distributions' tests share: a conftest imports those that it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworkspaces.testing.command_line import Run, let_commands_find, run_dws
from dataworkspaces.testing.memory import MemoryWorkspace

__all__ = ["current_workspace", "data", "run", "workspace"]


@pytest.fixture
def run() -> Run:
    """Run ``dws`` in this process, without a terminal and with an empty input."""
    return run_dws


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    """A workspace in memory without resources and without lineage, whose directory is ``workspace``."""
    directory = tmp_path / "workspace"
    directory.mkdir()
    return MemoryWorkspace(directory)


@pytest.fixture
def current_workspace(workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> MemoryWorkspace:
    """The workspace that commands find; it keeps lineage."""
    let_commands_find(workspace, monkeypatch)
    return workspace


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory with a file."""
    directory = tmp_path / "data"
    directory.mkdir()
    (directory / "a.csv").write_text("1\n")
    return directory
