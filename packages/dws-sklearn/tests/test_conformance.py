"""The kit keeps the contract of kits."""

from __future__ import annotations

from sklearn.datasets import make_classification
from sklearn.svm import SVC

from dataworkspaces.kits.scikit_learn import LineagePredictor
from dataworkspaces.testing.kits import KitSuite
from dataworkspaces.workspace import Workspace

X, y = make_classification(n_samples=60, random_state=0)


class TestScikitLearn(KitSuite):
    entry_point = "scikit-learn"

    def train(self, workspace: Workspace, value: float) -> None:
        LineagePredictor(SVC(C=value), "binary_classification", "data").fit(X, y).score(X, y)
