"""Estimators of each kind that scikit-learn has predict, wrapped and recorded, what they predict bare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.utils import all_estimators

from dataworkspaces.kits.scikit_learn import LineagePredictor, lineage_for
from dataworkspaces.kits.scikit_learn import record as module

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SKIPPED = {"ClassifierChain", "MultiOutputClassifier", "MultiOutputRegressor", "RegressorChain"}
"""Those need several outputs. What needs to be given other estimators is left out too."""

SMALL = {
    "n_estimators": 3, "max_iter": 20, "random_state": 0, "cv": 2, "n_init": 1, "n_components": 2, "batch_size": 20
}  # fmt: skip

X, classes = make_classification(n_samples=40, n_features=6, random_state=0)
X = np.abs(X)  # some take counts
_, numbers = make_regression(n_samples=40, n_features=6, random_state=0)
numbers = np.abs(numbers) + 1


def estimators_of(kind: str, most: int) -> list[Any]:
    """Those that take the data, bare, with what they make of them."""
    found: list[Any] = []
    for name, cls in all_estimators(kind):
        try:
            estimator = cls()
        except TypeError:
            continue
        known = {key: value for key, value in SMALL.items() if key in estimator.get_params(deep=False)}
        estimator.set_params(**known)
        if name in SKIPPED or (kind == "transformer" and hasattr(estimator, "predict")):
            continue
        try:
            found.append((estimator, *run(clone(estimator), kind)))
        except (ValueError, TypeError, AttributeError):
            continue
        if len(found) == most:
            break
    return found


def run(estimator: Any, kind: str) -> tuple[Any, Any]:
    """What it makes of the data, and its score."""
    y = {"classifier": classes, "regressor": numbers}.get(kind)
    given = (X,) if y is None else (X, y)
    if hasattr(estimator, "predict") or hasattr(estimator, "transform"):
        estimator.fit(*given)
        made = (estimator.predict if hasattr(estimator, "predict") else estimator.transform)(X)
    else:
        made = (estimator.fit_predict if hasattr(estimator, "fit_predict") else estimator.fit_transform)(X)
    return made, estimator.score(*given) if hasattr(estimator, "score") else None


@pytest.fixture
def unrecorded(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """What bookkeeping did not manage."""
    found: list[Exception] = []
    monkeypatch.setattr(module, "warn_unrecorded", lambda what, error: found.append(error))
    monkeypatch.setattr("dataworkspaces.kit_support.spared.reason_of", lambda error: found.append(error))
    return found


@pytest.mark.parametrize(
    ("kind", "number"), [("classifier", 30), ("regressor", 30), ("cluster", 8), ("transformer", 10)]
)
def test_the_same_as_bare(workspace: Any, unrecorded: list[Exception], kind: str, number: int) -> None:
    many = estimators_of(kind, number)
    assert len(many) == number
    for estimator, expected, score in many:
        wrapped = LineagePredictor(clone(estimator), None, "data")
        made, _ = run(wrapped, kind)
        np.testing.assert_array_equal(made, expected, err_msg=f"wrapped {estimator}")
        with lineage_for(estimator):
            made, found = run(estimator, kind)
        np.testing.assert_array_equal(made, expected, err_msg=f"recorded {estimator}")
        assert (found, unrecorded) == (score, []), f"{estimator}"
        if score is not None:
            assert workspace.read_results()["metrics"], f"{estimator}"
