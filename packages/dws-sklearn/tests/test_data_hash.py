"""The hash of the data that a step reads from an API resource."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
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
    "names of columns": (FRAME, FRAME.rename(columns={"n": "k"})),
    "swapped names": (pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"b": [1], "a": [2]})),
    "kind of a name": (pd.DataFrame({"1": [1]}), pd.DataFrame({1: [1]})),
    "kind of a key": ({"1": 1}, {1: 1}),
    "index": (pd.Series([1, 2], index=["a", "b"]), pd.Series([1, 2], index=["b", "a"])),
    "index of times": (
        pd.DataFrame([1.0], index=pd.to_datetime(["2020-01-01"])),
        pd.DataFrame([1.0], index=pd.to_datetime(["2020-01-02"])),
    ),
    "rows of a frame without columns": (pd.DataFrame(index=range(2)), pd.DataFrame(index=range(3))),
    "mask": (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])),
    "masked or not": (np.ma.array([1, 2], mask=[0, 1]), np.array([1, 2])),
    "mask of a field": (
        np.ma.array([(1, 2)], dtype="i4,i4", mask=[(0, 1)]),
        np.ma.array([(1, 2)], dtype="i4,i4", mask=[(1, 0)]),
    ),
    "bytes and text": (b"a", "a"),
    "bytes and text in an array": (np.array(["a", "bcd"]), np.array([b"a", b"bcd"])),
    "bytes and text in a list": (["a"], [b"a"]),
    "order of bytes in a field": (
        np.array([(1,)], dtype=[("a", "<i4")]),
        np.array([(1 << 24,)], dtype=[("a", "<i4")]),
    ),
    "bytes of a field": (
        np.frombuffer(b"\0\0\0\1", dtype=[("a", "<i4")]),
        np.frombuffer(b"\0\0\0\1", dtype=[("a", ">i4")]),
    ),
    "names of fields": (np.zeros(1, dtype=[("a", "i4")]), np.zeros(1, dtype=[("b", "i4")])),
    "parts of a field": (np.zeros(1, dtype=[("a", "f4", 4)]), np.zeros(1, dtype=[("a", "f8", 2)])),
    "missing or not a number": (pd.array([1.0, None], dtype="object"), pd.array([1.0, np.nan], dtype="object")),
    "two kinds of missing": (np.array([None], dtype=object), np.array([pd.NA], dtype=object)),
    "missing in a table of Arrow": (pa.table({"a": [1.0, None]}), pa.table({"a": [1.0, float("nan")]})),
    "missing or zero in a table of Arrow": (pa.table({"a": [1, None]}), pa.table({"a": [1, 0]})),
    "missing in a column of polars": (pl.Series([1.0, None]), pl.Series([1.0, float("nan")])),
    "names in a table of polars": (pl.DataFrame({"a": [1], "b": [2]}), pl.DataFrame({"b": [1], "a": [2]})),
    "times that are missing": (np.array(["NaT"], dtype="M8[ns]"), np.array([0], dtype="M8[ns]")),
    "zones of times": (
        pd.to_datetime(["2020-01-01"]).tz_localize("Europe/Paris"),
        pd.to_datetime(["2020-01-01"]).tz_localize("Europe/Berlin"),
    ),
    "units of times": (np.array([1], dtype="M8[s]"), np.array([1], dtype="M8[ms]")),
    "type of a column of pandas": (pd.Series([1], dtype="Int64"), pd.Series([1], dtype="Int32")),
    "categories that are not used": (pd.Categorical(["a"]), pd.Categorical(["a"], ["a", "b"])),
    "order of categories": (pd.Categorical(["a"], ["a", "b"]), pd.Categorical(["a"], ["b", "a"])),
    "categories with an order": (pd.Categorical(["a"]), pd.Categorical(["a"], ordered=True)),
    "categories and text": (pd.Series(["a"], dtype="category"), pd.Series(["a"])),
    "type of a number among objects": (np.array([1], dtype=object), np.array([np.int8(1)], dtype=object)),
    "numbers that no float holds": ([-1, 2**63], [-1, 2**63 + 1]),
    "sparse vector": (sparse.coo_array(np.eye(1, 3)), sparse.coo_array(np.eye(1, 3)[0])),
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
    "order of bytes": (MATRIX, lambda a: a.astype(">f8")),
    "data frame of one type": (MATRIX, pd.DataFrame),
    "lists of numbers": (MATRIX, lambda a: a.tolist()),
    "series": (MATRIX[0], pd.Series),
    "series of text": (np.array(["a", "bcd"]), pd.Series),
    "text of another width": (np.array(["a", "bcd"]), lambda a: a.astype("U99")),
    "a list of text": (np.array(["a", "bcd"]), lambda a: a.tolist()),
    "column of categories and its values": (pd.Series(["u", "v"], dtype="category"), lambda c: c.values),
    "dictionary of bytes": ({"a": b"x"}, lambda d: {"a": bytearray(b"x")}),
    "what is masked": (np.ma.array([1, 2], mask=[0, 1]), lambda m: np.ma.array([1, 7], mask=[0, 1])),
    "fields in another order of bytes": (
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        lambda a: a.astype([("a", ">i4"), ("b", ">f8")]),
    ),
    "fields with gaps": (
        np.array([(1, 2.0)], dtype=[("a", "i1"), ("b", "f8")]),
        lambda a: a.astype(np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    ),
    "chunks of a table of Arrow": (
        pa.table({"a": [1, None, 3]}),
        lambda t: pa.concat_tables([t.slice(0, 1), t.slice(1)]),
    ),
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
