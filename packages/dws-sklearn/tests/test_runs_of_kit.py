"""Several models, folds and scores of one script, and what a later script finds of them."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from dataworkspaces.kits.scikit_learn import LineagePredictor, lineage_for
from dataworkspaces.lineage.runs import directory as directory_module
from dataworkspaces.lineage.runs import run as run_module
from dataworkspaces.lineage.runs.earlier import EarlierRuns

pytestmark = pytest.mark.slow

X, y = make_classification(n_samples=60, random_state=0)
KIND = "binary_classification"
ROOT = {"model.joblib", "model.joblib.json", "results.json", "run.jsonl"}


@pytest.fixture(autouse=True)
def script_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    another_script(monkeypatch)


def another_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "_own_session", "")


def names(workspace: Any) -> set[str]:
    root: Path = workspace.root / "results"
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


def parameters(workspace: Any, place: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((workspace.root / "results" / place / "results.json").read_text())["parameters"]
    return found


def wrapped(model: Any, *args: Any) -> LineagePredictor:
    return LineagePredictor(model, KIND, "data", None, *args)


def test_a_later_script_without_a_model_leaves_no_old_one(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped(SVC(), "model.joblib").fit(X, y).score(X, y)
    assert names(workspace) == ROOT
    another_script(monkeypatch)
    wrapped(SVC(C=3)).fit(X, y).score(X, y)
    assert names(workspace) == {"results.json", "run.jsonl"}
    (earlier,) = EarlierRuns(workspace).all()
    assert {p.name for p in earlier.files.iterdir()} == ROOT


def test_models_of_one_script_are_kept_by_name(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in (SVC(C=1), SVC(C=2), DecisionTreeClassifier()):
        wrapped(model, "model.joblib").fit(X, y).score(X, y)
    assert names(workspace) == ROOT | {f"runs/SVC-{n}/{name}" for n in (1, 2) for name in ROOT}
    assert [parameters(workspace, f"runs/SVC-{n}")["C"] for n in (1, 2)] == [1, 2]
    assert "C" not in parameters(workspace)
    another_script(monkeypatch)
    wrapped(SVC(C=3)).fit(X, y).score(X, y)
    assert names(workspace) == {"results.json", "run.jsonl"}
    (earlier,) = EarlierRuns(workspace).all()
    assert (earlier.files / "runs" / "SVC-2" / "model.joblib").is_file()


def test_models_that_are_all_trained_before_they_are_scored(workspace: Any) -> None:
    first, second = (wrapped(SVC(C=c), "model.joblib").fit(X, y) for c in (1, 2))
    first.score(X, y)
    second.score(X, y)
    assert names(workspace) == ROOT | {f"runs/SVC-1/{name}" for name in ROOT}
    assert (parameters(workspace, "runs/SVC-1")["C"], parameters(workspace)["C"]) == (1, 2)


def test_two_scores_of_one_model(workspace: Any) -> None:
    model = wrapped(SVC(), "model.joblib").fit(X, y)
    first = model.score(X, y)
    model.score(X[:10], y[:10])
    assert names(workspace) == ROOT | {"runs/SVC-1/results.json"}
    kept = json.loads((workspace.root / "results" / "runs" / "SVC-1" / "results.json").read_text())
    assert kept["metrics"]["accuracy"] == first
    assert "model.joblib" in workspace.read_results()["files"]


def test_an_estimator_that_is_recorded_is_scored_twice_and_fitted_twice(workspace: Any) -> None:
    with lineage_for(SVC(), KIND, model_save_file="model.joblib") as model:
        model.fit(X, y)
        model.score(X, y)
        model.score(X[:10], y[:10])
        assert names(workspace) == ROOT | {"runs/SVC-1/results.json"}
        model.fit(X, y).score(X, y)
    assert names(workspace) == ROOT | {f"runs/SVC-2/{name}" for name in ROOT} | {"runs/SVC-2/runs/SVC-1/results.json"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_folds_are_kept(workspace: Any, jobs: int) -> None:
    with joblib.parallel_config("threading", n_jobs=jobs):
        scores = cross_val_score(wrapped(SVC()), X, y, cv=4)
    results = workspace.root / "results"
    found = [json.loads(p.read_text())["metrics"]["accuracy"] for p in results.rglob("results.json")]
    assert sorted(found) == sorted(scores)


def test_a_fit_that_fails_leaves_what_was_there(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped(SVC(), "model.joblib").fit(X, y).score(X, y)
    results = workspace.root / "results"
    before = {p.name: p.read_bytes() for p in results.iterdir()}
    for _ in ("in the same script", "in another one"):
        with pytest.raises(ValueError, match="NaN"):
            wrapped(SVC()).fit(np.full_like(X, np.nan), y)
        assert {p.name: p.read_bytes() for p in results.iterdir()} == before
        another_script(monkeypatch)
    assert EarlierRuns(workspace).all() == []


def test_a_file_of_the_user_with_the_name_of_a_model_is_not_lost(workspace: Any) -> None:
    (workspace.root / "results" / "model.joblib").write_text("mine")
    wrapped(SVC(), "model.joblib").fit(X, y).score(X, y)
    (earlier,) = EarlierRuns(workspace).all()
    assert (earlier.files / "model.joblib").read_text() == "mine"


@pytest.mark.parametrize("moved", range(4))
def test_moving_aside_that_is_cut_short_goes_on(workspace: Any, monkeypatch: pytest.MonkeyPatch, moved: int) -> None:
    wrapped(SVC(), "model.joblib").fit(X, y).score(X, y)
    another_script(monkeypatch)
    move, calls = directory_module.move_tree, []

    def cut_short(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) > moved:
            raise KeyboardInterrupt
        move(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(directory_module, "move_tree", cut_short)
        with pytest.raises(KeyboardInterrupt):
            wrapped(SVC()).fit(X, y)
    another_script(monkeypatch)
    wrapped(SVC()).fit(X, y).score(X, y)
    assert names(workspace) == {"results.json", "run.jsonl"}
    (earlier,) = EarlierRuns(workspace).all()
    assert {p.name for p in earlier.files.iterdir()} == ROOT


def test_a_full_disk_does_not_end_a_training(
    workspace: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = wrapped(SVC()).fit(X, y)

    def no_space(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(directory_module.ResultsDirectory, "append", no_space)
    model.score(X, y)
    assert workspace.read_results()["metrics"]["accuracy"] > 0.5
    assert caplog.text.count("The log of the run could not be written") == 1
