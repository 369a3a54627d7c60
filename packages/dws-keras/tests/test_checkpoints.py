"""Checkpoints in the scratch directory, and the best of them among the results."""

from __future__ import annotations

import json
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dataworkspaces.errors import ApiParamError, ConfigurationError
from dataworkspaces.kits.tensorflow import CheckpointConfig, DwsModelCheckpoint, add_lineage_to_keras_model_class

X = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.int64)


class Values(keras.callbacks.Callback):
    """Gives a metric the values that a test wants; it comes before the checkpoints."""

    def __init__(self, values: list[float]) -> None:
        super().__init__()
        self.values = values
        self.weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["loss"] = self.values[epoch]
        self.weights.append(self.model.get_weights())


def make_model(cls: Any) -> Any:
    model = cls([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train(config: CheckpointConfig | None, values: list[float], *callbacks: Any) -> list[Any]:
    """The weights after each epoch."""
    model = make_model(add_lineage_to_keras_model_class(keras.Sequential, checkpoint_config=config))
    metric = Values(values)
    model.fit(X, Y, epochs=len(values), verbose=0, callbacks=[metric, *callbacks])
    return metric.weights


def scratch_files(workspace: Any, name: str = "m") -> list[str]:
    return sorted(p.name for p in (workspace.root / "scratch" / "checkpoints" / name).glob("*/*"))


def saved(workspace: Any, name: str = "m.keras") -> Any:
    return keras.models.load_model(workspace.root / "results" / name).get_weights()


def assert_equal(found: Any, expected: Any) -> None:
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_fields() -> None:
    config = CheckpointConfig("fashion")
    assert config == ("fashion", "val_loss", False, "auto", "epoch")
    assert (config.model_name, config.monitor, config.save_best_only, config.mode, config.save_freq) == config
    weights = CheckpointConfig("fashion", save_weights_only=True)
    assert weights != config
    assert len(weights) == 5
    assert pickle.loads(pickle.dumps(weights)) == weights
    assert CheckpointConfig(model="fashion", monitor="loss") == CheckpointConfig("fashion", "loss")


def test_a_name_is_needed() -> None:
    with pytest.raises(ApiParamError, match="model_name"):
        CheckpointConfig()


@pytest.mark.parametrize(("mode", "best"), [("auto", 1), ("min", 1), ("max", 2)])
@pytest.mark.parametrize("only", [False, True])
def test_the_best_one_becomes_a_result(workspace: Any, mode: str, best: int, only: bool) -> None:
    weights = train(CheckpointConfig("m", "loss", only, mode), [3.0, 1.0, 4.0, 2.0])
    assert_equal(saved(workspace), weights[best])
    description = json.loads((workspace.root / "results" / "m.keras.json").read_text())
    assert description["checkpoint"] == f"epoch-{best + 1:03d}.keras"
    assert description["best"] == {"loss": [3.0, 1.0, 4.0, 2.0][best]}
    assert description["keras"] == keras.__version__


def test_all_stay_in_the_scratch_directory(workspace: Any) -> None:
    train(CheckpointConfig("m", "loss"), [3.0, 1.0, 2.0])
    assert scratch_files(workspace) == ["epoch-001.keras", "epoch-002.keras", "epoch-003.keras"]


def test_only_better_ones_are_written(workspace: Any) -> None:
    train(CheckpointConfig("m", "loss", save_best_only=True), [3.0, 4.0, 2.0])
    assert scratch_files(workspace) == ["epoch-001.keras", "epoch-003.keras"]


def test_the_last_one_where_the_metric_is_not_measured(workspace: Any) -> None:
    weights = train(CheckpointConfig("m", "val_loss"), [1.0, 2.0])
    assert_equal(saved(workspace), weights[-1])
    assert "best" not in json.loads((workspace.root / "results" / "m.keras.json").read_text())


def test_after_a_nan_anything_is_better(workspace: Any) -> None:
    weights = train(CheckpointConfig("m", "loss"), [float("nan"), 2.0, 3.0])
    assert_equal(saved(workspace), weights[1])


def test_weights_only(workspace: Any) -> None:
    weights = train(CheckpointConfig("m", "loss", save_weights_only=True), [1.0, 2.0])
    model = make_model(keras.Sequential)
    model.load_weights(workspace.root / "results" / "m.weights.h5")
    assert_equal(model.get_weights(), weights[0])


@pytest.mark.parametrize("only", [False, True])
def test_after_a_number_of_batches(workspace: Any, only: bool) -> None:
    model = make_model(add_lineage_to_keras_model_class(keras.Sequential))
    checkpoint = DwsModelCheckpoint("m", monitor="loss", save_best_only=only, save_freq=3)
    model.fit(X, Y, epochs=2, batch_size=8, verbose=0, callbacks=[checkpoint])
    assert scratch_files(workspace)[:1] == ["epoch-001-batch-000003.keras"]
    assert (workspace.root / "results" / "m.keras").exists()


def test_as_a_callback_as_the_manual_has_it(workspace: Any) -> None:
    weights = train(None, [2.0, 1.0, 3.0], DwsModelCheckpoint("fashion", monitor="loss", save_best_only=True))
    assert_equal(saved(workspace, "fashion.keras"), weights[1])
    assert workspace.read_lineage()["output_resources"][0]["resource_name"] == "results"


def test_of_a_model_that_is_not_wrapped(workspace: Any) -> None:
    model = make_model(keras.Sequential)
    model.fit(X, Y, verbose=0, callbacks=[DwsModelCheckpoint("m", monitor="loss")])
    assert_equal(saved(workspace), model.get_weights())


def test_in_a_directory_with_braces(workspace: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "{x}"
    monkeypatch.setattr(type(workspace), "get_scratch_directory", lambda self: str(scratch))
    train(CheckpointConfig("m", "loss"), [1.0])
    assert [p.name for p in scratch.glob("checkpoints/m/*/*")] == ["epoch-001.keras"]


@pytest.mark.parametrize("name", ["../m", "/tmp/m", "a//m", "snapshots/m"])
def test_names_that_a_model_cannot_have(workspace: Any, name: str) -> None:
    with pytest.raises(ConfigurationError, match="model_name"):
        DwsModelCheckpoint(name)


KILLED = """
import os, signal, sys
sys.path[:0] = {path!r}
import keras, directory_workspace
from dataworkspaces import plugins
load = plugins.load
ours = directory_workspace.DirectoryWorkspaceFactory
plugins.load = lambda g, n: ours if (g, n) == (plugins.BACKENDS, "git") else load(g, n)
import test_checkpoints as t
class Kill(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)
t.train(t.CheckpointConfig("m", "loss"), [3.0, 1.0, 2.0, 0.5], Kill())
"""


def test_a_killed_training_leaves_its_checkpoints(workspace: Any) -> None:
    import directory_workspace

    path = [str(Path(directory_workspace.__file__).parent), str(Path(__file__).parent)]
    killed = subprocess.run([sys.executable, "-c", KILLED.format(path=path)], cwd=workspace.root, check=False)
    assert killed.returncode == -signal.SIGKILL
    files = [p for p in (workspace.root / "scratch" / "checkpoints" / "m").glob("*/*") if p.is_file()]
    assert sorted(p.name for p in files) == ["epoch-001.keras", "epoch-002.keras"]
    for file in files:
        keras.models.load_model(file)
    assert not (workspace.root / "results" / "m.keras").exists()
