"""The hash of data from an API: the same whatever brings them, in any number of workers, read once."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kits.tensorflow import add_lineage_to_keras_model_class

torch = pytest.importorskip("torch")
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

RNG = np.random.default_rng(0)
N, BATCH = 50, 8
X = RNG.normal(size=(N, 40)).astype(np.float32)  # samples larger than what is hashed as it is
Y = RNG.integers(0, 2, size=N)
BATCHES = [(X[i : i + BATCH], Y[i : i + BATCH]) for i in range(0, N, BATCH)]


def make_model(cls: Any = keras.Sequential, **kwargs: Any) -> Any:
    model = add_lineage_to_keras_model_class(cls, **kwargs)(
        [keras.Input((40,)), keras.layers.Dense(2, activation="softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def fit_hash(workspace: Any, *data: Any, **kwargs: Any) -> str:
    """What the lineage has as the hash of the input after ``fit``."""
    make_model().fit(*data, verbose=0, **kwargs)
    return input_hash(workspace)


def input_hash(workspace: Any) -> str:
    [cert] = workspace.read_lineage()["input_resources"]
    recorded = workspace.get_resource("api").get_input_hash()
    assert cert["certificate"]["content"] == recorded
    return str(recorded)


class Sequence(keras.utils.PyDataset):
    """Counts how often each batch was read, in a file, since worker processes read too."""

    def __init__(self, path: Any, batches: Any = BATCHES, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Any:
        with self.path.open("a") as f:
            f.write(f"{index}\n")
        return self.batches[index]

    def reads(self) -> collections.Counter[str]:
        return collections.Counter(self.path.read_text().split())


def batches() -> Iterator[Any]:
    yield from BATCHES


@pytest.fixture
def expected(api_workspace: Any) -> str:
    return fit_hash(api_workspace, X, Y)


CONTAINERS: dict[str, Callable[[], tuple[Any, ...]]] = {
    "frame and series": lambda: (pd.DataFrame(X), pd.Series(Y)),
    "tensors of TensorFlow": lambda: (tf.constant(X), tf.constant(Y)),
    "tensors of PyTorch": lambda: (torch.tensor(X), torch.tensor(Y)),
    "dataset": lambda: (tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH),),
    "dataset of other batches": lambda: (tf.data.Dataset.from_tensor_slices((X, Y)).batch(13).prefetch(2),),
    "dataset of unknown length": lambda: (
        tf.data.Dataset.from_tensor_slices((X, Y)).batch(7).filter(lambda x, y: True),
    ),
    "generator": lambda: (batches(),),
    "DataLoader": lambda: (DataLoader(TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=9),),
    "DataLoader with workers": lambda: (
        DataLoader(TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=9, num_workers=2),
    ),
}


@pytest.mark.graphs
@pytest.mark.filterwarnings("ignore:.*ran out of data")
@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_equal_data_have_the_same_hash(api_workspace: Any, expected: str, container: Any) -> None:
    assert fit_hash(api_workspace, *container()) == expected


@pytest.mark.graphs
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    "workers", [{}, {"workers": 3}, {"workers": 2, "use_multiprocessing": True}], ids=["one", "threads", "processes"]
)
def test_sequences(api_workspace: Any, expected: str, tmp_path: Any, workers: Any, shuffle: bool) -> None:
    sequence = Sequence(tmp_path / "reads", **workers)
    assert fit_hash(api_workspace, sequence, shuffle=shuffle) == expected
    ours = sequence.reads()
    sequence.path.unlink()
    plain = keras.Sequential([keras.Input((40,)), keras.layers.Dense(2, activation="softmax")])
    plain.compile("sgd", "sparse_categorical_crossentropy")
    plain.fit(sequence, shuffle=shuffle, verbose=0)
    assert ours.total() <= sequence.reads().total()
    assert not list((api_workspace.root / "scratch").glob("hashes-*"))


@pytest.mark.parametrize("workers", [{}, {"workers": 2, "use_multiprocessing": True}], ids=["one", "processes"])
def test_a_sequence_that_changes_between_epochs(api_workspace: Any, tmp_path: Any, workers: Any) -> None:
    """As many do, to shuffle. Keras looks at the first batches, then ends an epoch, then begins the first one."""

    class Turns(Sequence):
        def on_epoch_end(self) -> None:
            self.batches = self.batches[::-1]

        def on_epoch_begin(self) -> None:
            self.first = getattr(self, "first", self.batches)

    sequence = Turns(tmp_path / "r", **workers)
    found = fit_hash(api_workspace, sequence, shuffle=False, epochs=2)
    x, y = (np.concatenate(part) for part in zip(*sequence.first, strict=True))
    assert sequence.first == BATCHES[::-1]
    assert found == fit_hash(api_workspace, x, y)


@pytest.mark.parametrize("epochs", [1, 3])
def test_data_that_are_read_in_each_epoch_count_once(
    api_workspace: Any, expected: str, tmp_path: Any, epochs: int
) -> None:
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH)
    assert fit_hash(api_workspace, dataset, epochs=epochs) == expected
    assert fit_hash(api_workspace, Sequence(tmp_path / "r"), epochs=epochs) == expected


def test_a_generator_is_read_once(api_workspace: Any, expected: str) -> None:
    read = []

    def generate() -> Iterator[Any]:
        for i, batch in enumerate(BATCHES):
            read.append(i)
            yield batch

    assert fit_hash(api_workspace, generate(), steps_per_epoch=len(BATCHES)) == expected
    assert read == list(range(len(BATCHES)))


@pytest.mark.parametrize("kind", ["generator", "dataset", "sequence"])
def test_what_is_read_ahead_does_not_count(api_workspace: Any, tmp_path: Any, kind: str) -> None:
    """Three batches of more."""

    def endless() -> Iterator[Any]:
        while True:
            yield from BATCHES

    data = {
        "generator": endless,
        "dataset": lambda: tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH).repeat().prefetch(4),
        "sequence": lambda: Sequence(tmp_path / "r", workers=3),
    }[kind]()
    used = fit_hash(api_workspace, data, steps_per_epoch=3, shuffle=False)
    assert used == fit_hash(api_workspace, X[: 3 * BATCH], Y[: 3 * BATCH])


def test_all_that_a_generator_gave_counts(api_workspace: Any) -> None:
    used = fit_hash(api_workspace, batches(), steps_per_epoch=2, epochs=2)
    assert used == fit_hash(api_workspace, X[: 4 * BATCH], Y[: 4 * BATCH])


@pytest.mark.graphs
def test_a_model_that_has_to_be_built_first(api_workspace: Any, expected: str) -> None:
    """Keras looks at the first batch for that, and begins again."""

    def fit(data: Any) -> str:
        model = add_lineage_to_keras_model_class(keras.Sequential)([keras.layers.Dense(2, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(data, verbose=0)
        return input_hash(api_workspace)

    assert fit(tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH)) == expected
    assert fit(DataLoader(TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=BATCH)) == expected


@pytest.mark.graphs
def test_a_dataset_that_shuffles_trains_as_without(api_workspace: Any) -> None:
    def weights(cls: Any) -> Any:
        keras.utils.set_random_seed(5)
        dataset = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(N, seed=1).batch(BATCH)
        model = cls([keras.Input((40,)), keras.layers.Dense(2, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(dataset, epochs=3, verbose=0)
        return model.get_weights()[0]

    np.testing.assert_array_equal(
        weights(add_lineage_to_keras_model_class(keras.Sequential)), weights(keras.Sequential)
    )


DIFFERENT: dict[str, tuple[Any, ...]] = {
    "value": (np.where(X[3, 3] == X, 0, X), Y),
    "order": (X[::-1], Y[::-1]),
    "type": (X.astype(np.float64), Y),
    "targets": (X, 1 - Y),
    "weights": (X, Y, None, 1, 0, None, 0.0, None, True, None, np.ones(N)),
    "length": (X[:-1], Y[:-1]),
}


@pytest.mark.parametrize("what", ["value", "order", "type", "targets", "length"])
def test_other_data_have_another_hash(api_workspace: Any, expected: str, what: str) -> None:
    assert fit_hash(api_workspace, *DIFFERENT[what]) != expected


def test_weights_count(api_workspace: Any, expected: str) -> None:
    weighted = fit_hash(api_workspace, X, Y, sample_weight=np.ones(N))
    assert weighted != expected
    dataset = tf.data.Dataset.from_tensor_slices((X, Y, np.ones(N))).batch(BATCH)
    assert fit_hash(api_workspace, dataset) == weighted


def test_several_inputs_by_name(api_workspace: Any) -> None:
    def fit(data: tuple[Any, ...]) -> str:
        a, b = keras.Input((40,), name="a"), keras.Input((40,), name="b")
        out = keras.layers.Dense(2, activation="softmax")(keras.layers.Add()([a, b]))
        model = add_lineage_to_keras_model_class(keras.Model)({"a": a, "b": b}, out)
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(*data, verbose=0)
        return input_hash(api_workspace)

    arrays = {"a": X, "b": X + 1}
    dataset = tf.data.Dataset.from_tensor_slices((arrays, Y)).batch(BATCH)
    assert fit((arrays, Y)) == fit((dataset,))
    assert fit((arrays, Y)) != fit(({"a": X + 1, "b": X}, Y))


def test_text_and_ragged_and_sparse_tensors_have_a_hash(api_workspace: Any) -> None:
    from dataworkspaces.kit_support.data_hash import hash_of_inputs

    assert hash_of_inputs(tf.constant(["a", "bc"])) == hash_of_inputs([b"a", b"bc"])  # which is what it holds
    ragged = [tf.ragged.constant(v) for v in ([[1], [2, 3]], [[1, 2], [3]])]
    assert hash_of_inputs(ragged[0]) != hash_of_inputs(ragged[1])
    assert hash_of_inputs(tf.sparse.from_dense(X)) == hash_of_inputs(tf.sparse.reorder(tf.sparse.from_dense(X)))
    assert hash_of_inputs(tf.sparse.from_dense(X)) != hash_of_inputs(tf.sparse.from_dense(X + 1))
    half = torch.ones(3, 2, dtype=torch.bfloat16)
    assert hash_of_inputs(half) == hash_of_inputs(tf.ones((3, 2), tf.bfloat16)) != hash_of_inputs(half * 2)


# -- evaluation and validation ---------------------------------------------------------------------------------------


def whole_hash(workspace: Any, fit: Any, evaluate: Any, **kwargs: Any) -> str:
    model = make_model()
    model.fit(*fit(), verbose=0, **kwargs)
    model.evaluate(*evaluate(), verbose=0)
    return input_hash(workspace)


@pytest.mark.graphs
@pytest.mark.filterwarnings("ignore:.*ran out of data")
def test_data_to_evaluate_with(api_workspace: Any, tmp_path: Any) -> None:
    arrays = whole_hash(api_workspace, lambda: (X, Y), lambda: (X[:16], Y[:16]))
    assert arrays != whole_hash(api_workspace, lambda: (X, Y), lambda: (X[:17], Y[:17]))
    streams = {
        "dataset": lambda: (tf.data.Dataset.from_tensor_slices((X[:16], Y[:16])).batch(5),),
        "generator": lambda: (iter_of(BATCHES[:2]),),
        "sequence": lambda: (Sequence(tmp_path / "r", BATCHES[:2], workers=2, use_multiprocessing=True),),
    }
    for stream in streams.values():
        assert whole_hash(api_workspace, lambda: (X, Y), stream) == arrays


def iter_of(items: Any) -> Iterator[Any]:
    yield from items


def test_data_to_validate_with(api_workspace: Any, tmp_path: Any) -> None:
    def fit(data: Any) -> str:
        return fit_hash(api_workspace, X, Y, validation_data=data, epochs=2)

    arrays = fit((X[:16], Y[:16]))
    assert arrays != fit((X[:17], Y[:17]))
    assert arrays == fit(tf.data.Dataset.from_tensor_slices((X[:16], Y[:16])).batch(5))
    assert arrays == fit(Sequence(tmp_path / "r", BATCHES[:2], workers=2))


def test_predictions_do_not_count(api_workspace: Any, expected: str) -> None:
    model = make_model()
    model.fit(X, Y, verbose=0)
    model.predict(X[:3], verbose=0)
    assert input_hash(api_workspace) == expected


def test_a_resource_with_files_is_not_hashed(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataworkspaces.kits.tensorflow.data.hash_of_inputs", None)
    model = make_model()
    model.fit(X, Y, verbose=0)
    model.evaluate(tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH), verbose=0)
    [cert] = workspace.read_lineage()["input_resources"]
    assert cert["resource_name"] == "data"


def test_data_that_have_no_hash(api_workspace: Any) -> None:
    with pytest.raises(ApiParamError, match="type zip"):
        make_model().fit(zip(X, Y, strict=True), verbose=0)


@pytest.mark.graphs
def test_two_devices(api_workspace: Any, expected: str) -> None:
    """Keras distributes the batches of a data set over the devices of a strategy."""
    strategy = tf.distribute.MirroredStrategy(tf.config.list_logical_devices("CPU"))
    with strategy.scope():
        model = make_model()
    model.fit(tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH), verbose=0)
    assert strategy.num_replicas_in_sync == 2
    assert input_hash(api_workspace) == expected
    model.evaluate(X, Y, verbose=0)
    assert api_workspace.read_results()["metrics"]["loss"] > 0
