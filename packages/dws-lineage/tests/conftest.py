"""What the tests of lineage share: a store in files, and a workspace of a small pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.lineage import FileLineageStore
from dataworkspaces.testing.fixtures import workspace
from dataworkspaces.testing.memory import MemoryWorkspace

__all__ = ["current", "project", "release_1_6", "store", "workspace"]

RELEASE_1_6 = Path(__file__).parent / "release-1.6"
"""Files that release 1.6.0 wrote. ``digits``: the lineage of the snapshot FULL of the workspace in
``tests/fixtures``, and the ``lineage.json`` of its results. ``placeholders``: current lineage after a step `split`
wrote `x` and `y`, and then a step `again` wrote `x`. ``imported``: a snapshot of a workspace that imported the
resource `shared`, which brought ``exported-lineage.json``."""


@pytest.fixture
def release_1_6() -> Path:
    return RELEASE_1_6


@pytest.fixture
def store(tmp_path: Path) -> FileLineageStore:
    return FileLineageStore(tmp_path / "current", tmp_path / "snapshots", tmp_path / "machine" / "lineage.lock")


@pytest.fixture
def project(workspace: MemoryWorkspace, store: FileLineageStore, monkeypatch: pytest.MonkeyPatch) -> MemoryWorkspace:
    """A workspace with a resource of each role, named source, code, middle and results; it is the current
    directory. The source holds ``a.csv``."""
    workspace.lineage_store = store
    roles = {"source": "source-data", "code": "code", "middle": "intermediate-data", "results": "results"}
    for name, role in roles.items():
        (workspace.directory / name).mkdir()
        workspace.add_resource(name, "file", role, path=str(workspace.directory / name))
    (workspace.directory / "source" / "a.csv").write_text("1\n")
    monkeypatch.chdir(workspace.directory)
    return workspace


@pytest.fixture
def current(tmp_path: Path) -> Any:
    """The file of a resource in current lineage, as a function of its name."""
    return lambda name: json.loads((tmp_path / "current" / f"{name}.json").read_text())
