"""What autolog records of XGBoost and LightGBM, where they are installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV

from dataworkspaces.kit_support.autolog import Session
from dataworkspaces.kit_support.data_hash import hash_of_inputs
from dataworkspaces.kits import autolog
from dataworkspaces.lineage.live import live_runs

pytestmark = pytest.mark.slow

X, y = make_classification(n_samples=120, n_features=4, random_state=0)


@pytest.fixture
def session(workspace: Any) -> Iterator[Session]:
    yield autolog(input_resource="data", pictures=False)
    autolog(disable=True)


def details(workspace: Any) -> Any:
    return json.loads((workspace.root / "results" / "autolog.json").read_text())


def test_xgboost(workspace: Any, session: Session) -> None:
    xgboost = pytest.importorskip("xgboost")
    dtrain, dtest = xgboost.DMatrix(X[:80], y[:80]), xgboost.DMatrix(X[80:], y[80:])
    rounds: dict[str, Any] = {}
    booster = xgboost.train(
        {"max_depth": 2, "objective": "binary:logistic"}, dtrain, num_boost_round=6, evals=[(dtest, "test")],
        evals_result=rounds, verbose_eval=False,
    )  # fmt: skip
    (live,) = live_runs(workspace)
    assert [epoch.metrics["test-logloss"] for epoch in live.epochs] == rounds["test"]["logloss"]
    assert (live.parameters["max_depth"], live.parameters["boosted_rounds"]) == (2, 6)
    assert session.record_of(booster) is not None
    found = details(workspace)
    assert set(found["feature_importances"]) == {"weight", "gain", "cover"}
    assert (found["data"]["fit"]["X"], found["data"]["fit"]["samples"]) == ("dtrain", 80)
    assert (workspace.root / "results" / "model.ubj").exists()
    xgboost.XGBClassifier(n_estimators=4).fit(X, y, eval_set=[(X, y)], verbose=False)
    latest = live_runs(workspace)[0]
    assert (len(latest.epochs), latest.parameters["estimator_name"]) == (4, "XGBClassifier")
    GridSearchCV(xgboost.XGBClassifier(n_estimators=2), {"max_depth": [1, 2]}, cv=2).fit(X, y)
    assert (len(live_runs(workspace)), live_runs(workspace)[0].epochs) == (3, ())


def test_xgboost_tells_what_it_validated_with_and_where_it_stopped(workspace: Any, session: Session) -> None:
    xgboost = pytest.importorskip("xgboost")
    dtrain, dtest = xgboost.DMatrix(X[:80], y[:80]), xgboost.DMatrix(X[80:], y[80:])
    rounds: dict[str, Any] = {}
    callback = xgboost.callback.EarlyStopping(rounds=2, save_best=False, min_delta=0.05)
    booster = xgboost.train(
        {"max_depth": 2, "objective": "binary:logistic"}, dtrain, num_boost_round=50,
        evals=[(dtrain, "fitted"), (dtest, "test")], callbacks=[callback], evals_result=rounds, verbose_eval=False,
    )  # fmt: skip
    results = workspace.read_results()
    parameters, metrics = results["parameters"], results["metrics"]
    assert (parameters["maximize"], parameters["custom_metric"]) == (None, None)  # as they are by themselves
    assert parameters["callbacks"] == [
        {"class": "EarlyStopping", "rounds": 2, "metric_name": None, "maximize": None, "save_best": False}
        | {name: value for name, value in parameters["callbacks"][0].items() if name in ("min_delta", "data_name")}
    ]
    trained = len(rounds["test"]["logloss"])
    assert len(live_runs(workspace)[0].epochs) == trained < 50  # the last one too, after which it stopped
    assert (parameters["best_iteration"], parameters["stopped_iteration"]) == (booster.best_iteration, trained - 1)
    assert metrics["best_fitted-logloss"] == rounds["fitted"]["logloss"][booster.best_iteration]
    data = details(workspace)["data"]
    assert [(each["name"], each["samples"]) for each in data["validation"]] == [("fitted", 80), ("test", 40)]
    assert data["validation"][0]["hash"] == data["fit"]["hash"] != data["validation"][1]["hash"]


def test_lightgbm(workspace: Any, session: Session) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    train_set = lightgbm.Dataset(X[:80], y[:80])
    valid = lightgbm.Dataset(X[80:], y[80:], reference=train_set)
    rounds: dict[str, Any] = {}
    lightgbm.train(
        {"objective": "binary", "num_leaves": 3, "verbose": -1}, train_set, num_boost_round=6, valid_sets=[valid],
        callbacks=[lightgbm.record_evaluation(rounds)],
    )  # fmt: skip
    (live,) = live_runs(workspace)
    assert [epoch.metrics["valid_0-binary_logloss"] for epoch in live.epochs] == rounds["valid_0"]["binary_logloss"]
    assert (live.parameters["num_leaves"], live.parameters["boosted_rounds"]) == (3, 6)
    found = details(workspace)
    assert set(found["feature_importances"]) == {"split", "gain"}
    assert (workspace.root / "results" / "model.txt").exists()
    assert found["data"]["validation"] == [{"name": "valid_0", "samples": 40, "hash": hash_of_inputs(X[80:], y[80:])}]
    assert live.parameters["keep_training_booster"] is False
    lightgbm.LGBMClassifier(n_estimators=4, verbose=-1).fit(X, y, eval_set=[(X, y)])
    latest = live_runs(workspace)[0]
    assert (len(latest.epochs), latest.parameters["estimator_name"]) == (4, "LGBMClassifier")
    assert latest.parameters["fit_init_score"] is None
    validation = details(workspace)["data"]["validation"]
    assert validation == [{"X": "X", "y": "y", "samples": 120, "hash": hash_of_inputs(X, y)}]
