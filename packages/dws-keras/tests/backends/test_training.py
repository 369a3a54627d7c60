"""A wrapped model on the backend that runs, which is not TensorFlow."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest

from dataworkspaces.kit_support.data_hash import hash_of_inputs
from dataworkspaces.kits.tensorflow import (
    CheckpointConfig,
    DwsLineageCallback,
    add_lineage_to_keras_model_class,
)

X = np.random.default_rng(0).normal(size=(50, 40)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.int64)
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 50, 8)]


def make_model(cls: Any = None, **kwargs: Any) -> Any:
    cls = cls or add_lineage_to_keras_model_class(keras.Sequential, **kwargs)
    model = cls([keras.Input((40,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Sequence(keras.utils.PyDataset):
    def __len__(self) -> int:
        return len(BATCHES)

    def __getitem__(self, index: int) -> Any:
        return BATCHES[index]


def batches() -> Iterator[Any]:
    yield from BATCHES


def loader(**kwargs: Any) -> Any:
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    return torch.utils.data.DataLoader(data, batch_size=9, **kwargs)


CONTAINERS: dict[str, Callable[[], tuple[Any, ...]]] = {
    "arrays": lambda: (X, Y),
    "tensors": lambda: (keras.ops.convert_to_tensor(X), Y),
    "generator": lambda: (batches(),),
    "sequence": lambda: (Sequence(workers=3),),
    "DataLoader": lambda: (loader(),),
}


def test_backend() -> None:
    assert keras.backend.backend() == os.environ["KERAS_BACKEND"] != "tensorflow"


@pytest.mark.filterwarnings("ignore:.*ran out of data")
@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_equal_data_have_the_same_hash(api_workspace: Any, container: Any) -> None:
    model = make_model()
    model.fit(*container(), verbose=0)
    assert api_workspace.get_resource("api").get_input_hash() == hash_of_inputs({"fit": hash_of_inputs(X, Y)})
    model.evaluate(X, Y, verbose=0)
    assert set(api_workspace.read_results()["metrics"]) == {"loss", "accuracy"}


@pytest.mark.graphs
def test_results_checkpoints_and_history(workspace: Any) -> None:
    keras.utils.set_random_seed(7)
    model = make_model(checkpoint_config=CheckpointConfig("m", "loss"))
    history = model.fit(X, Y, epochs=3, batch_size=10, validation_data=(X, Y), verbose=0).history
    loss, accuracy = model.evaluate(X, Y, verbose=0)
    results = workspace.read_results()
    assert results["metrics"] == {"loss": loss, "accuracy": accuracy}
    assert (results["parameters"]["optimizer"], results["parameters"]["fit_batch_size"]) == ("adam", 10)
    assert results["parameters"]["backend"] == keras.backend.backend()
    written = json.loads((workspace.root / "results" / "metrics_history.json").read_text())
    assert written["metrics"] == {name: [float(v) for v in values] for name, values in history.items()}
    loaded = keras.models.load_model(workspace.root / "results" / "m.keras")
    np.testing.assert_allclose(loaded.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-4)
    assert workspace.read_lineage()["random_seeds"]["numpy.random"] == 7


def test_a_callback(api_workspace: Any) -> None:
    lineage = DwsLineageCallback()
    model = make_model(keras.Sequential)
    model.fit(*lineage.watch(Sequence(workers=2)), verbose=0, callbacks=[lineage])
    assert api_workspace.get_resource("api").get_input_hash() == hash_of_inputs({"fit": hash_of_inputs(X, Y)})


def test_a_functional_model(workspace: Any) -> None:
    inputs = keras.Input((40,))
    cls = add_lineage_to_keras_model_class(keras.Model)
    model = cls(inputs, keras.layers.Dense(2, activation="softmax")(inputs))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    assert workspace.read_results()["parameters"]["model"] == "Functional"
