"""The example of ``docs/kits.md`` for PyTorch."""

from __future__ import annotations

import json
from typing import Any

from doc_examples import examples


def test_torch(api_workspace: Any) -> None:
    exec(examples("kits.md", "torch"), {"__name__": "docs"})
    assert 0 <= api_workspace.read_results()["metrics"]["accuracy"] <= 1
    history = json.loads((api_workspace.root / "results" / "metrics_history.json").read_text())
    assert history["epochs"] == [1, 2, 3]
