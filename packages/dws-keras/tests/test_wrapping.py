"""A wrapped class of models: what it leaves in the workspace, and that it is a class of Keras like any other."""

from __future__ import annotations

import ast
import copy
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dataworkspaces.errors import ApiParamError, ConfigurationError, NotAWorkspaceError
from dataworkspaces.kits.tensorflow import add_lineage_to_keras_model_class
from dataworkspaces.workspace import ResourceRef

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.int64)


def layers() -> list[Any]:
    return [keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2, activation="softmax")]


def compiled(model: Any, **kwargs: Any) -> Any:
    settings = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], **kwargs}
    model.compile(**settings)
    return model


def sequential(**kwargs: Any) -> Any:
    return compiled(add_lineage_to_keras_model_class(keras.Sequential, **kwargs)(layers()))


def functional(cls: Any) -> Any:
    inputs = keras.Input((4,))
    return cls(inputs, keras.layers.Dense(2, activation="softmax")(inputs))


@keras.saving.register_keras_serializable("tests")
class Registered(keras.Model):
    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.dense = keras.layers.Dense(units, activation="softmax")

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@add_lineage_to_keras_model_class
@keras.saving.register_keras_serializable("tests")
class Decorated(keras.Model):
    """A docstring."""

    def __init__(self, units: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.dense = keras.layers.Dense(units, activation="softmax")

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)


# -- results and lineage ---------------------------------------------------------------------------------------------


def test_results(workspace: Any, script: Path) -> None:
    model = sequential()
    model.fit(X, Y, epochs=2, batch_size=8, verbose=0)
    loss, accuracy = model.evaluate(X, Y, batch_size=20, verbose=0)
    results = workspace.read_results()
    assert list(results) == [
        "step", "start_time", "execution_time_seconds", "parameters", "run_description", "metrics", "run_id", "files",
    ]  # fmt: skip
    assert (results["step"], results["run_description"]) == ("digits-svc", None)
    assert results["metrics"] == {"loss": loss, "accuracy": accuracy}
    assert list(results["metrics"]) == ["loss", "accuracy"]
    assert results["parameters"]["model_parameters"] == 4 * 8 + 8 + 8 * 2 + 2
    assert list(results["parameters"].items())[:5] == [
        ("optimizer", "adam"),
        ("loss_function", "sparse_categorical_crossentropy"),
        ("epochs", 2),
        ("fit_batch_size", 8),
        ("evaluate_batch_size", 20),
    ]


def test_batch_sizes_that_were_not_given(workspace: Any) -> None:
    model = sequential()
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    parameters = workspace.read_results()["parameters"]
    assert (parameters["epochs"], parameters["fit_batch_size"], parameters["evaluate_batch_size"]) == (1, None, None)


def test_settings_of_what_the_model_was_compiled_with(workspace: Any) -> None:
    model = compiled(
        sequential(),
        optimizer=keras.optimizers.SGD(learning_rate=0.25, momentum=0.5),
        loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=7),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top2")],
    )
    model.fit(X, Y, verbose=0, shuffle=False, validation_split=0.2)
    model.evaluate(X, Y, verbose=0)
    parameters = workspace.read_results()["parameters"]
    assert (parameters["optimizer"], parameters["loss_function"]) == ("sgd", "SparseCategoricalCrossentropy")
    assert parameters["optimizer_settings"]["class"] == "SGD"
    assert (parameters["optimizer_settings"]["learning_rate"], parameters["optimizer_settings"]["momentum"]) == (
        0.25,
        0.5,
    )
    assert parameters["loss_settings"]["ignore_class"] == 7
    assert parameters["metrics"][0] == "accuracy"
    assert (parameters["metrics"][1]["name"], parameters["metrics"][1]["k"]) == ("top2", 2)
    assert parameters["fit_settings"] == {"shuffle": False, "validation_split": 0.2}


def test_a_function_as_loss(workspace: Any) -> None:
    def ours(expected: Any, found: Any) -> Any:
        return keras.losses.sparse_categorical_crossentropy(expected, found)

    model = compiled(sequential(), loss=ours, metrics=None)
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    assert workspace.read_results()["parameters"]["loss_function"] == "ours"


def test_validation_data_are_described(workspace: Any) -> None:
    model = sequential()
    model.fit(X, Y, validation_data=(X[:5], Y[:5]), verbose=0)
    model.evaluate(X, Y, verbose=0)
    assert workspace.read_results()["parameters"]["validation_data"] == [
        {"shape": [5, 4], "dtype": "float32"},
        {"shape": [5], "dtype": "int64"},
    ]


@pytest.mark.graphs
def test_history(workspace: Any) -> None:
    model = sequential()
    first = model.fit(X, Y, epochs=2, verbose=0).history
    second = model.fit(X, Y, epochs=1, verbose=0, validation_data=(X, Y)).history
    history = json.loads((workspace.root / "results" / "metrics_history.json").read_text())
    assert history["epochs"] == [1, 2, 3]
    assert history["metrics"]["loss"] == first["loss"] + second["loss"]
    assert history["metrics"]["val_accuracy"] == [None, None, *second["val_accuracy"]]


def test_history_of_what_is_not_measured_in_each_epoch(workspace: Any) -> None:
    history = sequential().fit(X, Y, epochs=4, verbose=0, validation_data=(X, Y), validation_freq=2).history
    recorded = json.loads((workspace.root / "results" / "metrics_history.json").read_text())["metrics"]["val_loss"]
    assert recorded == [None, history["val_loss"][0], None, history["val_loss"][1]]


def test_the_history_is_beside_the_results_of_a_later_evaluation_too(workspace: Any) -> None:
    model = sequential()
    model.fit(X, Y, verbose=0)
    path = workspace.root / "results" / "metrics_history.json"
    path.unlink()  # as a snapshot moves it
    model.evaluate(X, Y, verbose=0)
    assert json.loads(path.read_text())["epochs"] == [1]


def test_lineage(workspace: Any, script: Path) -> None:
    model = sequential()
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    step = workspace.read_lineage()
    refs = {
        k: [(c["resource_name"], c["subpath"]) for c in step[f"{k}_resources"]] for k in ("input", "code", "output")
    }
    assert refs == {"input": [("data", None)], "code": [("code", None)], "output": [("results", None)]}


def test_training_alone_has_lineage_too(workspace: Any) -> None:
    sequential().fit(X, Y, verbose=0)
    assert workspace.read_lineage()["parameters"]["epochs"] == 1
    assert not (workspace.root / "results" / "results.json").exists()


def test_a_second_evaluation_is_a_step_of_its_own(workspace: Any) -> None:
    model = sequential()
    model.fit(X, Y, epochs=3, verbose=0)
    model.evaluate(X, Y, verbose=0)
    first = workspace.read_results()
    model.evaluate(X[:7], Y[:7], verbose=0)
    second = workspace.read_results()
    assert second["start_time"] > first["start_time"]
    assert second["parameters"]["epochs"] == 3


def test_seeds_and_determinism_are_recorded(workspace: Any) -> None:
    keras.utils.set_random_seed(17)
    sequential().fit(X, Y, verbose=0)
    seeds = workspace.read_lineage()["random_seeds"]
    assert (seeds["random"], seeds["numpy.random"], seeds["tensorflow"]) == (17, 17, 17)


def test_settings_for_determinism() -> None:
    code = (
        "import tensorflow as tf; tf.config.experimental.enable_op_determinism()\n"
        "from dataworkspaces.kit_support import determinism_settings\n"
        "print(determinism_settings())"
    )
    env = {**os.environ, "TF_DETERMINISTIC_OPS": "1"}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    assert ast.literal_eval(out) == {"TF_DETERMINISTIC_OPS": "1", "tensorflow.enable_op_determinism": True}


def test_several_inputs_and_a_place_for_results(workspace: Any) -> None:
    (workspace.root / "data" / "a").mkdir()
    (workspace.root / "data" / "b").mkdir()
    model = sequential(
        input_resources=[ResourceRef("data", "a"), ResourceRef("data", "b")],
        results_resource=ResourceRef("results", "first"),
    )
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    step = workspace.read_lineage()
    assert [c["subpath"] for c in step["input_resources"]] == ["a", "b"]
    assert (workspace.root / "results" / "first" / "results.json").exists()


def test_the_workspace_can_be_elsewhere(workspace: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = sequential(workspace_dir=str(workspace.root))
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    assert workspace.read_results()["metrics"]["loss"] > 0


def test_a_model_that_is_compiled_again(workspace: Any) -> None:
    model = sequential()
    model.fit(X, Y, epochs=2, verbose=0)
    model.evaluate(X, Y, verbose=0)
    compiled(model, optimizer="sgd").evaluate(X, Y, verbose=0)
    parameters = workspace.read_results()["parameters"]
    assert (parameters["optimizer"], parameters["epochs"]) == ("sgd", 2)


def test_evaluate_says_where_results_are(workspace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    model = sequential()
    model.evaluate(X, Y, verbose=2)
    assert capsys.readouterr().out.endswith("Wrote results to results:results.json\n")
    model.evaluate(X, Y, verbose=0)
    assert capsys.readouterr().out == ""


def test_what_evaluate_returns(workspace: Any) -> None:
    model = sequential()
    as_list, as_dict = model.evaluate(X, Y, verbose=0), model.evaluate(X, Y, verbose=0, return_dict=True)
    assert as_list == [as_dict["loss"], as_dict["accuracy"]]


def test_a_training_that_fails_leaves_the_earlier_results(workspace: Any) -> None:
    model = sequential()
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    before = workspace.read_results(), workspace.read_lineage()
    with pytest.raises(ValueError, match="sizes"):
        model.fit(X, Y[:3], verbose=0)
    assert (workspace.read_results(), workspace.read_lineage()) == before


def test_an_interrupted_training_can_be_evaluated(workspace: Any) -> None:
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise KeyboardInterrupt

    model = sequential()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=5, verbose=0, callbacks=[Stop()])
    model.evaluate(X, Y, verbose=0)
    assert workspace.read_results()["parameters"]["fit_ended_by"] == "KeyboardInterrupt"
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    assert "fit_ended_by" not in workspace.read_results()["parameters"]


# -- what is wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [3, dict, keras.layers.Dense, "Sequential"])
def test_what_is_no_class_of_models(given: Any) -> None:
    with pytest.raises(ApiParamError, match="class of Keras models"):
        add_lineage_to_keras_model_class(given)


def test_outside_of_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotAWorkspaceError):
        add_lineage_to_keras_model_class(keras.Sequential)()


def test_an_input_that_is_not_there(workspace: Any) -> None:
    with pytest.raises(ConfigurationError, match="no input resource 'nowhere'"):
        add_lineage_to_keras_model_class(keras.Sequential, input_resource="nowhere")()


def test_several_resources_to_choose_from(workspace: Any) -> None:
    workspace.add_resource("api", "api-resource", "source-data")
    with pytest.raises(ConfigurationError, match="several resources with data: data, api"):
        add_lineage_to_keras_model_class(keras.Sequential)()


# -- as a class of Keras ---------------------------------------------------------------------------------------------


def test_it_is_a_subclass_with_the_same_name(workspace: Any) -> None:
    wrapped = add_lineage_to_keras_model_class(keras.Sequential)
    assert issubclass(wrapped, keras.Sequential)
    assert (wrapped.__name__, wrapped.__doc__) == ("Sequential", keras.Sequential.__doc__)
    assert wrapped().name.startswith("sequential")
    assert (Decorated.__name__, Decorated.__doc__, Decorated.__module__) == ("Decorated", "A docstring.", __name__)


def test_wrapping_twice_is_wrapping_once(workspace: Any) -> None:
    once = add_lineage_to_keras_model_class(keras.Sequential)
    assert add_lineage_to_keras_model_class(once).__bases__ == (keras.Sequential,)


MODELS = {
    "sequential": lambda: add_lineage_to_keras_model_class(keras.Sequential)([keras.Input((4,)), *layers()]),
    "functional": lambda: functional(add_lineage_to_keras_model_class(keras.Model)),
    "decorated": lambda: Decorated(2),
    "registered": lambda: add_lineage_to_keras_model_class(Registered)(2),
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, workspace: Any) -> Any:
    model = compiled(MODELS[request.param]())
    model.fit(X, Y, verbose=0)
    return model


@pytest.mark.graphs
def test_each_kind_of_model_leaves_results(model: Any, workspace: Any) -> None:
    model.evaluate(X, Y, verbose=0)
    assert set(workspace.read_results()["metrics"]) == {"loss", "accuracy"}


def test_saved_and_loaded(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.keras"
    model.save(path)
    monkeypatch.chdir(tmp_path)  # where there is no workspace
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(loaded.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5)
    assert loaded.optimizer.iterations == model.optimizer.iterations


def test_the_saved_model_knows_nothing_of_the_wrapper(workspace: Any) -> None:
    def layers() -> list[Any]:
        return [keras.Input((4,), name="in"), keras.layers.Dense(2, name="out")]

    plain = keras.Sequential(layers(), name="m").to_json()
    wrapped = add_lineage_to_keras_model_class(keras.Sequential)(layers(), name="m").to_json()
    assert wrapped == plain
    assert type(keras.models.model_from_json(wrapped)) is keras.Sequential
    assert "dataworkspaces" not in functional(add_lineage_to_keras_model_class(keras.Model)).to_json()


def test_a_loaded_model_of_a_wrapped_class_records(workspace: Any, tmp_path: Path) -> None:
    model = compiled(Decorated(2))
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is Decorated
    loaded.evaluate(X, Y, verbose=0)
    assert set(workspace.read_results()["metrics"]) == {"loss", "accuracy"}


@pytest.mark.parametrize("copy_of", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy], ids=["pickle", "copy"])
def test_copies(model: Any, copy_of: Any) -> None:
    np.testing.assert_allclose(copy_of(model).predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5)


def test_weights(model: Any, tmp_path: Path) -> None:
    model.save_weights(tmp_path / "model.weights.h5")
    before = [w.copy() for w in model.get_weights()]
    model.set_weights([w * 0 for w in before])
    model.load_weights(tmp_path / "model.weights.h5")
    for found, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_cloned(model: Any) -> None:
    clone = keras.models.clone_model(model)
    clone.build((None, 4))
    assert [w.shape for w in clone.get_weights()] == [w.shape for w in model.get_weights()]


def test_exported(model: Any, tmp_path: Path) -> None:
    import tensorflow as tf

    model.export(tmp_path / "exported", verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(loaded.serve(X), model.predict(X, verbose=0), rtol=1e-5)


@pytest.mark.graphs
def test_training_gives_the_same_numbers_as_without(workspace: Any) -> None:
    def weights(cls: Any) -> list[Any]:
        keras.utils.set_random_seed(3)
        model = compiled(cls(layers()))
        model.fit(X, Y, epochs=2, batch_size=8, verbose=0)
        return list(model.get_weights())

    wrapped = weights(add_lineage_to_keras_model_class(keras.Sequential))
    for found, expected in zip(wrapped, weights(keras.Sequential), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.graphs
def test_nothing_is_called_for_a_batch(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a wrapped model costs nothing a batch, where no data have to be hashed."""
    given: list[Any] = []
    fit = keras.Sequential.fit

    def spy(self: Any, *args: Any, callbacks: Any = None, **kwargs: Any) -> Any:
        given.append(callbacks)
        return fit(self, *args, callbacks=callbacks, **kwargs)

    monkeypatch.setattr(keras.Sequential, "fit", spy)
    sequential().fit(X, Y, verbose=0)
    [[callback]] = given
    plain = keras.callbacks.Callback
    for hook in ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"):
        assert getattr(type(callback), hook) is getattr(plain, hook)


def test_subclasses_of_a_wrapped_model_class(workspace: Any) -> None:
    """One that is functional and one that is not, of one wrapped ``keras.Model``."""
    base = add_lineage_to_keras_model_class(keras.Model)

    class Functional(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            inputs = keras.Input((4,))
            super().__init__(inputs=inputs, outputs=keras.layers.Dense(2, activation="softmax")(inputs))

    class Plain(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(2, activation="softmax")

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    for model in (Functional(), Plain(), Functional(), functional(base)):
        compiled(model).fit(X, Y, verbose=0)
        model.evaluate(X, Y, verbose=0)
        assert workspace.read_results()["parameters"]["model"] == type(model).__name__


def test_a_method_of_ones_own(workspace: Any) -> None:
    @add_lineage_to_keras_model_class(verbose=False)
    class Ours(Registered):
        def fit(self, x: Any, y: Any, note: str = "", **kwargs: Any) -> Any:
            self.note = note
            return super().fit(x, y, **kwargs)

    model = compiled(Ours(2))
    model.fit(X, Y, "first", epochs=2, verbose=0)
    model.evaluate(X, Y, verbose=0)
    assert model.note == "first"
    assert workspace.read_results()["parameters"]["epochs"] == 2
