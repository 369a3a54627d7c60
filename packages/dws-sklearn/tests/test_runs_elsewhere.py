"""Runs whose results lie in a resource that has no local files, as a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.svm import SVC

from dataworkspaces.kits.scikit_learn import LineagePredictor
from dataworkspaces.lineage.runs import run as run_module
from dataworkspaces.lineage.runs.directory import ResultsDirectory
from dataworkspaces.lineage.runs.earlier import EarlierRuns
from dataworkspaces.workspace import ResourceRef, Workspace

X, y = make_classification(n_samples=60, random_state=0)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run does with its files goes through the methods that every resource with files has."""
    make = ResultsDirectory.__init__

    def without_root(self: ResultsDirectory, workspace: Workspace, ref: ResourceRef) -> None:
        make(self, workspace, ref)
        self._root = None

    monkeypatch.setattr(ResultsDirectory, "__init__", without_root)
    monkeypatch.setattr(run_module, "_own_session", "")


def names(workspace: Any) -> set[str]:
    root: Path = workspace.root / "results"
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_earlier_runs_move_and_come_back(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for c in (1, 2):
        LineagePredictor(SVC(C=c), "binary_classification", "data", None, "model.joblib").fit(X, y).score(X, y)
    root = {"model.joblib", "model.joblib.json", "results.json", "run.jsonl"}
    everything = root | {f"runs/SVC-1/{name}" for name in root}
    assert names(workspace) == everything
    monkeypatch.setattr(run_module, "_own_session", "")
    with pytest.raises(ValueError, match="NaN"):
        LineagePredictor(SVC(), "binary_classification", "data").fit(np.full_like(X, np.nan), y)
    assert names(workspace) == everything
    LineagePredictor(SVC(), "binary_classification", "data").fit(X, y).score(X, y)
    assert names(workspace) == {"results.json", "run.jsonl"}
    (earlier,) = EarlierRuns(workspace).all()
    assert {p.relative_to(earlier.files).as_posix() for p in earlier.files.rglob("*") if p.is_file()} == everything
