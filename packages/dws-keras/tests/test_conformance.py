"""The kit keeps the contract of kits."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dataworkspaces.kits.tensorflow import DwsLineageCallback
from dataworkspaces.testing.kits import KitSuite
from dataworkspaces.workspace import Workspace

pytestmark = pytest.mark.graphs

X = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.int64)


class TestKeras(KitSuite):
    entry_point = "keras"

    def train(self, workspace: Workspace, value: float) -> None:
        lineage = DwsLineageCallback("data")
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(value), loss, metrics=["accuracy"])
        model.fit(X, Y, verbose=0, callbacks=[lineage])
        model.evaluate(X, Y, verbose=0, callbacks=[lineage])
