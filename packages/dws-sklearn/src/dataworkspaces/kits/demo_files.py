"""What ``dws demo`` puts into its workspace: the digits that scikit-learn ships, and two scripts that learn them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

SUPPORT_VECTORS = '''\
"""Tell handwritten digits apart with a support vector classifier."""

from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from dataworkspaces.kits.scikit_learn import LineagePredictor, load_dataset_from_resource

dataset = load_dataset_from_resource("source-data")
X_train, X_test, y_train, y_test = train_test_split(dataset.data, dataset.target, test_size=0.5, shuffle=False)
classifier = LineagePredictor(
    SVC(gamma=0.001),
    "multiclass_classification",
    input_resource=dataset.resource,
    model_save_file="digits.joblib",
)
classifier.fit(X_train, y_train)
print(f"accuracy {classifier.score(X_test, y_test):.3f}")
'''

LOGISTIC_REGRESSION = '''\
"""Tell handwritten digits apart with a logistic regression."""

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from dataworkspaces.kits.scikit_learn import LineagePredictor, load_dataset_from_resource

dataset = load_dataset_from_resource("source-data")
X_train, X_test, y_train, y_test = train_test_split(dataset.data, dataset.target, test_size=0.5, shuffle=False)
classifier = LineagePredictor(
    LogisticRegression(C=0.01, max_iter=1000),
    "multiclass_classification",
    input_resource=dataset.resource,
    model_save_file="digits.joblib",
)
classifier.fit(X_train, y_train)
print(f"accuracy {classifier.score(X_test, y_test):.3f}")
'''


def write_digits(directory: Path) -> None:
    """1,797 images of 8 x 8 pixels, from 0 to 16, as rows of ``data.csv``; what digit each is, in ``target.csv``."""
    digits = load_digits()
    np.savetxt(directory / "data.csv", digits.data, fmt="%d", delimiter=",")
    np.savetxt(directory / "target.csv", digits.target, fmt="%d")
    (directory / "DESCR.rst").write_text(digits.DESCR, encoding="utf-8")


def write_scripts(directory: Path) -> None:
    """``digits-svc.py`` and ``digits-lr.py``, which read the resource ``source-data``."""
    (directory / "digits-svc.py").write_text(SUPPORT_VECTORS, encoding="utf-8")
    (directory / "digits-lr.py").write_text(LOGISTIC_REGRESSION, encoding="utf-8")
