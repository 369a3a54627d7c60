"""The examples of ``docs/kits.md``."""

from __future__ import annotations

from typing import Any

import pytest
from doc_examples import examples

pytestmark = pytest.mark.graphs


def test_keras(api_workspace: Any) -> None:
    exec(examples("kits.md", "keras"), {"__name__": "docs"})
    results = api_workspace.root / "results"
    both = {"results.json", "metrics_history.json"}
    assert {path.name for path in results.iterdir()} == both | {"run.jsonl", "runs"}
    first = {path.name for path in (results / "runs" / "Sequential-1").iterdir()}  # the page trains two models
    assert first == both | {"run.jsonl", "digits.keras", "digits.keras.json"}
    assert api_workspace.read_lineage()["random_seeds"]["numpy.random"] == 7
