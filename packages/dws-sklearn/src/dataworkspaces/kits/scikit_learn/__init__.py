"""The kit for scikit-learn: data sets from resources, metrics, and predictors whose results have lineage."""

from dataworkspaces.kits.scikit_learn.datasets import load_dataset_from_resource
from dataworkspaces.kits.scikit_learn.estimator_lineage import lineage_for
from dataworkspaces.kits.scikit_learn.metrics import (
    BinaryClassificationMetrics,
    Metrics,
    MulticlassClassificationMetrics,
    RegressionMetrics,
)
from dataworkspaces.kits.scikit_learn.predictor import LineagePredictor
from dataworkspaces.kits.scikit_learn.workflow import CvOutcome, train_and_predict_with_cv

__all__ = [
    "BinaryClassificationMetrics",
    "CvOutcome",
    "LineagePredictor",
    "Metrics",
    "MulticlassClassificationMetrics",
    "RegressionMetrics",
    "lineage_for",
    "load_dataset_from_resource",
    "train_and_predict_with_cv",
]
