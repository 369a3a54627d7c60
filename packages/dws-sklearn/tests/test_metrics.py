"""The ``Metrics`` classes."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kits.scikit_learn import (
    BinaryClassificationMetrics,
    Metrics,
    MulticlassClassificationMetrics,
    RegressionMetrics,
)
from dataworkspaces.kits.scikit_learn.metrics import find_metrics_class

# Of four samples three are right; the one that is found is right, one of two is found.
BINARY = {"accuracy": 0.75, "precision": 1.0, "recall": 0.5, "roc_auc_score": 0.75, "f1_score": 2 / 3}


@pytest.mark.parametrize(("negative", "positive"), [(0, 1), (-1, 1), (False, True), ("no", "yes"), (3.0, 7.0)])
def test_binary_for_any_labels(negative: Any, positive: Any) -> None:
    metrics = BinaryClassificationMetrics(
        [negative, positive, positive, negative], [negative, positive, negative, negative]
    )
    assert metrics.score() == 0.75
    assert metrics.to_dict() == pytest.approx(BINARY)


def test_binary_of_pandas_text() -> None:
    expected, predicted = pd.Series(["no", "yes", "yes", "no"]), np.array(["no", "yes", "no", "no"], dtype=object)
    assert BinaryClassificationMetrics(expected, predicted).to_dict() == pytest.approx(BINARY)


def test_binary_with_weights() -> None:
    metrics = BinaryClassificationMetrics([0, 1, 1, 0], [0, 1, 0, 0], sample_weight=[1, 1, 2, 0])
    assert metrics.to_dict() == pytest.approx(
        {"accuracy": 0.5, "precision": 1.0, "recall": 1 / 3, "roc_auc_score": 2 / 3, "f1_score": 0.5}
    )


@pytest.mark.parametrize(
    ("labels", "precision"), [([0, 0], 0.0), ([1, 1], 1.0), ([False, False], 0.0), (["no", "no"], 1.0)]
)
def test_binary_with_one_class_alone(labels: list[Any], precision: float) -> None:
    found = BinaryClassificationMetrics(labels, labels).to_dict()
    assert (found["accuracy"], found["precision"], found["roc_auc_score"]) == (1.0, precision, None)


def test_binary_knows_the_class_that_does_not_occur() -> None:
    metrics = BinaryClassificationMetrics(["no", "no"], ["no", "no"], classes=np.array(["no", "yes"]))
    assert metrics.to_dict()["precision"] == 0.0


def test_binary_refuses_three_classes() -> None:
    with pytest.raises(ApiParamError, match="there are 3 classes: a, b, c"):
        BinaryClassificationMetrics(["a", "b"], ["a", "c"])


@pytest.mark.parametrize(
    "classifier", [LogisticRegression(), DecisionTreeClassifier(max_depth=2, random_state=0)], ids=["decision", "proba"]
)
def test_roc_auc_is_of_the_classifiers_scores(classifier: Any) -> None:
    X, y = make_classification(random_state=0)
    classifier.fit(X, y)
    found = BinaryClassificationMetrics.of_predictor(classifier, X, y, classifier.predict(X)).to_dict()
    assert found["roc_auc_score"] == pytest.approx(roc_auc_score(y, classifier.predict_proba(X)[:, 1]))


def test_multiclass_has_rows_of_four_numbers() -> None:
    found = MulticlassClassificationMetrics(np.array([0.0, 1.0, 2.0, 0.0]), np.array([0.0, 1.0, 0.0, 0.0])).to_dict()
    report = found["classification_report"]
    assert found["accuracy"] == 0.75
    assert list(report) == ["0.0", "1.0", "2.0", "micro avg", "macro avg", "weighted avg"]
    assert report["0.0"] == pytest.approx({"precision": 2 / 3, "recall": 1.0, "f1-score": 0.8, "support": 2})
    assert report["2.0"] == {"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 1}
    assert report["micro avg"] == {"precision": 0.75, "recall": 0.75, "f1-score": 0.75, "support": 4}


def test_multiclass_counts_are_whole_numbers() -> None:
    report = MulticlassClassificationMetrics(["a", "b", "c"], ["a", "b", "b"]).to_dict()["classification_report"]
    assert json.dumps([row["support"] for row in report.values()]) == "[1, 1, 1, 3, 3, 3]"


def test_multiclass_with_weights() -> None:
    found = MulticlassClassificationMetrics([0, 1, 2], [0, 1, 1], [0.5, 0.5, 3]).to_dict()
    assert found["accuracy"] == 0.25
    assert found["classification_report"]["2"]["support"] == 3.0


def test_regression() -> None:
    metrics = RegressionMetrics([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 5.0])
    assert metrics.score() == pytest.approx(0.2)
    assert metrics.to_dict() == pytest.approx(
        {
            "r2_score": 0.2,
            "mean_squared_error": 1.0,
            "root_mean_squared_error": 1.0,
            "mean_absolute_error": 0.5,
            "median_absolute_error": 0.0,
            "max_error": 2.0,
            "explained_variance_score": 0.4,
        }
    )


def test_regression_with_weights_and_several_outputs() -> None:
    found = RegressionMetrics([[0.0, 1.0], [2.0, 3.0]], [[0.0, 2.0], [2.0, 3.0]], [1.0, 3.0]).to_dict()
    assert (found["mean_absolute_error"], found["max_error"]) == (0.125, 1.0)


@pytest.mark.filterwarnings("ignore:R.2 score is not well-defined")
def test_a_score_that_is_not_defined_is_null_in_json() -> None:
    assert RegressionMetrics([1.0], [1.0]).to_dict()["r2_score"] is None


@pytest.mark.parametrize("name", ["binary_classification", "multiclass_classification", "regression"])
def test_print_to_a_file(name: str) -> None:
    metrics = find_metrics_class(name)([0, 1, 1, 0], [0, 1, 0, 0])
    file = io.StringIO()
    metrics.print_metrics(file)
    assert ("r2_score: " if name == "regression" else "accuracy: 0.75") in file.getvalue()


@pytest.mark.parametrize("name", ["binary_classification", "multiclass_classification", "regression"])
def test_print_goes_to_the_standard_output_of_the_moment(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    find_metrics_class(name)([0, 1, 1, 0], [0, 1, 0, 0]).print_metrics()
    assert capsys.readouterr().out


def test_metrics_of_ones_own() -> None:
    class Hits(Metrics):
        def score(self) -> float:
            return float(np.sum(self.expected == self.predicted))

        def print_metrics(self, file: Any = None) -> None:
            print(self.score(), file=file)

    assert find_metrics_class(Hits) is Hits
    assert Hits(np.array([1, 2]), np.array([1, 3])).to_dict() == {"score": 1.0}


@pytest.mark.parametrize("metrics", ["accuracy", dict, 5])
def test_metrics_that_are_not_known(metrics: Any) -> None:
    with pytest.raises(ApiParamError, match=r"metrics 'accuracy'|neither"):
        find_metrics_class(metrics)
