"""What cannot be stored beside the results costs only itself: the training and its results are kept."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.datasets import make_classification
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from sklearn.utils import Bunch

from dataworkspaces.kits.scikit_learn import LineagePredictor, lineage_for, train_and_predict_with_cv
from dataworkspaces.kits.scikit_learn import extra_files as module

pytestmark = pytest.mark.slow

X, y = make_classification(n_samples=60, random_state=0)
KIND = "binary_classification"


def pipeline() -> Any:
    return make_pipeline(FunctionTransformer(lambda values: values), SVC())


def check_record(workspace: Any, name: str) -> None:
    for record in (workspace.read_results(), workspace.read_lineage()):
        assert record["parameters"]["not_stored: " + name]
    assert workspace.read_results()["metrics"]["accuracy"] > 0.5
    assert not (workspace.root / "results" / name).exists()


def test_a_wrapped_model_that_cannot_be_pickled(workspace: Any) -> None:
    wrapped = LineagePredictor(pipeline(), KIND, "data", model_save_file="model.joblib")
    with pytest.warns(UserWarning, match=r"'model\.joblib' is not stored .*[Pp]ickl"):
        wrapped.fit(X, y)
    assert (wrapped.predict(X) == pipeline().fit(X, y).predict(X)).all()
    wrapped.score(X, y)
    check_record(workspace, "model.joblib")


def test_a_model_as_it_is_that_cannot_be_pickled(workspace: Any) -> None:
    estimator = pipeline()
    with lineage_for(estimator, KIND, "data", model_save_file="model.joblib"):
        with pytest.warns(UserWarning, match="not stored"):
            estimator.fit(X, y)
        estimator.score(X, y)
    check_record(workspace, "model.joblib")


def test_a_search_whose_model_cannot_be_pickled(workspace: Any) -> None:
    dataset = Bunch(data=X, target=y, resource="data")
    with pytest.warns(UserWarning, match="not stored"):
        train_and_predict_with_cv(
            pipeline(), {"svc__C": [1, 2]}, dataset, "results", folds=2, random_state=0, model_name="m"
        )
    check_record(workspace, "m.pkl")


def test_a_picture_that_cannot_be_drawn(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(scored: Any) -> Any:
        raise ValueError("no such font")

    file = module.FILES["confusion_matrix"]
    monkeypatch.setitem(module.FILES, "confusion_matrix", file._replace(make=fail))
    wrapped = LineagePredictor(SVC(), KIND, "data", extra_files=["confusion_matrix", "roc_curve"]).fit(X, y)
    with pytest.warns(UserWarning, match="no such font"):
        wrapped.score(X, y)
    check_record(workspace, "confusion_matrix.png")
    assert (workspace.root / "results" / "roc_curve.png").exists()
