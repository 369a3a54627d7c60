"""Fixtures of the tests of the command line."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode "importlib" leaves it out

from cli_helpers import Installation
from memory_workspace import MemoryWorkspace

from dataworkspaces.cli.main import dws
from dataworkspaces.lineage.file_store import FileLineageStore

Run = Callable[..., Result]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs the tests in the background leaves it ignored, for our children too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def run() -> Run:
    """Run ``dws`` in this process, without a terminal and with an empty input."""

    # click keeps stderr apart since 8.2 without being told.
    separate: dict[str, Any] = {} if "mix_stderr" not in signature(CliRunner).parameters else {"mix_stderr": False}

    def invoke(*arguments: str, input: str = "", **options: Any) -> Result:
        return CliRunner(**separate).invoke(dws, arguments, input=input, **options)

    return invoke


@pytest.fixture
def current_workspace(workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> MemoryWorkspace:
    """The workspace that commands find; it keeps lineage."""
    root = workspace.directory / "lineage"
    workspace.lineage_store = FileLineageStore(root / "current", root / "snapshots", root / "lock")

    def find(batch: bool, verbose: bool, uri_or_local_path: str | None = None) -> MemoryWorkspace:
        workspace.batch = batch
        return workspace

    monkeypatch.setattr("dataworkspaces.workspace.find_and_load_workspace", find)
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
