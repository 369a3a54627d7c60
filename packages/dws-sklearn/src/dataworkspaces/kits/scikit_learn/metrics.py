"""Metrics of predictions: one number as the score, and all of them for a report and for ``results.json``."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from typing import Any, TextIO

import numpy as np
from sklearn import metrics as sk
from sklearn.base import is_classifier, is_outlier_detector, is_regressor
from sklearn.utils.multiclass import type_of_target

from dataworkspaces.errors import ApiParamError
from dataworkspaces.plain_text import escape


class Metrics(ABC):
    """What is computed from expected and predicted values. Subclass it for metrics of your own.

    :param expected: array-like of shape (n_samples,), or (n_samples, n_outputs) for a regression.
    :param predicted: array-like of the same shape.
    :param sample_weight: array-like of shape (n_samples,), or None if all samples count the same.
    """

    def __init__(self, expected: Any, predicted: Any, sample_weight: Any = None) -> None:
        self.expected = expected
        self.predicted = predicted
        self.sample_weight = sample_weight

    @classmethod
    def of_predictor(cls, predictor: Any, X: Any, expected: Any, predicted: Any, sample_weight: Any = None) -> Metrics:
        """The metrics of a fitted predictor that made ``predicted`` of ``X``.

        Override it if the predictor knows more that is of use than its predictions."""
        return cls(expected, predicted, sample_weight)

    @abstractmethod
    def score(self) -> float:
        """The one number that tells how good the predictions are; greater is better."""

    @abstractmethod
    def print_metrics(self, file: TextIO | None = None) -> None:
        """Print a report to ``file`` (default: the standard output)."""

    def to_dict(self) -> dict[str, Any]:
        """The metrics as they stand in ``results.json``: a number (None if it is not defined for these values),
        or a dictionary of numbers, by name."""
        return {"score": _number(self.score())}


class BinaryClassificationMetrics(Metrics):
    """Metrics for two classes, whose labels may be numbers, truth values or text.

    The positive class is the one that sorts last (1, True, "yes"), as scikit-learn has it. A ratio with nothing in
    its denominator is 0.

    :param scores: how sure the classifier is of the positive class, array-like of shape (n_samples,): decision values
        or probabilities. Without them ``roc_auc_score`` is computed from the predicted labels.
    :param classes: both labels, for values in which one of them may not occur.
    """

    def __init__(
        self, expected: Any, predicted: Any, sample_weight: Any = None, *, scores: Any = None, classes: Any = None
    ) -> None:
        super().__init__(expected, predicted, sample_weight)
        self.scores = scores
        labels = np.unique(np.concatenate([np.ravel(expected), np.ravel(predicted)]))
        if classes is not None:
            labels = np.union1d(labels, classes)
        if len(labels) > 2:
            shown = ", ".join(str(label) for label in labels[:5])
            raise ApiParamError(
                f"Metrics for a binary classification were asked for, but there are {len(labels)} classes: {shown}"
                + (", ..." if len(labels) > 5 else ""),
                hint="Use 'multiclass_classification'",
            )
        self.positive_class = labels[-1] if len(labels) == 2 else _positive_of_one(labels)

    @classmethod
    def of_predictor(cls, predictor: Any, X: Any, expected: Any, predicted: Any, sample_weight: Any = None) -> Metrics:
        classes = getattr(predictor, "classes_", None)
        return cls(expected, predicted, sample_weight, scores=_positive_scores(predictor, X, classes), classes=classes)

    def score(self) -> float:
        """The accuracy."""
        return float(sk.accuracy_score(self.expected, self.predicted, sample_weight=self.sample_weight))

    def to_dict(self) -> dict[str, Any]:
        actual, found = self._is_positive(self.expected), self._is_positive(self.predicted)
        options = {"sample_weight": self.sample_weight, "zero_division": 0.0}
        return {
            "accuracy": self.score(),
            "precision": float(sk.precision_score(actual, found, **options)),
            "recall": float(sk.recall_score(actual, found, **options)),
            "roc_auc_score": self._roc_auc(actual, found),
            "f1_score": float(sk.f1_score(actual, found, **options)),
        }

    def print_metrics(self, file: TextIO | None = None) -> None:
        _print_numbers(self.to_dict(), file)

    def _is_positive(self, values: Any) -> Any:
        return (np.ravel(values) == self.positive_class).astype(int)

    def _roc_auc(self, actual: Any, found: Any) -> float | None:
        """None where one class alone is expected: there is nothing to tell apart."""
        if actual.all() or not actual.any():
            return None
        scores = found if self.scores is None else self.scores
        return _number(sk.roc_auc_score(actual, scores, sample_weight=self.sample_weight))


class MulticlassClassificationMetrics(Metrics):
    """Accuracy, and precision, recall, f1-score and support of each class and on average."""

    def score(self) -> float:
        """The accuracy."""
        return float(sk.accuracy_score(self.expected, self.predicted, sample_weight=self.sample_weight))

    def to_dict(self) -> dict[str, Any]:
        """``accuracy`` and ``classification_report``. In the latter, by class (``str`` of its label) and average
        (``micro avg``, ``macro avg``, ``weighted avg``), a dictionary of four numbers."""
        report = sk.classification_report(
            self.expected, self.predicted, sample_weight=self.sample_weight, output_dict=True, zero_division=0.0
        )
        total = report["weighted avg"]["support"]
        rows = {}
        for name, row in report.items():
            if not isinstance(row, dict):
                # Over all classes the micro average of each is the accuracy, and sklearn gives that alone. A full row
                # is what results of all releases, and tables, have.
                name, row = "micro avg", {"precision": row, "recall": row, "f1-score": row, "support": total}
            rows[name] = {key: _number(value) for key, value in row.items()}
            if self.sample_weight is None:
                rows[name]["support"] = int(row["support"])
        return {"accuracy": self.score(), "classification_report": rows}

    def print_metrics(self, file: TextIO | None = None) -> None:
        file = sys.stdout if file is None else file
        report = sk.classification_report(
            self.expected, self.predicted, sample_weight=self.sample_weight, zero_division=0.0
        )
        print(f"accuracy: {self.score():.2f}", file=file)
        print("classification report:", *map(escape, report.split("\n")), sep="\n", file=file)


class MultioutputClassificationMetrics(Metrics):
    """Of several outputs, each with classes of its own: how many samples are right in all, and in each."""

    def score(self) -> float:
        """The fraction of samples of which all outputs are right."""
        return float(np.average(self._is_right().all(axis=1), weights=self.sample_weight))

    def to_dict(self) -> dict[str, Any]:
        by_output = np.average(self._is_right(), axis=0, weights=self.sample_weight)
        return {
            "accuracy": self.score(),
            "accuracy_by_output": {str(place): _number(value) for place, value in enumerate(by_output)},
        }

    def print_metrics(self, file: TextIO | None = None) -> None:
        numbers = self.to_dict()
        by_output = {f"accuracy of output {name}": v for name, v in numbers["accuracy_by_output"].items()}
        _print_numbers({"accuracy": numbers["accuracy"], **by_output}, file)

    def _is_right(self) -> Any:
        return np.asarray(self.expected) == np.asarray(self.predicted)


class RegressionMetrics(Metrics):
    """Metrics for numbers. Of several outputs the mean is taken (``max_error``: the greatest)."""

    def score(self) -> float:
        """The coefficient of determination, r2."""
        return float(sk.r2_score(self.expected, self.predicted, sample_weight=self.sample_weight))

    def to_dict(self) -> dict[str, Any]:
        values = (self.expected, self.predicted)
        weight = {"sample_weight": self.sample_weight}
        errors = np.abs(np.asarray(self.expected, dtype=float) - np.asarray(self.predicted, dtype=float))
        result = {
            "r2_score": self.score(),
            "mean_squared_error": sk.mean_squared_error(*values, **weight),
            "root_mean_squared_error": sk.root_mean_squared_error(*values, **weight),
            "mean_absolute_error": sk.mean_absolute_error(*values, **weight),
            "median_absolute_error": sk.median_absolute_error(*values, **weight),
            "max_error": errors.max(),
            "explained_variance_score": sk.explained_variance_score(*values, **weight),
        }
        return {name: _number(value) for name, value in result.items()}

    def print_metrics(self, file: TextIO | None = None) -> None:
        _print_numbers(self.to_dict(), file)


METRICS: dict[str, type[Metrics]] = {
    "binary_classification": BinaryClassificationMetrics,
    "multiclass_classification": MulticlassClassificationMetrics,
    "multioutput_classification": MultioutputClassificationMetrics,
    "regression": RegressionMetrics,
}
"""The metrics that have a name."""


def find_metrics_class(metrics: str | type[Metrics]) -> type[Metrics]:
    """The class that a name of :data:`METRICS`, or the class itself, stands for; raises ApiParamError."""
    if isinstance(metrics, str):
        if metrics in METRICS:
            return METRICS[metrics]
        raise ApiParamError(f"There are no metrics '{metrics}'", hint=f"Choose from: {', '.join(METRICS)}")
    if isinstance(metrics, type) and issubclass(metrics, Metrics):
        return metrics
    raise ApiParamError(
        f"Metrics are named by a text or are a subclass of Metrics, and {metrics!r} is neither",
        hint=f"Choose from: {', '.join(METRICS)}",
    )


def has_metrics(predictor: Any) -> bool:
    """Whether there are metrics for what a predictor is. For one that is not an estimator of scikit-learn there are."""
    kinds = (is_classifier, is_regressor, is_outlier_detector)
    return not hasattr(predictor, "__sklearn_tags__") or any(is_kind(predictor) for is_kind in kinds)


def metrics_for(predictor: Any, y: Any) -> type[Metrics] | None:
    """The metrics that fit what a predictor is and its targets; None if there are none: of clusters, say."""
    if not has_metrics(predictor):
        return None
    if not hasattr(predictor, "__sklearn_tags__"):
        tells_classes = hasattr(predictor, "classes_")
    else:
        tells_classes = not is_regressor(predictor)
    if not tells_classes:
        return RegressionMetrics
    kind = type_of_target(y)
    if kind == "multiclass-multioutput":
        return MultioutputClassificationMetrics
    if kind == "multilabel-indicator":
        return MulticlassClassificationMetrics
    classes = getattr(predictor, "classes_", np.unique(y))
    return BinaryClassificationMetrics if len(classes) <= 2 else MulticlassClassificationMetrics


def metrics_to_use(given: str | type[Metrics] | None, predictor: Any, y: Any) -> type[Metrics] | None:
    """Those that the user gave, or that fit; None stands for the score of the predictor."""
    if y is None or not hasattr(predictor, "predict"):
        return None
    return metrics_for(predictor, y) if given is None else find_metrics_class(given)


def _positive_scores(predictor: Any, X: Any, classes: Any) -> Any:
    """How sure a fitted classifier is of its second class, by sample; None if it does not say."""
    if classes is None or len(classes) != 2:
        return None
    if hasattr(predictor, "decision_function"):
        return predictor.decision_function(X)
    if hasattr(predictor, "predict_proba"):
        return predictor.predict_proba(X)[:, 1]
    return None


def _positive_of_one(labels: Any) -> Any:
    """The positive class where a single label occurs: that label, unless it is 0, False or -1; else None."""
    if len(labels) == 0 or (not isinstance(labels[0], str) and labels[0] <= 0):
        return None
    return labels[0]


def _number(value: Any) -> float | None:
    """A number that JSON can hold: None for one that is not defined."""
    return float(value) if math.isfinite(value) else None


def _print_numbers(numbers: dict[str, Any], file: TextIO | None) -> None:
    width = max(len(name) for name in numbers)
    for name, value in numbers.items():
        text = "not defined" if value is None else f"{value:.4f}"
        print(f"{escape(name):>{width}}: {escape(text)}", file=sys.stdout if file is None else file)
