"""What autolog records of Keras."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
from training_troubles import no_results_directory

from dataworkspaces.kit_support.autolog import Session
from dataworkspaces.kit_support.data_hash import hash_of_inputs
from dataworkspaces.kits import autolog
from dataworkspaces.kits.tensorflow import DwsLineageCallback
from dataworkspaces.lineage.live import live_runs

X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int64")


@pytest.fixture
def session(workspace: Any) -> Iterator[Session]:
    yield autolog(input_resource="data", pictures=False)
    autolog(disable=True)


def make() -> Any:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.graphs
def test_a_training_and_its_evaluation(workspace: Any, session: Session) -> None:
    model = make()
    halving = keras.callbacks.LearningRateScheduler(lambda epoch: 0.5 / 2**epoch)
    model.fit(X, Y, epochs=3, batch_size=20, verbose=0, callbacks=[halving, keras.callbacks.EarlyStopping("loss")])
    (live,) = live_runs(workspace)
    assert [epoch.metrics["learning_rate"] for epoch in live.epochs] == [0.5, 0.25, 0.125]
    X_test, y_test = X[:20], Y[:20]
    found = model.evaluate(X_test, y_test, verbose=0)
    session.save(at_end=True)
    results = workspace.read_results()
    assert results["metrics"]["accuracy_X_test"] == pytest.approx(found[1])
    parameters = results["parameters"]
    assert (parameters["optimizer"], parameters["epochs"], parameters["fit_batch_size"]) == ("sgd", 3, 20)
    assert [callback["class"] for callback in parameters["callbacks"]] == ["LearningRateScheduler", "EarlyStopping"]
    assert (parameters["stopped_epoch"], parameters["best_epoch"], parameters["restored_epoch"]) == (None, 3, None)
    settings = parameters["fit_settings"]  # those that are as Keras has them too
    assert (settings["shuffle"], settings["class_weight"], settings["validation_freq"]) == (True, None, 1)
    assert settings["sample_weight"] is None
    assert {"model.keras", "model_summary.txt", "metrics_history.json"} <= set(results["files"])
    details = json.loads((workspace.root / "results" / "autolog.json").read_text())
    assert details["signature"]["inputs"] == [{"type": "float32", "shape": [None, 4]}]
    fit = details["data"]["fit"]
    assert (fit["X"], fit["y"], fit["samples"], fit["hash"]) == ("X", "Y", 60, hash_of_inputs(X, Y))
    assert details["data"]["evaluated"]["X_test"]["hash"] == hash_of_inputs(X_test, y_test)
    assert "input_example" not in details
    assert "keras" in details["packages"]


def test_early_stopping_and_the_data_for_validation(workspace: Any) -> None:
    session = autolog(input_resource="data", pictures=False, save_models=False, input_examples=True)
    X_valid, y_valid = X[40:], Y[40:]
    model = make()
    model.fit(X[:40], Y[:40], initial_epoch=4, epochs=5, verbose=0)  # which go on in the same run
    worse = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(val_loss=float(epoch)))
    stopping = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    model.fit(X[:40], Y[:40], epochs=9, validation_data=(X_valid, y_valid), callbacks=[worse, stopping], verbose=0)
    session.save(at_end=True)
    autolog(disable=True)
    results = workspace.read_results()
    parameters = results["parameters"]
    assert (parameters["best_epoch"], parameters["restored_epoch"], parameters["stopped_epoch"]) == (6, 6, 8)
    assert parameters["fit_batch_size"] == 32
    assert results["metrics"]["best_val_loss"] == 0.0
    details = json.loads((workspace.root / "results" / "autolog.json").read_text())
    validation = details["data"]["validation"]
    assert (validation["X"], validation["y"], validation["samples"]) == ("X_valid", "y_valid", 20)
    assert details["input_example"] == X[:5].tolist()


def test_a_part_of_the_data_is_for_validation(workspace: Any, session: Session) -> None:
    make().fit(X, Y, validation_split=0.25, verbose=0)
    session.save(at_end=True)
    details = json.loads((workspace.root / "results" / "autolog.json").read_text())
    assert details["data"]["validation"] == {"split": 0.25, "samples": 15}


def test_a_model_that_is_trained_again_goes_on(workspace: Any, session: Session) -> None:
    model = make()
    for _ in range(2):
        model.fit(X, Y, epochs=2, verbose=0)
    (live,) = live_runs(workspace)
    assert [epoch.number for epoch in live.epochs] == [1, 2, 3, 4]
    assert live.parameters["fit_calls"] == 2


def test_what_the_kit_records_is_recorded_once(workspace: Any, session: Session) -> None:
    make().fit(X, Y, verbose=0, callbacks=[DwsLineageCallback("data")])
    assert len(live_runs(workspace)) == 1


def test_a_training_is_not_lost_to_its_record(
    workspace: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_results_directory(workspace, monkeypatch)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert len(make().fit(X, Y, epochs=2, verbose=0).history["loss"]) == 2
        session.save(at_end=True)
    assert len([w for w in told if "not recorded" in str(w.message)]) == 1
