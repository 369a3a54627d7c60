"""Means that the tests of dws-core share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode "importlib" leaves it out

from memory_workspace import MemoryWorkspace


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    """A workspace in memory without resources and without lineage, whose directory is ``workspace``."""
    directory = tmp_path / "workspace"
    directory.mkdir()
    return MemoryWorkspace(directory)
