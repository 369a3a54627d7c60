"""An estimator that needs no targets is wrapped like others; one that needs them says so itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.svm import SVC

from dataworkspaces.kits.scikit_learn import LineagePredictor

X, _ = make_blobs(n_samples=40, random_state=0)


def test_fit_without_targets(workspace: Any) -> None:
    plain = KMeans(3, n_init=1, random_state=0)
    wrapped = LineagePredictor(plain, "multiclass_classification", "data").fit(X)
    assert np.array_equal(wrapped.predict(X), plain.fit(X).predict(X))


def test_targets_that_are_needed(workspace: Any) -> None:
    with pytest.raises(TypeError, match="argument: 'y'"):
        LineagePredictor(SVC(), "binary_classification", "data").fit(X)
