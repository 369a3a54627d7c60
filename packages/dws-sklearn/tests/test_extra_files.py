"""Pictures and tables beside ``results.json``."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kits.scikit_learn import LineagePredictor, lineage_for, train_and_predict_with_cv

pytestmark = pytest.mark.slow

X, y = make_classification(n_samples=60, n_informative=4, random_state=0)
THREE = np.arange(60) % 3
PNG = b"\x89PNG\r\n\x1a\n"


def files(workspace: Any) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (workspace.root / "results").iterdir() if p.suffix in (".png", ".csv")}


CLASSIFIERS = {
    "decision function": (SVC(), y),
    "probabilities": (DecisionTreeClassifier(), y),
    "three classes": (LogisticRegression(), THREE),
    "three classes, one against one": (SVC(decision_function_shape="ovo"), THREE),
    "labels that are text": (LogisticRegression(), np.array(["no", "yes"])[y]),
    "a search": (GridSearchCV(SVC(), {"C": [1, 2]}, cv=2), y),
}


@pytest.mark.parametrize(("classifier", "y"), CLASSIFIERS.values(), ids=CLASSIFIERS.keys())
def test_a_classifier(workspace: Any, classifier: Any, y: Any) -> None:
    wrapped = LineagePredictor(classifier, "multiclass_classification", "data", extra_files="all").fit(X, y)
    wrapped.score(X, y)
    found = files(workspace)
    expected = {"confusion_matrix.png", "roc_curve.png"}
    if isinstance(classifier, SVC) and classifier.decision_function_shape == "ovo":
        expected.remove("roc_curve.png")  # its scores are of pairs of classes
    assert expected <= set(found)
    assert all(content.startswith(PNG) and len(content) > 5000 for name, content in found.items() if "png" in name)


def test_a_regression(workspace: Any) -> None:
    X, y = make_regression(random_state=0)
    LineagePredictor(Ridge(), "regression", "data", extra_files="all").fit(X, y).score(X, y)
    assert set(files(workspace)) == {"predicted_against_actual.png"}


def test_pictures_depend_on_the_predictions_alone(workspace: Any) -> None:
    found = []
    for C in (1.0, 1.0, 1e-4):
        LineagePredictor(SVC(C=C), "binary_classification", "data", extra_files=["roc_curve"]).fit(X, y).score(X, y)
        found.append(files(workspace)["roc_curve.png"])
    assert found[0] == found[1] != found[2]


def test_the_table_of_a_search(workspace: Any) -> None:
    search = GridSearchCV(SVC(), {"C": [1e-4, 1.0, 2.0]}, cv=2)
    with lineage_for(search, extra_files="cv_results"):
        search.fit(X, y).score(X, y)
    rows = list(csv.DictReader(files(workspace)["cv_results.csv"].decode().splitlines()))
    assert sorted(float(row["param_C"]) for row in rows) == [1e-4, 1.0, 2.0]
    assert [int(row["rank_test_score"]) for row in rows] == sorted(search.cv_results_["rank_test_score"])
    assert float(rows[0]["mean_test_score"]) == search.best_score_


def test_the_workflow(digits: Any) -> None:
    from dataworkspaces.kits.scikit_learn import load_dataset_from_resource

    dataset = load_dataset_from_resource("data")
    dataset.data, dataset.target = dataset.data[:300], dataset.target[:300]
    train_and_predict_with_cv(
        SVC, {"C": [1.0]}, dataset, "results", folds=2, extra_files=["cv_results", "confusion_matrix"]
    )
    assert set(files(digits)) == {"cv_results.csv", "confusion_matrix.png"}


@pytest.mark.parametrize(
    ("predictor", "name"), [(Ridge(), "confusion_matrix"), (SVC(), "cv_results"), (SVC(), "predicted_against_actual")]
)
def test_a_file_that_there_is_not(workspace: Any, predictor: Any, name: str) -> None:
    with pytest.raises(ApiParamError, match=f"no {name} for"), lineage_for(predictor, extra_files=name):
        pass
    with pytest.raises(ApiParamError, match=f"no {name} for"):
        LineagePredictor(predictor, None, "data", extra_files=name)
    assert not (workspace.root / "results" / "results.json").exists()


def test_a_name_that_is_not_known(workspace: Any) -> None:
    with pytest.raises(ApiParamError, match="no extra file 'roc'"):
        LineagePredictor(SVC(), "regression", "data", extra_files=["roc"])


def test_without_matplotlib(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataworkspaces.kits.scikit_learn.extra_files.find_spec", lambda name: None)
    LineagePredictor(GridSearchCV(SVC(), {}), "regression", "data", extra_files="cv_results")
    with pytest.raises(ApiParamError, match="need Matplotlib"):
        LineagePredictor(SVC(), "regression", "data", extra_files="roc_curve")
