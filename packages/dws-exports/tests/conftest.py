"""The graph that the tests of exports share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # pytest's import mode "importlib" leaves it out

from export_graphs import example_graph

from dataworkspaces.lineage.graph import LineageGraph


@pytest.fixture
def graph() -> LineageGraph:
    return example_graph()
