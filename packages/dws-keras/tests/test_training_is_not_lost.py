"""A record that cannot be kept costs neither a training of Keras nor its score: a warning says what is not recorded."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from training_troubles import fail, no_end_and_no_abort, no_results_directory, no_workspace

from dataworkspaces.errors import LockedError, NotAWorkspaceError
from dataworkspaces.kits.tensorflow import CheckpointConfig, DwsLineageCallback, add_lineage_to_keras_model_class

X = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.int64)


def make_model(cls: Any = keras.Sequential) -> Any:
    keras.utils.set_random_seed(0)
    model = cls([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def no_beginning(workspace: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("dataworkspaces.kit_support.training.begin_step", fail)


def no_scratch(workspace: Any, patch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(workspace.root / "scratch", ignore_errors=True)
    (workspace.root / "scratch").write_text("no directory")


def no_settings(workspace: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("dataworkspaces.kits.tensorflow.settings.of_model", fail)


TROUBLES = [no_beginning, no_end_and_no_abort, no_results_directory, no_workspace, no_scratch, no_settings]
CONFIG = CheckpointConfig("m", "loss")


class Trouble(keras.callbacks.Callback):
    def __init__(self, make: Callable[[], None]) -> None:
        super().__init__()
        self.make = make

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            self.make()


@functools.cache
def bare() -> tuple[list[float], float]:
    """The losses of three epochs, and the score, without us."""
    model = make_model()
    return model.fit(X, Y, epochs=3, verbose=0).history["loss"], model.evaluate(X, Y, verbose=0)


@pytest.mark.parametrize(
    ("when", "trouble"),
    [("before", trouble) for trouble in TROUBLES]
    + [("meanwhile", trouble) for trouble in (no_results_directory, no_workspace, no_scratch)]
    + [("after", trouble) for trouble in (no_end_and_no_abort, no_workspace)],
)
def test_trouble(workspace: Any, monkeypatch: pytest.MonkeyPatch, trouble: Callable[..., None], when: str) -> None:
    losses, score = bare()
    wrapped = make_model(add_lineage_to_keras_model_class(keras.Sequential, checkpoint_config=CONFIG))
    callbacks = [Trouble(lambda: trouble(workspace, monkeypatch))] if when == "meanwhile" else []

    def train_and_evaluate() -> None:
        if when == "before":
            trouble(workspace, monkeypatch)
        assert wrapped.fit(X, Y, epochs=3, verbose=0, callbacks=callbacks).history["loss"] == losses
        if when == "after":
            trouble(workspace, monkeypatch)
            wrapped.fit(X, Y, epochs=1, verbose=0)
        else:
            assert wrapped.evaluate(X, Y, verbose=0) == score

    with pytest.warns(UserWarning, match="is not recorded|not stored|not all be written"):
        train_and_evaluate()


@pytest.mark.parametrize("trouble", [no_beginning, no_workspace], ids=lambda f: f.__name__)
def test_trouble_of_a_callback(workspace: Any, monkeypatch: pytest.MonkeyPatch, trouble: Callable[..., None]) -> None:
    bare, model, lineage = make_model(), make_model(), DwsLineageCallback()
    trouble(workspace, monkeypatch)
    with pytest.warns(UserWarning, match="This training is not recorded"):
        found = model.fit(X, Y, verbose=0, callbacks=[lineage]).history
    with pytest.warns(UserWarning, match="This score is not recorded"):
        score = model.evaluate(X, Y, verbose=0, callbacks=[lineage])
    assert found == bare.fit(X, Y, verbose=0).history
    assert score == bare.evaluate(X, Y, verbose=0)


def test_a_later_record_says_that_the_training_is_missing(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model(add_lineage_to_keras_model_class(keras.Sequential))
    with monkeypatch.context() as patch:
        no_beginning(workspace, patch)
        with pytest.warns(UserWarning, match="This training is not recorded"):
            model.fit(X, Y, epochs=2, verbose=0)
    model.evaluate(X, Y, verbose=0)
    parameters = workspace.read_results()["parameters"]
    assert "No space" in parameters["not_recorded: training"]
    assert (parameters["epochs"], parameters["epochs_trained"]) == (2, 2)


def test_metrics_that_are_no_numbers(workspace: Any) -> None:
    class Strange:
        shape = ()

        def item(self) -> Any:
            raise RuntimeError("no value")

        def __repr__(self) -> str:
            raise RuntimeError("nothing to show")

    class Metrics(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["strange"] = Strange()

    model = make_model(add_lineage_to_keras_model_class(keras.Sequential))
    model.fit(X, Y, verbose=0, callbacks=[Metrics()])
    model.evaluate(X, Y, verbose=0)
    assert "Strange" in (workspace.root / "results" / "metrics_history.json").read_text()


def test_a_hash_that_cannot_be_taken_any_more(api_workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sequence(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Any:
            if index == 2:
                monkeypatch.setattr("dataworkspaces.kit_support.streams.prepare", fail)
            return X[index * 8 : index * 8 + 8], Y[index * 8 : index * 8 + 8]

    model = make_model(add_lineage_to_keras_model_class(keras.Sequential))
    with pytest.warns(UserWarning, match="What was read to fit is not recorded"):
        model.fit(Sequence(), epochs=2, verbose=0)
    model.evaluate(X, Y, verbose=0)
    assert "No space" in api_workspace.read_results()["parameters"]["not_recorded: fit"]


def test_before_a_training_errors_are_errors(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cls = add_lineage_to_keras_model_class(keras.Sequential)
    model = make_model(cls)

    def locked(*args: Any, **kwargs: Any) -> Any:
        raise LockedError("another script writes there")

    with monkeypatch.context() as patch:
        patch.setattr("dataworkspaces.kit_support.training.begin_step", locked)
        with pytest.raises(LockedError):
            model.fit(X, Y, verbose=0)
    loaded = cls.from_config(model.get_config())
    loaded.compile("adam", "sparse_categorical_crossentropy")
    monkeypatch.chdir(workspace.root.parent)
    with pytest.raises(NotAWorkspaceError):
        loaded.fit(X, Y, verbose=0)
