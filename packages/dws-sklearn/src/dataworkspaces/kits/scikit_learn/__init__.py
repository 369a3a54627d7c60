from dataworkspaces.kits.scikit_learn.datasets import load_dataset_from_resource
from dataworkspaces.kits.scikit_learn.metrics import (
    BinaryClassificationMetrics,
    Metrics,
    MulticlassClassificationMetrics,
    RegressionMetrics,
)
