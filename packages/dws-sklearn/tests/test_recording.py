"""``lineage_for``: an estimator is recorded without a wrapper."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from dataworkspaces.errors import ApiParamError, ConfigurationError
from dataworkspaces.kit_support.data_hash import hash_of_inputs
from dataworkspaces.kits.scikit_learn import LineagePredictor, lineage_for

pytestmark = pytest.mark.slow

X, y = make_classification(n_samples=60, random_state=0)


def without_times(results: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in results.items() if "time" not in name and name != "run_id"}


def test_it_records_what_the_wrapper_records(workspace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    wrapped = LineagePredictor(SVC(C=2.0), "binary_classification", "data")
    score = wrapped.fit(X, y).score(X, y)
    expected = without_times(workspace.read_results())
    classifier = SVC(C=2.0)
    with lineage_for(classifier) as same:
        assert same is classifier.fit(X, y)
        assert classifier.score(X, y) == score
    assert without_times(workspace.read_results()) == expected
    assert capsys.readouterr().out == "Wrote results to results:results.json\n" * 2


@pytest.mark.parametrize(
    ("estimator", "data", "metric"),
    [
        (LogisticRegression(), (X, y), "roc_auc_score"),
        (LogisticRegression(), (X, np.arange(60) % 3), "classification_report"),
        (Ridge(), make_regression(random_state=0), "r2_score"),
        (make_pipeline(StandardScaler(), SVC()), (X, y), "roc_auc_score"),
        (GridSearchCV(SVC(), {"C": [1, 2]}, cv=2), (X, y), "roc_auc_score"),
    ],
    ids=["two classes", "three classes", "regression", "pipeline", "search"],
)
def test_metrics_are_those_for_what_it_is(workspace: Any, estimator: Any, data: Any, metric: str) -> None:
    with lineage_for(estimator):
        estimator.fit(*data)
        estimator.score(*data)
    assert metric in workspace.read_results()["metrics"]


def test_after_the_block_nothing_is_recorded(workspace: Any) -> None:
    classifier = SVC()
    with pytest.raises(ZeroDivisionError), lineage_for(classifier):
        raise ZeroDivisionError
    assert type(classifier) is SVC
    assert classifier.fit(X, y).score(X, y) > 0
    assert not (workspace.root / "results" / "results.json").exists()


def test_clones_and_folds_are_not_recorded(workspace: Any) -> None:
    classifier = SVC()
    with lineage_for(classifier):
        assert type(clone(classifier)) is SVC
        cross_val_score(classifier, X, y, cv=2)
    assert not (workspace.root / "results" / "results.json").exists()


@pytest.mark.parametrize("copy_of", [lambda c: pickle.loads(pickle.dumps(c)), copy.deepcopy, copy.copy])
def test_copies_are_of_the_class_itself(workspace: Any, copy_of: Any) -> None:
    classifier = SVC()
    with lineage_for(classifier):
        copied = copy_of(classifier.fit(X, y))
        assert isinstance(classifier, SVC)
    assert type(copied) is SVC
    np.testing.assert_array_equal(copied.predict(X), classifier.predict(X))


def test_the_model_is_saved(workspace: Any) -> None:
    classifier = SVC()
    with lineage_for(classifier, model_save_file="svc.joblib"):
        classifier.fit(X, y)
    assert type(joblib.load(workspace.root / "results" / "svc.joblib")) is SVC


def test_the_hash_of_data_from_an_api(workspace: Any) -> None:
    api = workspace.add_resource("api", "api-resource", "source-data")
    classifier = SVC()
    with lineage_for(classifier, input_resource="api"):
        classifier.fit(X, y)
        classifier.score(X[:9], y[:9])
    assert api.get_input_hash() == hash_of_inputs({"fit": hash_of_inputs(X, y), "score": hash_of_inputs(X[:9], y[:9])})


def test_weights_reach_score(workspace: Any) -> None:
    classifier, weight = SVC(), np.linspace(0, 1, 60)
    with lineage_for(classifier):
        found = classifier.fit(X, y).score(X, y, sample_weight=weight)
    assert found == classifier.score(X, y, sample_weight=weight) == workspace.read_results()["metrics"]["accuracy"]


@pytest.mark.parametrize("given", [SVC, 3, "SVC"])
def test_what_is_no_estimator(workspace: Any, given: Any) -> None:
    with pytest.raises(ApiParamError, match="not an estimator"), lineage_for(given):
        pass


def test_twice_at_once(workspace: Any) -> None:
    classifier = SVC()
    with lineage_for(classifier), pytest.raises(ApiParamError, match="already"), lineage_for(classifier):
        pass


def test_several_resources_to_choose_from(workspace: Any) -> None:
    workspace.add_resource("api", "api-resource", "source-data")
    with pytest.raises(ConfigurationError, match="several"), lineage_for(SVC()):
        pass
