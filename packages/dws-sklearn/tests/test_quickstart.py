"""The code of the manual's Quick Start and Tutorial, on the digits data."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.svm import SVC

from dataworkspaces.kits.scikit_learn import LineagePredictor, load_dataset_from_resource

pytestmark = pytest.mark.slow

# The parameters that the manual shows, in its order. ``probability`` is on its way out of scikit-learn.
SVC_PARAMETERS = {
    "C": 1.0,
    "cache_size": 200,
    "class_weight": None,
    "coef0": 0.0,
    "decision_function_shape": "ovr",
    "degree": 3,
    "gamma": 0.001,
    "kernel": "rbf",
    "max_iter": -1,
    "random_state": None,
    "shrinking": True,
    "tol": 0.001,
    "verbose": False,
}


@pytest.fixture
def quickstart(digits: Any, script: Path) -> tuple[float, LineagePredictor]:
    """The score and the classifier of the Quick Start."""
    dataset = load_dataset_from_resource("data")
    classifier = LineagePredictor(
        SVC(gamma=0.001),
        "multiclass_classification",
        input_resource=dataset.resource,
        model_save_file="digits.joblib",
    )
    X_train, X_test, y_train, y_test = train_test_split(dataset.data, dataset.target, test_size=0.5, shuffle=False)
    classifier.fit(X_train, y_train)
    return classifier.score(X_test, y_test), classifier


def test_score(quickstart: tuple[float, LineagePredictor]) -> None:
    assert quickstart[0] == 0.9688542825361512


def test_results(quickstart: tuple[float, LineagePredictor], digits: Any) -> None:
    results = digits.read_results()
    assert list(results) == [
        "step",
        "start_time",
        "execution_time_seconds",
        "parameters",
        "run_description",
        "metrics",
        "run_id",
        "files",
    ]
    assert (results["step"], results["run_description"]) == ("digits-svc", None)


def test_parameters(quickstart: tuple[float, LineagePredictor], digits: Any) -> None:
    parameters = digits.read_results()["parameters"]
    assert list(parameters) == sorted(parameters)
    assert {name: parameters[name] for name in SVC_PARAMETERS} == SVC_PARAMETERS


def test_metrics(quickstart: tuple[float, LineagePredictor], digits: Any) -> None:
    metrics = digits.read_results()["metrics"]
    assert list(metrics) == ["accuracy", "classification_report"]
    assert metrics["accuracy"] == 0.9688542825361512
    report = metrics["classification_report"]
    assert list(report) == [*(f"{i}.0" for i in range(10)), "micro avg", "macro avg", "weighted avg"]
    assert report["3.0"] == pytest.approx(
        {"precision": 0.9753086419753086, "recall": 0.8681318681318682, "f1-score": 0.9186046511627908, "support": 91}
    )
    assert report["micro avg"]["support"] == 899


def test_lineage(quickstart: tuple[float, LineagePredictor], digits: Any, script: Path) -> None:
    step = digits.read_lineage()
    assert (step["type"], step["step_name"]) == ("step", "digits-svc")
    refs = {
        kind: [(cert["resource_name"], cert["subpath"]) for cert in step[f"{kind}_resources"]]
        for kind in ("input", "code", "output")
    }
    assert refs == {"input": [("data", None)], "code": [("code", None)], "output": [("results", None)]}
    assert step["command_line"][1:] == [str(script)]


def test_the_saved_model_predicts_without_a_workspace(
    quickstart: tuple[float, LineagePredictor], digits: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = joblib.load(digits.root / "results" / "digits.joblib")
    data = np.loadtxt(digits.root / "data" / "data.csv", delimiter=",")
    assert isinstance(model, SVC)
    np.testing.assert_array_equal(model.predict(data[:50]), quickstart[1].predict(data[:50]))


def test_logistic_regression_of_the_tutorial(digits: Any) -> None:
    """As it is there, but for ``multi_class``, which scikit-learn no longer has."""
    dataset = load_dataset_from_resource("data")
    X_train, X_test, y_train, y_test = train_test_split(dataset.data, dataset.target, test_size=0.5, shuffle=False)
    gs_params = {"C": [1e-3, 1e-2, 1e-1, 1, 1e2], "solver": ["lbfgs"]}
    cv = GridSearchCV(LogisticRegression(), gs_params, cv=5, scoring="accuracy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        cv.fit(X_train, y_train)
        classifier = LineagePredictor(
            LogisticRegression(**cv.best_params_),
            "multiclass_classification",
            input_resource=dataset.resource,
            model_save_file="digits.joblib",
        )
        classifier.fit(X_train, y_train)
    assert round(classifier.score(X_test, y_test), 2) == 0.94
