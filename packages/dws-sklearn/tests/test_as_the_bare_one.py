"""Wrapped or recorded, an estimator has the methods of the bare one, with their signatures, and does what it does."""

from __future__ import annotations

import inspect
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import DBSCAN, KMeans
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import make_blobs, make_classification, make_multilabel_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import AdaBoostClassifier, IsolationForest, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.manifold import MDS
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import has_fit_parameter

from dataworkspaces.kits.scikit_learn import LineagePredictor, lineage_for

pytestmark = pytest.mark.slow

X, y = make_classification(n_samples=60, random_state=0)
blobs, _ = make_blobs(n_samples=40, random_state=0)
_, labels = make_multilabel_classification(n_samples=60, n_classes=3, random_state=0)
outputs = np.column_stack([y, np.arange(60) % 3])
numbers = np.column_stack([X[:, 0], X[:, 1] + 1])


def wrap(estimator: Any, **kwargs: Any) -> LineagePredictor:
    return LineagePredictor(estimator, None, "data", **kwargs)


# -- signatures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", [SVC(), KNeighborsClassifier(), PLSRegression(), KMeans(), StandardScaler()])
def test_signatures(workspace: Any, estimator: Any) -> None:
    names = ("fit", "fit_predict", "fit_transform", "partial_fit", "predict", "transform", "score_samples")
    expected = {name: str(inspect.signature(getattr(estimator, name))) for name in names if hasattr(estimator, name)}
    wrapped = wrap(estimator)
    assert {n: str(inspect.signature(getattr(wrapped, n))) for n in names if hasattr(wrapped, n)} == expected
    assert has_fit_parameter(wrapped, "sample_weight") == has_fit_parameter(estimator, "sample_weight")
    score = hasattr(estimator, "score")
    with lineage_for(estimator):
        assert {n: str(inspect.signature(getattr(estimator, n))) for n in names if hasattr(estimator, n)} == expected
        assert hasattr(estimator, "score") == score


def test_methods_can_be_sent_elsewhere(workspace: Any) -> None:
    wrapped = wrap(SVC()).fit(X, y)
    assert (pickle.loads(pickle.dumps(wrapped.predict))(X) == wrapped.predict(X)).all()


@pytest.mark.parametrize("outer", [AdaBoostClassifier, CalibratedClassifierCV])
def test_in_an_estimator_that_gives_weights(workspace: Any, outer: Any) -> None:
    few = {"n_estimators": 3, "random_state": 0} if outer is AdaBoostClassifier else {"cv": 2}
    weight = np.linspace(0.1, 2, 60)
    tree = DecisionTreeClassifier(max_depth=1, random_state=0)
    expected = outer(tree, **few).fit(X, y, sample_weight=weight).predict_proba(X)
    found = outer(wrap(tree), **few).fit(X, y, sample_weight=weight).predict_proba(X)
    np.testing.assert_array_equal(found, expected)


def test_targets_by_another_name(workspace: Any) -> None:
    expected = PLSRegression().fit(X, numbers).predict(X)
    np.testing.assert_array_equal(wrap(PLSRegression()).fit(X=X, y=numbers).predict(X), expected)

    class Other(LinearRegression):  # type: ignore[misc]
        def fit(self, X: Any, Y: Any) -> Any:
            return super().fit(X, Y)

        def score(self, X: Any, Y: Any) -> Any:
            return super().score(X, Y)

    bare = Other().fit(X, Y=numbers)
    np.testing.assert_array_equal(wrap(Other()).fit(X, Y=numbers).predict(X), bare.predict(X))
    estimator = Other()
    with lineage_for(estimator):
        assert estimator.fit(X, Y=numbers).score(X, Y=numbers) == bare.score(X, numbers)
    assert workspace.read_results()["metrics"]["r2_score"] == pytest.approx(bare.score(X, numbers))


def test_requests_of_metadata(workspace: Any) -> None:
    weight = np.linspace(0, 3, 60)
    expected = LogisticRegression().fit(X, y, sample_weight=weight).coef_
    with sklearn.config_context(enable_metadata_routing=True):
        wrapped = wrap(LogisticRegression())
        assert wrapped.set_fit_request(sample_weight=True).set_score_request(sample_weight=True) is wrapped
        search = GridSearchCV(wrapped, {"predictor__C": [1.0]}, cv=2).fit(X, y, sample_weight=weight)
        np.testing.assert_array_equal(search.best_estimator_.coef_, expected)
        bare = LogisticRegression()
        with lineage_for(bare):
            bare.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
            search = GridSearchCV(bare, {"C": [1.0]}, cv=2).fit(X, y, sample_weight=weight)
            np.testing.assert_array_equal(search.best_estimator_.coef_, expected)
            assert str(bare.get_metadata_routing()) == str(clone(bare).get_metadata_routing())


# -- without predictions or targets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "method"),
    [
        (DBSCAN(), "fit_predict"),
        (LocalOutlierFactor(n_neighbors=5), "fit_predict"),
        (IsolationForest(n_estimators=5, random_state=0), "fit_predict"),
        (MDS(n_init=1, max_iter=5, random_state=0), "fit_transform"),
        (PCA(1), "fit_transform"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_training_that_returns_something(workspace: Any, estimator: Any, method: str) -> None:
    expected = getattr(clone(estimator), method)(blobs)
    wrapped = wrap(clone(estimator), model_save_file="wrapped.joblib")
    np.testing.assert_array_equal(getattr(wrapped, method)(blobs), expected)
    with lineage_for(estimator, model_save_file="recorded.joblib"):
        np.testing.assert_array_equal(getattr(estimator, method)(blobs), expected)
    [found] = (workspace.root / "results").glob("*.joblib")
    assert found.name == "recorded.joblib"  # that of the run before has moved into runs/
    assert workspace.read_lineage()["step_name"] == type(estimator).__name__


@pytest.mark.parametrize(
    "estimator", [GaussianMixture(3, random_state=0), KMeans(3, n_init=1, random_state=0), PCA(1)], ids=repr
)
def test_a_score_without_targets(workspace: Any, estimator: Any) -> None:
    expected = clone(estimator).fit(blobs).score(blobs)
    assert wrap(estimator).fit(blobs).score(blobs) == expected
    assert workspace.read_results()["metrics"] == {"score": expected}
    with lineage_for(estimator):
        assert estimator.fit(blobs).score(blobs) == expected
    assert workspace.read_results()["metrics"] == {"score": expected}


def test_outliers_that_are_known(workspace: Any) -> None:
    known = np.where(np.arange(40) == 0, -1, 1)
    wrapped = wrap(IsolationForest(n_estimators=5, random_state=0)).fit(blobs)
    assert wrapped.score(blobs, known) == (wrapped.predict(blobs) == known).mean()
    assert not hasattr(wrap(DBSCAN()), "score")


# -- several outputs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "targets", "metric"),
    [
        (LinearRegression(), numbers, "r2_score"),
        (KNeighborsClassifier(), labels, "classification_report"),
        (RandomForestClassifier(3, random_state=0), labels[:, :2], "classification_report"),
        (MultiOutputClassifier(SVC()), outputs, "accuracy_by_output"),
    ],
    ids=["regression", "labels", "two labels", "classes"],
)
def test_several_outputs(workspace: Any, estimator: Any, targets: Any, metric: str) -> None:
    expected = clone(estimator).fit(X, targets).score(X, targets)
    with warnings.catch_warnings(), lineage_for(estimator, extra_files="all"):
        warnings.simplefilter("error")
        assert estimator.fit(X, targets).score(X, targets) == expected
        assert metric in workspace.read_results()["metrics"]
        wrapped = wrap(clone(estimator), extra_files="all").fit(X, targets)
        assert wrapped.score(X, targets) == pytest.approx(expected)
        assert metric in workspace.read_results()["metrics"]


# -- training that goes on -------------------------------------------------------------------------------------------


def batches(estimator: Any) -> Any:
    for start in (0, 20, 40):
        estimator.partial_fit(X[start : start + 20], y[start : start + 20], classes=[0, 1])
    return estimator


def test_batches_are_one_training(workspace: Any) -> None:
    workspace.add_resource("feed", "api-resource", "source-data")
    expected = batches(SGDClassifier(random_state=0)).score(X, y)
    versions = []
    for kind in ("wrapped", "recorded"):
        plain = SGDClassifier(random_state=0)
        if kind == "wrapped":
            wrapped = LineagePredictor(plain, None, "feed", model_save_file="model.joblib")
            assert batches(wrapped).score(X, y) == expected
        else:
            with lineage_for(plain, None, "feed", model_save_file="model.joblib"):
                assert batches(plain).score(X, y) == expected
        assert workspace.read_results()["parameters"]["partial_fit_calls"] == 3
        assert "model.joblib" in workspace.read_results()["files"]
        versions.append(workspace.get_resource("feed").get_input_hash())
    LineagePredictor(SGDClassifier(random_state=0), None, "feed").fit(X, y).score(X, y)
    versions.append(workspace.get_resource("feed").get_input_hash())
    assert len(set(versions)) == 1


def test_a_warm_start(workspace: Any) -> None:
    wrapped = wrap(RandomForestClassifier(2, warm_start=True, random_state=0)).fit(X, y)
    first = wrapped.estimators_[0]
    wrapped.set_params(predictor__n_estimators=4).fit(X, y)
    assert len(wrapped.estimators_) == 4
    assert wrapped.estimators_[0] is first


def test_a_pipeline_without_predictions(workspace: Any) -> None:
    pipeline = make_pipeline(StandardScaler(), PCA(1))
    expected = clone(pipeline).fit_transform(X)
    wrapped = wrap(pipeline)
    assert not hasattr(wrapped, "predict")
    np.testing.assert_array_equal(wrapped.fit_transform(X), expected)
    np.testing.assert_array_equal(wrapped.get_feature_names_out(), ["pca0"])
