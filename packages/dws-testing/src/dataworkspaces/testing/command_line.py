"""``dws`` in this process: for tests of commands, ours and those of plug-ins."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dataworkspaces.cli.main import dws
from dataworkspaces.lineage.file_store import FileLineageStore
from dataworkspaces.testing.memory import MemoryWorkspace

Run = Callable[..., Result]


def run_dws(*arguments: str, input: str = "", **options: Any) -> Result:
    """Run ``dws`` without a terminal and with an empty input."""
    # click keeps stderr apart since 8.2 without being told.
    separate: dict[str, Any] = {} if "mix_stderr" not in signature(CliRunner).parameters else {"mix_stderr": False}
    return CliRunner(**separate).invoke(dws, arguments, input=input, **options)


def let_commands_find(workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands find this workspace from now on; it keeps lineage."""
    root = workspace.directory / "lineage"
    workspace.lineage_store = FileLineageStore(root / "current", root / "snapshots", root / "lock")

    def find(batch: bool, verbose: bool, uri_or_local_path: str | None = None) -> MemoryWorkspace:
        workspace.batch = batch
        return workspace

    monkeypatch.setattr("dataworkspaces.workspace.find_and_load_workspace", find)
