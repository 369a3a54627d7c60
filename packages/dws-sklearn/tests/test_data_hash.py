"""The hash of the data that a step reads from an API resource."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.data_hash import DataHash, hash_of_inputs, prepare

MATRIX = np.arange(12.0).reshape(4, 3)
FRAME = pd.DataFrame(
    {"n": [1, 2], "x": [0.5, None], "t": ["a", "b"], "c": pd.Categorical(["u", "v"]), "m": pd.array([1, None])}
)

# Pairs of inputs that are not the same, in which the second is the first with one thing changed.
DIFFERENT: dict[str, tuple[Any, Any]] = {
    "value": (MATRIX, np.where(MATRIX == 5, 6, MATRIX)),
    "dtype": (MATRIX, MATRIX.astype(np.float32)),
    "dtype of the same bytes": (np.zeros(2), np.zeros(2, dtype=np.int64)),
    "shape": (MATRIX, MATRIX.reshape(3, 4)),
    "length of an empty array": (np.zeros((0, 3)), np.zeros((0, 4))),
    "text in an array": (np.array(["a", "b"]), np.array(["a", "c"])),
    "objects in an array": (np.array(["a", 1], dtype=object), np.array(["a", "1"], dtype=object)),
    "dates": (np.array(["2020-01-01"], dtype="M8[D]"), np.array(["2020-01-02"], dtype="M8[D]")),
    "list": ([1, 2, 3], [1, 2, 4]),
    "type in a list": ([1, 2], [1.0, 2.0]),
    "arrangement of a list": ([[1, 2], [3]], [[1], [2, 3]]),
    "texts of a list": (["ab", "c"], ["a", "bc"]),
    "zero bytes": (["a\0"], ["a"]),
    "order": (MATRIX, MATRIX[::-1]),
    "large samples": (np.zeros((3, 99)), np.eye(3, 99)),
    "order of large samples": (np.eye(3, 99), np.eye(3, 99)[::-1]),
    "which of two": ((MATRIX, None), (None, MATRIX)),
    "one sample or a batch of it": (MATRIX[0], MATRIX[:1]),
    "great numbers": ([10**30], [10**30 + 1]),
    "dictionary": ({"a": 1}, {"b": 1}),
    "nothing": (None, []),
    "numbers of a frame": (FRAME, FRAME.assign(n=[1, 3])),
    "missing numbers of a frame": (FRAME, FRAME.assign(x=[0.5, 0.0])),
    "text of a frame": (FRAME, FRAME.assign(t=["a", "c"])),
    "categories of a frame": (FRAME, FRAME.assign(c=pd.Categorical(["u", "w"]))),
    "missing values of a frame": (FRAME, FRAME.assign(m=pd.array([1, 2]))),
    "a column's type": (FRAME, FRAME.astype({"n": "int32"})),
    "series": (pd.Series([1.0, 2.0]), pd.Series([2.0, 1.0])),
    "sparse value": (sparse.csr_array(MATRIX), sparse.csr_array(MATRIX + 1)),
    "sparse shape": (sparse.csr_array((2, 3)), sparse.csr_array((3, 2))),
    "sparse dtype": (sparse.csr_array(MATRIX), sparse.csr_array(MATRIX.astype(np.float32))),
}


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_what_differs_has_another_hash(pair: tuple[Any, Any]) -> None:
    assert hash_of_inputs(pair[0]) != hash_of_inputs(pair[1])


def test_the_place_of_a_value_counts() -> None:
    assert len({hash_of_inputs(MATRIX, None), hash_of_inputs(None, MATRIX), hash_of_inputs(MATRIX)}) == 3


COPIES: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "copy": (MATRIX, np.copy),
    "order of columns in memory": (MATRIX, np.asfortranarray),
    "view with gaps": (MATRIX, lambda a: np.repeat(a, 2, axis=0)[::2]),
    "vector with gaps": (MATRIX[0], lambda a: np.repeat(a, 2)[::2]),
    "frame": (FRAME, lambda f: f.copy()),
    "frame's index": (FRAME, lambda f: f.set_index(pd.Index([7, 9]))),
    "format of a sparse matrix": (sparse.csr_array(MATRIX), lambda m: m.tocoo()),
    "array or matrix": (sparse.csr_array(MATRIX), sparse.csc_matrix),
    "names of columns": (FRAME, lambda f: f.rename(columns={"n": "k"})),
    "order of bytes": (MATRIX, lambda a: a.astype(">f8")),
    "data frame of one type": (MATRIX, pd.DataFrame),
    "lists of numbers": (MATRIX, lambda a: a.tolist()),
    "series": (MATRIX[0], pd.Series),
    "series of text": (np.array(["a", "bcd"]), pd.Series),
    "text of another width": (np.array(["a", "bcd"]), lambda a: a.astype("U99")),
    "bytes": (np.array(["a", "bcd"]), lambda a: a.astype("S")),
    "a list of text": (np.array(["a", "bcd"]), lambda a: a.tolist()),
    "column and its values": (pd.Categorical(["u", "v"]), lambda c: np.asarray(c)),
    "number": (1.5, np.float64),
    "tuple": ([MATRIX, [1, 2]], tuple),
    "order of a dictionary": ({"a": 1, "b": 2}, lambda d: dict(reversed(d.items()))),
}


@pytest.mark.parametrize("pair", COPIES.values(), ids=COPIES.keys())
def test_what_is_the_same_has_the_same_hash(pair: tuple[Any, Callable[[Any], Any]]) -> None:
    value, make_copy = pair
    assert hash_of_inputs(value) == hash_of_inputs(make_copy(value))


def test_the_hash_stays_the_same_from_release_to_release() -> None:
    assert (
        hash_of_inputs(np.arange(6, dtype="<i8").reshape(2, 3), ["a", None])
        == "e1ee3c709d475de7371cd4341a059824954ed26a"
    )


def test_the_size_of_the_blocks_read_at_once_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = hash_of_inputs(MATRIX)
    monkeypatch.setattr("dataworkspaces.kit_support.data_hash._BLOCK_BYTES", 30)
    assert hash_of_inputs(MATRIX) == whole


BATCHED: dict[str, Any] = {
    "small samples": MATRIX,
    "large samples": np.arange(5 * 99.0).reshape(5, 99),
    "text": np.array(["a", "bcd", "", "e"]),
    "several arrays": (MATRIX, {"a": np.arange(4), "b": np.eye(4)}),
    "frame": pd.concat([FRAME, FRAME]),
    "sparse": sparse.csr_array(np.eye(4)),
    "samples without numbers": np.zeros((4, 0)),
}


def _cut(value: Any, start: int, stop: int) -> Any:
    if isinstance(value, tuple):
        return tuple(_cut(item, start, stop) for item in value)
    if isinstance(value, dict):
        return {key: _cut(item, start, stop) for key, item in value.items()}
    return value[start:stop]


@pytest.mark.parametrize("cuts", [[], [1], [2, 3], [0, 4], [1, 2, 3]], ids=str)
@pytest.mark.parametrize("value", BATCHED.values(), ids=BATCHED.keys())
def test_how_data_are_cut_into_batches_does_not_matter(value: Any, cuts: list[int]) -> None:
    ends = [0, *cuts, 5]
    batches = [_cut(value, start, stop) for start, stop in itertools.pairwise(ends)]
    whole, added, prepared = DataHash(), DataHash(), DataHash()
    whole.add(value)
    for batch in batches:
        added.add(batch)
        prepared.add_prepared(pickle.loads(pickle.dumps(prepare(batch))))
    assert added.hexdigest() == prepared.hexdigest() == whole.hexdigest()


def test_batches_of_unequal_samples() -> None:
    def of(*batches: Any) -> str:
        hasher = DataHash()
        for batch in batches:
            hasher.add(batch)
        return hasher.hexdigest()

    short, long = np.zeros((2, 3)), np.zeros((2, 4))
    assert of(short, short, long) == of(np.zeros((4, 3)), long)
    assert len({of(short, long), of(long, short), of(short, long, long), of(short, long, short), of(short)}) == 5


def test_data_of_an_unknown_kind() -> None:
    with pytest.raises(ApiParamError, match="type generator"):
        hash_of_inputs(x for x in [1])
