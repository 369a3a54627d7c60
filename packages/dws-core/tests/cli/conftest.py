"""Fixtures of the tests of the command line."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode "importlib" leaves it out

from cli_helpers import Installation

from dataworkspaces.testing.fixtures import current_workspace, data, run

__all__ = ["current_workspace", "data", "run"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs the tests in the background leaves it ignored, for our children too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A place for distributions, with the backend that opens stored workspaces."""
    place = Installation(tmp_path / "site")
    place.add("dws-stored", {"dataworkspaces.backends": {"stored": "cli_helpers:StoredWorkspaceFactory"}})
    return place
