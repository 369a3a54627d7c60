"""Fixtures of the tests of the command line."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode "importlib" leaves it out

from cli_helpers import Installation

from dataworkspaces.testing.command_line import Run, let_commands_find, run_dws
from dataworkspaces.testing.memory import MemoryWorkspace

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs the tests in the background leaves it ignored, for our children too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def run() -> Run:
    """Run ``dws`` in this process, without a terminal and with an empty input."""
    return run_dws


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


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A place for distributions, with the backend that opens stored workspaces."""
    place = Installation(tmp_path / "site")
    place.add("dws-stored", {"dataworkspaces.backends": {"stored": "cli_helpers:StoredWorkspaceFactory"}})
    return place
