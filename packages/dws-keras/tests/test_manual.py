"""The examples of the manual (section 1.5.3), word for word where that can be: the digits of scikit-learn stand in the
place of what would be downloaded, and the import is that of the new module, with CheckpointConfig, which the manual
forgets."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras

pytestmark = pytest.mark.graphs

FASHION = """
# TensorFlow and tf.keras
import tensorflow as tf
from tensorflow import keras

from dataworkspaces.kits.tensorflow import add_lineage_to_keras_model_class, CheckpointConfig

# Wrap our model class. This is the only DWS-specific change needed.
# We add an optional checkpoint configuration, which will cause checkpoints
# to be written to the workspace's scratch directory and then the best
# checkpoint copied to the results resource.
keras.Sequential = add_lineage_to_keras_model_class(keras.Sequential,
                                                    checkpoint_config=CheckpointConfig(model='fashion',
                                                                                          monitor='loss'))

fashion_mnist = keras.datasets.fashion_mnist

(train_images, train_labels), (test_images, test_labels) = fashion_mnist.load_data()

model = keras.Sequential([
    keras.layers.Flatten(input_shape=(28, 28)),
    keras.layers.Dense(128, activation=tf.nn.relu),
    keras.layers.Dense(10, activation=tf.nn.softmax)
])

model.compile(optimizer='adam',
              loss='sparse_categorical_crossentropy',
              metrics=['accuracy'])

model.fit(train_images, train_labels, epochs=5)

test_loss, test_acc = model.evaluate(test_images, test_labels)
print('Test accuracy:', test_acc)
"""

SUBCLASS = """
import tensorflow as tf
from tensorflow import keras
from dataworkspaces.kits.tensorflow import add_lineage_to_keras_model_class

@add_lineage_to_keras_model_class
class MyModel(keras.Model):
    def __init__(self):
        # The Tensorflow documentation tends to specify the class name
        # when calling the superclass __init__ function. Don't do this --
        # it breaks if you use class decorators!
        #super(MyModel, self).__init__()
        super().__init__()
        self.dense1 = tf.keras.layers.Dense(4, activation=tf.nn.relu)
        self.dense2 = tf.keras.layers.Dense(5, activation=tf.nn.softmax)

    def call(self, inputs):
        x1 = self.dense1(inputs)
        return self.dense2(x1)

model = MyModel()

import numpy as np

model.compile(optimizer='adam',
              loss='sparse_categorical_crossentropy',
              metrics=['accuracy'])
model.fit(np.zeros(20).reshape((5,4)), np.ones(5), epochs=5)
test_loss, test_acc = model.evaluate(np.zeros(16).reshape(4,4), np.ones(4))

print('Test accuracy:', test_acc)
"""


def digits() -> Any:
    """As pictures of 28 times 28 numbers from 0 to 1; 1,000 to train with, the others to test with."""
    images, labels = load_digits(return_X_y=True)
    large = np.kron(images.reshape(-1, 8, 8) / 16, np.ones((3, 3)))
    pictures = np.pad(large, [(0, 0), (2, 2), (2, 2)]).astype(np.float32)
    return (pictures[:1000], labels[:1000]), (pictures[1000:], labels[1000:])


@pytest.fixture
def _digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", digits)
    before = keras.Sequential
    yield
    keras.Sequential = before


def run(code: str) -> dict[str, Any]:
    module = types.ModuleType("__main__")
    exec(code, module.__dict__)
    return module.__dict__


@pytest.mark.usefixtures("_digits")
def test_wrapping_a_keras_model(api_workspace: Any, script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(FASHION)
    results = api_workspace.read_results()
    assert list(results)[:6] == [
        "step",
        "start_time",
        "execution_time_seconds",
        "parameters",
        "run_description",
        "metrics",
    ]
    expected = {
        "optimizer": "adam",
        "loss_function": "sparse_categorical_crossentropy",
        "epochs": 5,
        "fit_batch_size": None,
        "evaluate_batch_size": None,
    }
    assert dict(list(results["parameters"].items())[:5]) == expected
    assert results["run_description"] is None
    assert results["metrics"] == {"loss": found["test_loss"], "accuracy": found["test_acc"]}
    assert found["test_acc"] > 0.8
    assert f"Test accuracy: {found['test_acc']}" in capsys.readouterr().out

    results_dir = api_workspace.root / "results"
    losses = json.loads((results_dir / "metrics_history.json").read_text())["metrics"]["loss"]
    assert len(losses) == 5
    assert json.loads((results_dir / "fashion.keras.json").read_text())["best"] == {"loss": min(losses)}
    model = keras.models.load_model(results_dir / "fashion.keras", custom_objects={"softmax_v2": tf.nn.softmax})
    assert model.evaluate(found["test_images"], found["test_labels"], verbose=0)[1] > 0.8
    step = api_workspace.read_lineage()
    [cert] = step["input_resources"]
    assert cert["certificate"]["content"] == api_workspace.get_resource("api").get_input_hash()


def test_subclassing_from_a_keras_model(api_workspace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(SUBCLASS)
    assert api_workspace.read_results()["metrics"] == {"loss": found["test_loss"], "accuracy": found["test_acc"]}
    assert api_workspace.get_resource("api").get_input_hash()


def test_data_types_of_the_manual(api_workspace: Any) -> None:
    """NumPy, pandas, tensors and datasets, tuples and dictionaries of these: see ``test_data.py``."""
    from dataworkspaces.kit_support.data_hash import hash_of_inputs

    assert hash_of_inputs({"a": (tf.constant([1.0]), np.ones(2))}) == hash_of_inputs(
        {"a": (np.float32([1]), np.ones(2))}
    )
    assert "tensorflow" in sys.modules
