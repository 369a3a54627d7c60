"""The examples of ``docs/kits.md``."""

from __future__ import annotations

from typing import Any

from doc_examples import examples


def test_keras(api_workspace: Any) -> None:
    exec(examples("kits.md", "keras"), {"__name__": "docs"})
    names = {path.name for path in (api_workspace.root / "results").iterdir()}
    assert names >= {"results.json", "metrics_history.json", "digits.keras", "digits.keras.json"}
    assert api_workspace.read_lineage()["random_seeds"]["numpy.random"] == 7
