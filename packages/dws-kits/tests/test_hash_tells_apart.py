"""Different data have different hashes: of any two data that are made of values that look alike."""

from __future__ import annotations

import datetime
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.data_hash import DataHash, hash_of_inputs

pd = pytest.importorskip("pandas")

SCALARS: list[Any] = [
    None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, 0.0, -0.0, 1.0, float("nan"), float("inf"), 1j, "", "1", "a",
    "ab", "nan", "None", "a\0", "none;", "int:1;", b"", b"1", b"a", b"\xff", np.int8(1), np.uint8(1), np.float32(1),
    np.float16(0), np.bool_(True), np.datetime64("2020-01-01"), np.datetime64("2020-01-01", "ns"),
    np.datetime64("NaT"), np.timedelta64(1, "s"), np.timedelta64(1, "ms"), pd.NA, pd.NaT, pd.Timestamp("2020-01-01"),
    pd.Timestamp("2020-01-01", tz="UTC"), pd.Timestamp("2020-01-01", tz="Europe/Paris"), datetime.date(2020, 1, 1),
    datetime.datetime(2020, 1, 1), pd.Timedelta("1s"), datetime.timedelta(seconds=1), pd.Period("2020-01", "M"),
    pd.Period("2020-01-01", "D"), pd.Interval(0, 1),
]  # fmt: skip


def of_type(value: Any) -> str:
    """What an object is, told by itself; scalars of NumPy that are Python's are the same."""
    if isinstance(value, np.generic) and not isinstance(value, (np.datetime64, np.timedelta64)):
        plain = value.item()
        if type(plain) in (bool, int, float, complex) and np.asarray(plain).dtype == value.dtype:
            value = plain
    dtype = getattr(value, "dtype", "")
    return f"{type(value).__name__} {dtype} {value!r} {getattr(value, 'tzinfo', None)}"


@pytest.mark.parametrize("hold", [lambda v: v, lambda v: [v, "x"], lambda v: {"k": v}, lambda v: objects([v])])
def test_values_that_look_alike(hold: Any) -> None:
    by_hash: dict[str, str] = {}
    for value in SCALARS:
        try:
            found = hash_of_inputs(hold(value))
        except ApiParamError:  # of some objects no hash is known
            continue
        assert by_hash.setdefault(found, of_type(value)) == of_type(value)
    assert len(by_hash) > 25


def objects(values: list[Any]) -> Any:
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array


# Data, and a text that is the same for two of them only if the page says that they have one hash.
Case = tuple[str, Any]
cells = st.sampled_from(SCALARS)
names = st.sampled_from(["a", "b", "a,b", "", "1", 1, 2, ("a", "b"), "a'", "]", "frame"])
numbers = st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.0, float("nan")]), min_size=1, max_size=3)
kinds = st.sampled_from(["f8", ">f8", "f4", "i8", "i4", ">i4", "u1", "?", "M8[s]", "M8[ms]", "c16"])


def of_array(array: Any) -> str:
    native = array.astype(array.dtype.newbyteorder("="))
    return f"{native.dtype} {native.shape} {native.tobytes()!r}"


@st.composite
def arrays(draw: st.DrawFn) -> Case:
    with np.errstate(invalid="ignore"):
        array = np.array(draw(numbers)).astype(draw(kinds))
    if draw(st.booleans()):
        array = np.stack([array, array])
    if draw(st.booleans()):
        array = np.asfortranarray(array)
    return of_array(array), array


@st.composite
def masked(draw: st.DrawFn) -> Case:
    _, array = draw(arrays())
    mask = np.array(draw(st.lists(st.booleans(), min_size=array.size, max_size=array.size))).reshape(array.shape)
    shown = array.astype(array.dtype.newbyteorder("=")).copy()
    shown[mask] = np.zeros(1, shown.dtype)[0]
    return f"masked {mask.tolist()} {of_array(shown)}", np.ma.array(array, mask=mask)


@st.composite
def fields(draw: st.DrawFn) -> Case:
    columns = draw(st.lists(arrays(), min_size=1, max_size=2))
    length = min(len(array) for _, array in columns)
    parts = [array[:length] for _, array in columns]
    dtype = np.dtype([(f"f{i}", part.dtype, part.shape[1:]) for i, part in enumerate(parts)], align=draw(st.booleans()))
    whole = np.zeros(length, dtype)
    for i, part in enumerate(parts):
        whole[f"f{i}"] = part
    return f"fields {[of_array(part) for part in parts]}", whole


@st.composite
def frames(draw: st.DrawFn) -> Case:
    labels = draw(st.lists(names, min_size=1, max_size=3, unique_by=repr))
    rows = draw(st.integers(1, 2))
    kind = draw(st.sampled_from(["f8", "object", "mixed"]))
    columns = []
    for place in range(len(labels)):
        is_object = kind == "object" or (kind == "mixed" and place)
        values = draw(st.lists(cells, min_size=rows, max_size=rows)) if is_object else [float(place)] * rows
        columns.append(pd.Series(objects(values), dtype=object) if is_object else pd.Series(values))
    frame = pd.concat(columns, axis=1)
    frame.columns = pd.Index(labels, dtype=object, tupleize_cols=False)
    index = draw(st.sampled_from([None, ["x", "y"], ["y", "x"], [7, 9]]))
    if index is not None:
        frame.index = pd.Index(index[:rows])
    told = [] if index is None or index[0] == 7 else index[:rows]
    types = [str(dtype) for dtype in frame.dtypes]
    return f"frame {labels!r} {told} {types} {[[of_type(v) for v in column] for column in columns]}", frame


@st.composite
def lists(draw: st.DrawFn) -> Case:
    values = draw(st.lists(cells, max_size=3))
    kinds = {type(value) for value in values}
    if len(kinds) == 1 and kinds <= {bool, int, float, complex} and max(abs(v) for v in values) != 2**64:
        array = np.array(values)
        if not (int in kinds and array.dtype.kind == "f"):
            return of_array(array), values
    return f"list {[of_type(value) for value in values]}", values


@st.composite
def dictionaries(draw: st.DrawFn) -> Case:
    inside = draw(st.dictionaries(names, st.one_of(arrays(), masked(), lists()), max_size=2))
    return f"dict {sorted((repr(k), told) for k, (told, _) in inside.items())}", {k: v for k, (_, v) in inside.items()}


@st.composite
def categories(draw: st.DrawFn) -> Case:
    known = draw(st.permutations(["a", "b", "1"]))[: draw(st.integers(1, 3))]
    values = draw(st.lists(st.sampled_from([*known, None]), min_size=1, max_size=3))
    ordered = draw(st.booleans())
    column = pd.Series(pd.Categorical(values, categories=known, ordered=ordered))
    return f"categories {known} {ordered} {values}", column


@st.composite
def object_arrays(draw: st.DrawFn) -> Case:
    values = draw(st.lists(cells, min_size=1, max_size=3))
    return f"objects {[of_type(value) for value in values]}", objects(values)


data = st.one_of(arrays(), masked(), fields(), frames(), lists(), dictionaries(), categories(), object_arrays())
_known: dict[str, str] = {}


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data)
def test_different_data_have_different_hashes(case: Case) -> None:
    """Each is compared with all that came before."""
    told, value = case
    try:
        found = hash_of_inputs(value)
    except ApiParamError:  # of some objects no hash is known
        return
    if told.startswith(("list", "objects")):
        told = told.partition(" ")[2]
    assert _known.setdefault(found, told) == told


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.one_of(arrays(), masked(), fields(), frames(), categories(), object_arrays()), st.integers(0, 3))
def test_batches_have_the_hash_of_the_whole(case: Case, cut: int) -> None:
    _, value = case
    hasher = DataHash()
    for start, end in itertools.pairwise([0, cut, 4]):
        hasher.add(value[start:end])
    whole = DataHash()
    whole.add(value)
    assert hasher.hexdigest() == whole.hexdigest()
