"""Data on their way to Keras, whose hash is taken: at once, or as they are read."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.data_hash import HASHABLE, hash_of_inputs
from dataworkspaces.kit_support.streams import IndexedStream, PassStream, Stream, watch_iterable

Data = tuple[Any, Any, Any]
"""Samples, targets and weights, as ``fit`` takes them; what is read batch by batch has them all in its samples."""


class Watched:
    """Data to be given to Keras in the place of those that came.

    :ivar data: these data.
    :ivar stream: what has to be told how many batches were used; None for data that are not read batch by batch."""

    def __init__(self, data: Data, hashval: Callable[[], str | None], stream: Stream | None = None) -> None:
        self.data = data
        self.stream = stream
        self._hashval = hashval

    def hexdigest(self) -> str | None:
        """The hash, once the data have been used."""
        return self._hashval()

    def close(self) -> None:
        if isinstance(self.stream, IndexedStream):
            self.stream.close()


def watch(data: Data, scratch: Path, shuffled: bool) -> Watched:
    """Watch data. Raises ApiParamError for what has no hash.

    :param scratch: a directory for what worker processes find out.
    :param shuffled: whether Keras shuffles the batches of a sequence."""
    x = data[0]
    if isinstance(x, keras.utils.PyDataset):
        return _watch_sequence(x, scratch, shuffled)
    if isinstance(x, types.GeneratorType):
        return _watch_generator(x)
    if _is(x, "DataLoader", "torch.utils.data"):
        return _watch_loader(x)
    if _is(x, "DatasetV2", "tensorflow.python"):
        return _watch_dataset(x)
    if hasattr(x, "__iter__") and not hasattr(x, "__array__") and not hasattr(x, "__len__"):
        raise ApiParamError(
            f"Data of type {type(x).__name__} cannot be hashed for an API resource",
            hint=f"Hashing works for {HASHABLE}, tf.data.Dataset, keras.utils.PyDataset, generators and "
            "PyTorch's DataLoader; "
            "keep other data in a resource with files",
        )
    hashval = hash_of_inputs(*without_missing(data))
    return Watched(data, lambda: hashval)


def without_missing(data: Data) -> tuple[Any, ...]:
    """Samples, targets and weights, without those at the end that are None."""
    parts: tuple[Any, ...] = data
    while len(parts) > 1 and parts[-1] is None:
        parts = parts[:-1]
    return parts


def unpack(data: Any) -> Data:
    """What ``validation_data`` holds."""
    parts = [*data, None, None, None] if isinstance(data, (tuple, list)) else [data, None, None]
    return parts[0], parts[1], parts[2]


class UseCounter(keras.callbacks.Callback):  # type: ignore[misc] # keras has no types
    """Tells streams how many batches were used to train, and to evaluate."""

    def __init__(self, training: Stream | None, evaluation: Stream | None) -> None:
        super().__init__()
        self._streams = {"train": training, "test": evaluation}
        self._before = {"train": 0, "test": 0}
        self._used = {"train": 0, "test": 0}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._before["train"] = self._used["train"]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._count("train", batch)

    def on_test_begin(self, logs: Any = None) -> None:
        self._before["test"] = self._used["test"]

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._count("test", batch)

    def _count(self, what: str, batch: int) -> None:
        stream = self._streams[what]
        if stream is not None:
            self._used[what] = self._before[what] + int(batch) + 1
            stream.used(self._used[what])


# -- sequences -------------------------------------------------------------------------------------------------------


class _WatchedSequence(keras.utils.PyDataset):  # type: ignore[misc]
    """A sequence whose batches are hashed where they are made: in any thread or process."""

    def __init__(self, sequence: Any, stream: IndexedStream) -> None:
        super().__init__(
            workers=sequence.workers,
            use_multiprocessing=sequence.use_multiprocessing,
            max_queue_size=sequence.max_queue_size,
        )
        self._sequence = sequence
        self._stream = stream

    def __getitem__(self, index: int) -> Any:
        batch = self._sequence[index]
        self._stream.read(index, batch)
        return batch

    @property
    def num_batches(self) -> int | None:
        length: int | None = self._sequence.num_batches
        return length

    def on_epoch_begin(self) -> None:
        self._sequence.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self._sequence.on_epoch_end()
        self._stream.restart()  # Keras ends an epoch before the first one, too, and many sequences shuffle then


def _watch_sequence(sequence: Any, scratch: Path, shuffled: bool) -> Watched:
    several = sequence.use_multiprocessing and sequence.workers > 0
    stream = IndexedStream.below(scratch) if several else IndexedStream(None)

    def hashval() -> str | None:
        return stream.hexdigest(in_order=not shuffled, length=sequence.num_batches)

    return Watched((_WatchedSequence(sequence, stream), None, None), hashval, stream)


# -- what is read in its order ---------------------------------------------------------------------------------------


def _watch_generator(generator: Any) -> Watched:
    stream = PassStream()

    def batches() -> Any:
        yield from stream.pass_through(generator)

    return Watched((batches(), None, None), stream.hexdigest, stream)


def _watch_loader(loader: Any) -> Watched:
    """A copy of a DataLoader of PyTorch, which works with the same workers."""
    stream = PassStream()
    return Watched((watch_iterable(loader, stream), None, None), stream.hexdigest, stream)


def _watch_dataset(dataset: Any) -> Watched:
    """A ``tf.data.Dataset`` that passes each batch through Python. Nothing before that in it is changed, so that it
    shuffles as ever."""
    import tensorflow as tf

    stream = PassStream()
    structure = dataset.element_spec

    def begin(_: Any) -> Any:
        return tf.numpy_function(lambda: stream.begin_pass(), [], tf.int64)

    def read(number: Any, *parts: Any) -> Any:
        stream.read(int(number), tf.nest.pack_sequence_as(structure, list(parts), expand_composites=True))
        return number

    def pass_through(number: Any, batch: Any) -> Any:
        parts = tf.nest.flatten(batch, expand_composites=True)
        done = tf.numpy_function(read, [number, *parts], tf.int64)
        with tf.control_dependencies([done]):
            return tf.nest.map_structure(tf.identity, batch, expand_composites=True)

    # The number of the pass, again and again: found out anew for each iterator.
    numbers = tf.data.Dataset.range(1).map(begin).flat_map(lambda n: tf.data.Dataset.from_tensors(n).repeat())
    numbers = numbers.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    watched = tf.data.Dataset.zip((numbers, dataset)).map(pass_through)
    return Watched((watched, None, None), stream.hexdigest, stream)


def _is(data: Any, name: str, module: str) -> bool:
    """Whether data are of a class of a package that need not be installed."""
    return any(c.__name__ == name and c.__module__.startswith(module) for c in type(data).__mro__)
