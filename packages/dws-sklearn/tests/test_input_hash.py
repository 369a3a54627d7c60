"""The hash of the data that a step reads from an API resource."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kits.scikit_learn.input_hash import hash_of_inputs

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
    "great numbers": ([10**30], [10**30 + 1]),
    "dictionary": ({"a": 1}, {"b": 1}),
    "nothing": (None, []),
    "numbers of a frame": (FRAME, FRAME.assign(n=[1, 3])),
    "missing numbers of a frame": (FRAME, FRAME.assign(x=[0.5, 0.0])),
    "text of a frame": (FRAME, FRAME.assign(t=["a", "c"])),
    "categories of a frame": (FRAME, FRAME.assign(c=pd.Categorical(["u", "w"]))),
    "missing values of a frame": (FRAME, FRAME.assign(m=pd.array([1, 2]))),
    "a column's name": (FRAME, FRAME.rename(columns={"n": "k"})),
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
    "order of a dictionary": ({"a": 1, "b": 2}, lambda d: dict(reversed(d.items()))),
}


@pytest.mark.parametrize("pair", COPIES.values(), ids=COPIES.keys())
def test_what_is_the_same_has_the_same_hash(pair: tuple[Any, Callable[[Any], Any]]) -> None:
    value, make_copy = pair
    assert hash_of_inputs(value) == hash_of_inputs(make_copy(value))


def test_the_hash_stays_the_same_from_release_to_release() -> None:
    assert (
        hash_of_inputs(np.arange(6, dtype="<i8").reshape(2, 3), ["a", None])
        == "c838def8f0faf0c31ec579d0aa57ca0c490ce67b"
    )


def test_the_size_of_the_blocks_read_at_once_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = hash_of_inputs(MATRIX)
    monkeypatch.setattr("dataworkspaces.kits.scikit_learn.input_hash._BLOCK_BYTES", 30)
    assert hash_of_inputs(MATRIX) == whole


def test_data_of_an_unknown_kind() -> None:
    with pytest.raises(ApiParamError, match="type generator"):
        hash_of_inputs(x for x in [1])
