"""The examples of ``docs/kits.md``."""

from __future__ import annotations

from typing import Any

import pytest
from doc_examples import examples

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["files", "api"])
def test_writing_a_kit(workspace: Any, kind: str) -> None:
    code = examples("kits.md", "author")
    if kind == "api":
        workspace.add_resource("api", "api-resource", "source-data")
        code = code.replace("degree=2)", "degree=2, input_resource='api')")
    exec(code, {"__name__": "__main__"})
    assert workspace.read_results()["metrics"]["max_error"] < 1e-9
    content = workspace.read_lineage()["input_resources"][0]["certificate"].get("content")
    assert (content is not None) == (kind == "api")


def test_scikit_learn(workspace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    exec(examples("kits.md", "sklearn"), {"__name__": "__main__"})
    assert "Wrote results to results:results.json\n" in capsys.readouterr().out
    names = {path.name for path in (workspace.root / "results").iterdir()}
    assert {"results.json", "svc.joblib", "confusion_matrix.png", "roc_curve.png", "cv_results.csv"} <= names
