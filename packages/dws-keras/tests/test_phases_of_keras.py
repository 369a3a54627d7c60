"""Parameters are what happened: each of several calls of ``fit``, epochs asked for and trained, callbacks."""

from __future__ import annotations

import json
import warnings
from typing import Any

import keras
import numpy as np
import pytest

from dataworkspaces.kits.tensorflow import CheckpointConfig, DwsLineageCallback, add_lineage_to_keras_model_class
from dataworkspaces.lineage.runs.log import parse_log

X = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.int64)


def make_model(cls: Any = None, **kwargs: Any) -> Any:
    cls = cls or add_lineage_to_keras_model_class(keras.Sequential, **kwargs)
    model = cls([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    return compiled(model)


def compiled(model: Any, optimizer: Any = "adam", loss: Any = "sparse_categorical_crossentropy") -> Any:
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


class Values(keras.callbacks.Callback):
    """Gives a metric the values that a test wants."""

    def __init__(self, *values: float, name: str = "loss") -> None:
        super().__init__()
        self.values = values
        self.name = name

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs[self.name] = self.values[epoch - (self.params["epochs"] - len(self.values))]


def fit(model: Any, *values: float, name: str = "loss", callbacks: Any = (), **kwargs: Any) -> Any:
    given = {"epochs": len(values), **kwargs}
    return model.fit(X, Y, verbose=0, callbacks=[Values(*values, name=name), *callbacks], **given)


def results(workspace: Any, model: Any, **kwargs: Any) -> dict[str, Any]:
    model.evaluate(X, Y, verbose=0, **kwargs)
    found: dict[str, Any] = workspace.read_results()["parameters"]
    return found


def history(workspace: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((workspace.root / "results" / "metrics_history.json").read_text())
    return found


@pytest.mark.graphs
def test_both_phases_of_fit_compile_fit(workspace: Any) -> None:
    model = make_model()
    for batch_size in (8, 8):
        model.fit(X, Y, epochs=2, batch_size=batch_size, verbose=0)
    compiled(model, keras.optimizers.SGD(0.25), keras.losses.SparseCategoricalCrossentropy())
    model.fit(X, Y, epochs=1, batch_size=4, verbose=0)
    found = results(workspace, model)
    assert (found["optimizer"], found["epochs"], found["epochs_trained"]) == ("sgd", 1, 1)
    first, second = found["phases"]
    assert (first["calls"], first["epochs_requested"], first["epochs_trained"]) == (2, 4, 4)
    assert (first["optimizer"], first["fit_batch_size"], first["loss_function"]) == (
        "adam", 8, "sparse_categorical_crossentropy"
    )  # fmt: skip
    assert (second["optimizer"], second["fit_batch_size"], second["epochs_trained"]) == ("sgd", 4, 1)
    assert second["optimizer_settings"]["learning_rate"] == 0.25
    assert "model" not in first  # it is the same in both
    assert history(workspace)["epochs"] == [1, 2, 3, 4, 5]
    assert results(workspace, compiled(model))["loss_settings"] is None  # what was compiled before is not told of it


def test_epochs_that_were_asked_for_and_trained(workspace: Any) -> None:
    stop = keras.callbacks.EarlyStopping("loss", patience=2, min_delta=0.5)
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.25, patience=7)
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate)
    model = make_model(checkpoint_config=CheckpointConfig("m", "loss"))
    fit(model, *[1.0] * 20, callbacks=[stop, plateau, schedule])
    found = results(workspace, model)
    assert (found["epochs"], found["epochs_trained"]) == (20, 3)
    told = {callback["class"]: callback for callback in found["callbacks"]}
    assert told["EarlyStopping"]["patience"] == 2
    assert (told["EarlyStopping"]["monitor"], told["EarlyStopping"]["min_delta"]) == ("loss", 0.5)
    assert (told["ReduceLROnPlateau"]["factor"], told["ReduceLROnPlateau"]["patience"]) == (0.25, 7)
    assert "<lambda>" in told["LearningRateScheduler"]["schedule"]
    assert told["DwsModelCheckpoint"]["monitor"] == "loss"
    assert "name" not in told["Values"]  # text of others may be a password
    assert "phases" not in found


@pytest.mark.parametrize("wrapped", [True, False])
def test_the_initial_epoch(workspace: Any, wrapped: bool) -> None:
    lineage = None if wrapped else DwsLineageCallback(callbacks=[keras.callbacks.EarlyStopping("loss")])
    model = make_model(None if wrapped else keras.Sequential)
    callbacks = [] if lineage is None else [lineage]
    model.fit(X, Y, initial_epoch=10, epochs=12, verbose=0, callbacks=callbacks)
    model.fit(X, Y, epochs=1, verbose=0, callbacks=callbacks)
    found = results(workspace, model, callbacks=callbacks)
    assert history(workspace)["epochs"] == [11, 12, 13]
    log = parse_log((workspace.root / "results" / "run.jsonl").read_bytes())
    assert log is not None
    assert [number for number, _ in log.epochs] == [11, 12, 13]
    assert found["phases"] == [{"calls": 2, "epochs_requested": 3, "epochs_trained": 3}]
    assert (found["initial_epoch"], found["epochs"]) == (0, 1)
    if not wrapped:
        assert found["callbacks"][0]["monitor"] == "loss"


def test_mixed_precision_has_the_optimizer_that_trains(workspace: Any) -> None:
    inner = keras.optimizers.SGD(0.5)
    model = compiled(make_model(), keras.optimizers.LossScaleOptimizer(inner))
    model.fit(X, Y, verbose=0)
    found = results(workspace, model)
    assert (found["optimizer"], found["optimizer_settings"]["learning_rate"]) == ("sgd", 0.5)


def test_a_worse_checkpoint_takes_no_place(workspace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def best() -> Any:
        return json.loads((workspace.root / "results" / "m.keras.json").read_text())["best"]

    model = make_model(checkpoint_config=CheckpointConfig("m", "accuracy", mode="max"))
    fit(model, 0.5, 0.75, name="accuracy")
    weights = model.get_weights()
    compiled(model, "sgd")
    fit(model, 0.7, 0.6, name="accuracy")
    assert best() == {"accuracy": 0.75}
    assert "stays the one from an earlier training" in capsys.readouterr().out
    np.testing.assert_array_equal(
        keras.models.load_model(workspace.root / "results" / "m.keras").get_weights()[0], weights[0]
    )
    fit(model, 0.9, name="accuracy")
    assert best() == {"accuracy": 0.9}
    model.evaluate(X, Y, verbose=0)
    fit(model, 0.1, name="accuracy")  # another run, which has a checkpoint of its own
    assert best() == {"accuracy": 0.1}
    assert (workspace.root / "results" / "runs" / "Sequential-1" / "m.keras").exists()


def test_losses_of_another_kind_are_not_compared(workspace: Any) -> None:
    model = make_model(checkpoint_config=CheckpointConfig("m", "loss"))
    fit(model, 0.5)
    fit(model, 0.75)
    name = workspace.root / "results" / "m.keras.json"
    assert json.loads(name.read_text())["best"] == {"loss": 0.5}
    compiled(model, loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=7))
    fit(model, 0.75)
    assert json.loads(name.read_text())["best"] == {"loss": 0.75}


def test_batches_by_themselves_are_counted_and_said_once(workspace: Any) -> None:
    model = make_model()
    with pytest.warns(UserWarning, match=r"train_on_batch\(\) records only"):
        model.train_on_batch(X, Y)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        model.train_on_batch(X, Y)
        model.train_on_batch(X, Y)
    assert not [w for w in warned if "train_on_batch" in str(w.message)]
    assert results(workspace, model)["train_on_batch_calls"] == 3


def test_an_interrupted_phase(workspace: Any) -> None:
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    for lineage in (None, DwsLineageCallback()):
        callbacks = [] if lineage is None else [lineage]
        model = make_model(None if lineage is None else keras.Sequential)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, Y, epochs=5, verbose=0, callbacks=[*callbacks, Stop()])
        found = results(workspace, model, callbacks=callbacks)
        assert (found["epochs"], found["epochs_trained"]) == (5, 1)
        assert found["fit_ended_by"] == ("KeyboardInterrupt" if lineage is None else "an error")
