"""Means that the tests of dws-core share."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworkspaces.testing.memory import MemoryWorkspace


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    """A workspace in memory without resources and without lineage, whose directory is ``workspace``."""
    directory = tmp_path / "workspace"
    directory.mkdir()
    return MemoryWorkspace(directory)
