"""``DwsLineageCallback``: the same record without a wrapped class."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kits.tensorflow import DwsLineageCallback, add_lineage_to_keras_model_class

pytestmark = pytest.mark.graphs

X = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.int64)


def make_model(cls: Any = keras.Sequential) -> Any:
    keras.utils.set_random_seed(0)
    model = cls([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_it_gives_what_a_wrapped_class_gives(workspace: Any) -> None:
    wrapped = make_model(add_lineage_to_keras_model_class(keras.Sequential))
    wrapped.fit(X, Y, epochs=2, batch_size=8, verbose=0, validation_data=(X, Y))
    wrapped.evaluate(X, Y, verbose=0)
    expected = workspace.read_results()
    history = json.loads((workspace.root / "results" / "metrics_history.json").read_text())["metrics"]

    lineage = DwsLineageCallback(batch_size=8)
    model = make_model()
    model.fit(X, Y, epochs=2, batch_size=8, verbose=0, validation_data=(X, Y), callbacks=[lineage])
    model.evaluate(X, Y, verbose=0, callbacks=[lineage])
    found = workspace.read_results()
    assert found["metrics"] == expected["metrics"]
    assert json.loads((workspace.root / "results" / "metrics_history.json").read_text())["metrics"] == history
    for parameters in (found["parameters"], expected["parameters"]):
        for name in ("steps", "fit_settings", "validation_data", "callbacks"):
            parameters.pop(name, None)
    assert found["parameters"] == expected["parameters"]


@pytest.mark.parametrize("kind", ["arrays", "dataset"])
def test_the_hash_of_the_data(api_workspace: Any, kind: str) -> None:
    def data(n: int) -> tuple[Any, ...]:
        return (X[:n], Y[:n]) if kind == "arrays" else (tf.data.Dataset.from_tensor_slices((X[:n], Y[:n])).batch(5),)

    wrapped = make_model(add_lineage_to_keras_model_class(keras.Sequential))
    wrapped.fit(X, Y, validation_data=(X[:9], Y[:9]), verbose=0)
    wrapped.evaluate(X[:20], Y[:20], verbose=0)
    expected = api_workspace.get_resource("api").get_input_hash()
    api_workspace.get_resource("api").save_input_hash("none")

    lineage = DwsLineageCallback()
    model = make_model()
    validation = lineage.watch_validation(*data(9))
    model.fit(*lineage.watch(*data(32)), validation_data=validation, verbose=0, callbacks=[lineage])
    model.evaluate(*lineage.watch(*data(20)), verbose=0, callbacks=[lineage])
    assert api_workspace.get_resource("api").get_input_hash() == expected


def test_data_that_nobody_has_seen(api_workspace: Any) -> None:
    with pytest.raises(ApiParamError, match="the callback has not seen"):
        make_model().fit(X, Y, verbose=0, callbacks=[DwsLineageCallback()])


def test_after_a_training_that_failed(workspace: Any) -> None:
    class Fails(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise ZeroDivisionError

    lineage, model = DwsLineageCallback(), make_model()
    with pytest.raises(ZeroDivisionError):
        model.fit(X, Y, epochs=5, verbose=0, callbacks=[lineage, Fails()])
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[lineage])
    model.evaluate(X, Y, verbose=0, callbacks=[lineage])
    assert workspace.read_results()["parameters"]["epochs"] == 2
    history = json.loads((workspace.root / "results" / "metrics_history.json").read_text())
    assert history["epochs"] == [1, 2, 3]  # the model had one before the error


def test_data_from_files_are_not_hashed(workspace: Any) -> None:
    lineage = DwsLineageCallback()
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(5)
    assert lineage.watch(data) == (data,)
    assert lineage.watch_validation(data) is data
