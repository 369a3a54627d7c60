"""``LineagePredictor`` as an estimator of scikit-learn."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted

from dataworkspaces.kits.scikit_learn import LineagePredictor

pytestmark = pytest.mark.slow

X, y = make_classification(n_samples=60, random_state=0)
KIND = "binary_classification"

EXPECTED_FAILURES = {
    "check_do_not_raise_errors_in_init_or_set_params": "the initializer looks for the workspace and its resources",
}


@pytest.fixture
def classifier(workspace: Any) -> LineagePredictor:
    return LineagePredictor(SVC(C=2.0), KIND, "data")


@pytest.mark.parametrize(
    ("predictor", "metrics"),
    [
        pytest.param(LogisticRegression(), "multiclass_classification", id="LogisticRegression"),
        pytest.param(LinearDiscriminantAnalysis(), "multiclass_classification", id="LinearDiscriminantAnalysis"),
        pytest.param(Ridge(), "regression", id="Ridge"),
        pytest.param(KMeans(3, n_init=1, random_state=0), None, id="KMeans"),
        pytest.param(StandardScaler(), None, id="StandardScaler"),
    ],
)
def test_the_checks_of_scikit_learn(workspace: Any, predictor: Any, metrics: str | None) -> None:
    """Those that ``predictor`` passes itself."""

    def failures(estimator: Any, expected: dict[str, str]) -> set[str]:
        found = check_estimator(estimator, expected_failed_checks=expected, on_fail=None, on_skip=None)
        return {f["check_name"] for f in found if f["status"] == "failed"}

    wrapped = failures(LineagePredictor(predictor, metrics, "data"), EXPECTED_FAILURES)
    assert not wrapped or wrapped <= failures(predictor, {})


# -- parameters, clones and copies -----------------------------------------------------------------------------------


def test_parameters_are_those_that_were_given(classifier: LineagePredictor) -> None:
    assert classifier.get_params(deep=False) == {
        "predictor": classifier.predictor,
        "metrics": KIND,
        "input_resource": "data",
        "results_resource": None,
        "model_save_file": None,
        "workspace_dir": None,
        "verbose": False,
        "extra_files": None,
    }


def test_parameters_of_the_predictor(classifier: LineagePredictor) -> None:
    assert classifier.get_params()["predictor__C"] == 2.0
    classifier.set_params(predictor__C=3.0)
    assert classifier.predictor.C == 3.0


def test_a_clone_is_not_fitted(classifier: LineagePredictor) -> None:
    copied = clone(classifier.fit(X, y))
    assert copied.predictor is not classifier.predictor
    assert copied.get_params()["predictor__C"] == 2.0
    with pytest.raises(NotFittedError):
        copied.predict(X)


def test_the_predictor_that_was_given_is_not_changed(classifier: LineagePredictor) -> None:
    given = classifier.predictor
    classifier.fit(X, y)
    assert classifier.predictor is given
    assert not hasattr(given, "support_")


@pytest.mark.parametrize("copy_of", [lambda c: pickle.loads(pickle.dumps(c)), copy.deepcopy], ids=["pickle", "copy"])
def test_copies_predict_and_score(classifier: LineagePredictor, copy_of: Any) -> None:
    copied = copy_of(classifier.fit(X, y))
    np.testing.assert_array_equal(copied.predict(X), classifier.predict(X))
    assert copied.score(X, y) == classifier.score(X, y)


def test_a_stored_wrapper_predicts_without_a_workspace(
    classifier: LineagePredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joblib.dump(classifier.fit(X, y), tmp_path / "wrapper")
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(joblib.load(tmp_path / "wrapper").predict(X), classifier.predict(X))


def test_display_in_a_notebook(classifier: LineagePredictor) -> None:
    assert "LineagePredictor" in classifier.fit(X, y)._repr_html_()


def test_repr(classifier: LineagePredictor) -> None:
    assert "predictor=SVC(C=2.0)" in repr(classifier)


# -- what it is ------------------------------------------------------------------------------------------------------


def test_it_is_what_its_predictor_is(workspace: Any) -> None:
    classifier, regressor = LineagePredictor(SVC(), KIND, "data"), LineagePredictor(Ridge(), "regression", "data")
    assert (is_classifier(classifier), is_regressor(classifier)) == (True, False)
    assert (is_classifier(regressor), is_regressor(regressor)) == (False, True)


def test_check_is_fitted(classifier: LineagePredictor) -> None:
    with pytest.raises(NotFittedError):
        check_is_fitted(classifier)
    check_is_fitted(classifier.fit(X, y))


def test_what_training_found_out(classifier: LineagePredictor) -> None:
    assert not hasattr(classifier, "classes_")
    classifier.fit(pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])]), y)
    assert classifier.classes_.tolist() == [0, 1]
    assert (classifier.n_features_in_, classifier.feature_names_in_[0]) == (20, "f0")
    assert not hasattr(classifier, "coef_")


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize(
    ("predictor", "methods"),
    [
        (SVC(), {"decision_function"}),
        (LogisticRegression(), {"predict_proba", "predict_log_proba", "decision_function"}),
        (RandomForestClassifier(n_estimators=3, random_state=0), {"predict_proba", "predict_log_proba"}),
        (LinearDiscriminantAnalysis(), {"predict_proba", "predict_log_proba", "decision_function", "transform"}),
        (GridSearchCV(LogisticRegression(), {"C": [1]}), {"predict_proba", "predict_log_proba", "decision_function"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_it_has_the_methods_of_its_predictor(workspace: Any, predictor: Any, methods: set[str]) -> None:
    wrapped = LineagePredictor(predictor, KIND, "data")
    possible = ("predict_proba", "predict_log_proba", "decision_function", "transform")
    assert {name for name in possible if hasattr(wrapped, name)} == methods
    wrapped.fit(X, y)
    predictor.fit(X, y)
    for name in methods:
        np.testing.assert_allclose(getattr(wrapped, name)(X), getattr(predictor, name)(X))


class Majority:
    """A predictor that knows nothing of scikit-learn."""

    def fit(self, X: Any, y: Any) -> Any:
        self.label = np.bincount(y).argmax()

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.label)


def test_a_predictor_that_is_no_estimator(workspace: Any) -> None:
    assert LineagePredictor(Majority(), KIND, "data").fit(X, y).score(X, y) == 0.5
    assert workspace.read_results()["parameters"] == {}


# -- within scikit-learn ---------------------------------------------------------------------------------------------


def test_cross_validation(classifier: LineagePredictor) -> None:
    np.testing.assert_array_equal(cross_val_score(classifier, X, y), cross_val_score(SVC(C=2.0), X, y))


def test_search_over_the_parameters_of_the_predictor(classifier: LineagePredictor) -> None:
    grid = {"C": [0.01, 1.0, 100.0]}
    plain = GridSearchCV(SVC(), grid).fit(X, y)
    search = GridSearchCV(classifier, {f"predictor__{name}": values for name, values in grid.items()}).fit(X, y)
    assert search.best_params_["predictor__C"] == plain.best_params_["C"]
    assert search.score(X, y) == plain.score(X, y)


def test_results_of_other_processes_are_of_the_same_step(
    classifier: LineagePredictor, script: Path, workspace: Any
) -> None:
    with joblib.parallel_config("multiprocessing"):
        cross_val_score(classifier, X, y, cv=2, n_jobs=2, error_score="raise")
    step = workspace.read_lineage()
    assert (step["step_name"], step["code_resources"][0]["resource_name"]) == ("digits-svc", "code")


def test_at_the_end_of_a_pipeline(classifier: LineagePredictor, workspace: Any) -> None:
    pipeline = make_pipeline(StandardScaler(), classifier).fit(X, y)
    assert pipeline.score(X, y) == make_pipeline(StandardScaler(), SVC(C=2.0)).fit(X, y).score(X, y)
    assert workspace.read_results()["parameters"]["C"] == 2.0


def test_metadata_is_requested_by_the_predictor(workspace: Any) -> None:
    weight = np.linspace(0, 3, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = LogisticRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(LineagePredictor(estimator, KIND, "data"), {"predictor__C": [1.0]})
        search.fit(X, y, sample_weight=weight)
    plain = LogisticRegression().fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(search.best_estimator_.coef_, plain.coef_)
