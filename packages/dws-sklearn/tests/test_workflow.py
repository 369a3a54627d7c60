"""``train_and_predict_with_cv``."""

from __future__ import annotations

from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import Bunch

from dataworkspaces.errors import ApiParamError, ConfigurationError
from dataworkspaces.kits.scikit_learn import CvOutcome, RegressionMetrics, train_and_predict_with_cv
from dataworkspaces.workspace import ResourceRef

pytestmark = pytest.mark.slow

GRID = {"C": [0.01, 1.0]}


@pytest.fixture
def dataset(workspace: Any) -> Bunch:
    X, y = make_classification(n_samples=100, n_classes=3, n_informative=5, random_state=0)
    return Bunch(data=X, target=y, resource=ResourceRef("data"))


@pytest.fixture
def outcome(dataset: Bunch) -> CvOutcome:
    return train_and_predict_with_cv(SVC, GRID, dataset, "results", 0.3, 4, "accuracy", "svc", 1, "with text")


def test_the_best_parameters_are_found(outcome: CvOutcome) -> None:
    assert outcome.search.best_params_ == {"C": 1.0}
    assert (len(outcome.search.cv_results_["params"]), outcome.search.n_splits_) == (2, 4)


def test_metrics_are_of_what_was_held_out(outcome: CvOutcome, dataset: Bunch, workspace: Any) -> None:
    _, X_test, _, y_test = train_test_split(dataset.data, dataset.target, test_size=0.3, random_state=1)
    accuracy = accuracy_score(y_test, outcome.search.predict(X_test))
    assert outcome.metrics.score() == workspace.read_results()["metrics"]["accuracy"] == accuracy


def test_results(outcome: CvOutcome, workspace: Any) -> None:
    results = workspace.read_results()
    assert results["run_description"] == "with text"
    parameters = results["parameters"]
    assert {name: parameters[name] for name in list(parameters)[:6]} == {
        "classifier": "SVC",
        "test_size": 0.3,
        "folds": 4,
        "cv_params": GRID,
        "cv_scoring": "accuracy",
        "random_state": 1,
    }
    assert (parameters["C"], parameters["kernel"]) == (1.0, "rbf")


def test_lineage(outcome: CvOutcome, workspace: Any) -> None:
    step = workspace.read_lineage()
    assert [cert["resource_name"] for cert in step["input_resources"]] == ["data"]


def test_the_model_is_saved(outcome: CvOutcome, dataset: Bunch, workspace: Any) -> None:
    model = joblib.load(workspace.root / "results" / "svc.pkl")
    assert (type(model), model.C) == (SVC, 1.0)
    np.testing.assert_array_equal(model.predict(dataset.data), outcome.search.predict(dataset.data))


def test_what_it_says(dataset: Bunch, capsys: pytest.CaptureFixture[str]) -> None:
    train_and_predict_with_cv(SVC, GRID, dataset, "results", model_name="svc")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Best params were: {'C': ")
    assert lines[1].startswith("accuracy: ")
    assert lines[-2:] == ["Wrote trained model to results:svc.pkl", "Wrote results to results:results.json"]


def test_an_instance_is_cloned(dataset: Bunch) -> None:
    pipeline = Pipeline([("scale", StandardScaler()), ("svc", SVC())])
    outcome = train_and_predict_with_cv(pipeline, {"svc__C": [1.0, 2.0]}, dataset, "../results")
    assert not hasattr(pipeline["scale"], "mean_")
    assert outcome.search.best_params_["svc__C"] in (1.0, 2.0)


def test_several_grids(dataset: Bunch, workspace: Any) -> None:
    grids = [{"kernel": ["linear"]}, {"C": [1.0, 2.0]}]
    assert len(train_and_predict_with_cv(SVC, grids, dataset, "results").search.cv_results_["params"]) == 3
    assert workspace.read_results()["parameters"]["cv_params"] == grids


def test_the_seed_goes_to_a_classifier_that_has_none(dataset: Bunch) -> None:
    def seed(classifier: Any) -> Any:
        outcome = train_and_predict_with_cv(classifier, GRID, dataset, "results", random_state=5)
        return outcome.search.best_estimator_.random_state

    assert [seed(SVC), seed(SVC(random_state=6))] == [5, 6]


def test_two_classes_have_binary_metrics(dataset: Bunch, workspace: Any) -> None:
    dataset.target = np.where(dataset.target == 0, "no", "yes")
    train_and_predict_with_cv(LogisticRegression, GRID, dataset, "results", random_state=0)
    assert "roc_auc_score" in workspace.read_results()["metrics"]


def test_other_metrics(dataset: Bunch) -> None:
    outcome = train_and_predict_with_cv(SVC, GRID, dataset, "results", metrics="regression")
    assert isinstance(outcome.metrics, RegressionMetrics)


def test_a_data_set_that_comes_from_nowhere(dataset: Bunch) -> None:
    del dataset["resource"]
    with pytest.raises(ApiParamError, match="lacks resource"):
        train_and_predict_with_cv(SVC, GRID, dataset, "results")


def test_results_that_cannot_be_there(dataset: Bunch) -> None:
    with pytest.raises(ConfigurationError, match="role source-data"):
        train_and_predict_with_cv(SVC, GRID, dataset, "../data")


def test_a_model_name_that_leads_elsewhere(dataset: Bunch) -> None:
    with pytest.raises(ConfigurationError, match="plain relative path"):
        train_and_predict_with_cv(SVC, GRID, dataset, "results", model_name="../svc")
