"""The workspace in memory keeps the contracts, without git."""

from __future__ import annotations

from pathlib import Path

from dataworkspaces.lineage.file_store import FileLineageStore
from dataworkspaces.params import HOSTNAME
from dataworkspaces.testing import MemoryStore, MemoryWorkspace
from dataworkspaces.testing.backends import WorkspaceBackendSuite
from dataworkspaces.workspace import Workspace


def open_memory(directory: Path, store: MemoryStore | None = None) -> MemoryWorkspace:
    lineage = FileLineageStore(directory / "current", directory / "snapshots", directory / "lineage.lock")
    return MemoryWorkspace(directory, store, lineage_store=lineage)


class TestMemory(WorkspaceBackendSuite):
    faults_of_a_command = 8

    def make(self, directory: Path) -> Workspace:
        workspace = open_memory(directory)
        workspace.set_local_param(HOSTNAME, "host1")
        return workspace

    def reopen(self, workspace: Workspace) -> Workspace:
        assert isinstance(workspace, MemoryWorkspace)
        return open_memory(workspace.directory, workspace.store)
