"""Data with names, types of their own, or values that are missing, as arrays: what :mod:`data_hash` takes apart
further.

pandas, polars and pyarrow are not imported: data of theirs can only come from somebody who has done so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

_TEXT = ("str", "string")


@dataclass(frozen=True)
class Parts:
    """:ivar kind: what the parts are together."""

    kind: str
    parts: list[Any]


@dataclass(frozen=True)
class Typed:
    """An array, and the name of the type of its values, where that is another than NumPy's."""

    array: Any
    type_name: str


def label(value: object) -> str:
    """A name in a dictionary or table, of which 1 and "1" are two."""
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, tuple):
        return f"({','.join(map(label, value))})"
    return f"{type(value).__name__} {value!r}"


def labels(values: Iterable[object]) -> str:
    return f"[{','.join(map(label, values))}]"


def parts_of_table(value: Any) -> Any | None:
    """What a table, a column of one, or a masked array consists of; None for anything else."""
    pandas, polars, pyarrow = (sys.modules.get(name) for name in ("pandas", "polars", "pyarrow"))
    if pandas is not None:
        if isinstance(value, pandas.DataFrame):
            return _with_index(value, _frame(value, pandas), pandas)
        if isinstance(value, pandas.Series):
            return _with_index(value, _column(value, pandas), pandas)
        if isinstance(value, (pandas.Index, pandas.api.extensions.ExtensionArray)):
            return _column(pandas.Series(value), pandas)
    if polars is not None and isinstance(value, polars.DataFrame):
        return Parts(f"frame{labels(value.columns)}", [_of_polars(column) for column in value.get_columns()])
    if polars is not None and isinstance(value, polars.Series):
        return _of_polars(value)
    if pyarrow is not None and isinstance(value, (pyarrow.Table, pyarrow.RecordBatch)):
        return Parts(f"frame{labels(value.schema.names)}", [_of_arrow(column, pyarrow) for column in value.columns])
    if pyarrow is not None and isinstance(value, (pyarrow.Array, pyarrow.ChunkedArray)):
        return _of_arrow(value, pyarrow)
    numpy = sys.modules["numpy"]
    if isinstance(value, numpy.ma.MaskedArray):
        return _masked(value, numpy)
    return None


def _masked(value: Any, numpy: Any) -> Parts:
    """What lies under the mask does not count."""
    if value.dtype.names:
        return Parts(f"fields{labels(value.dtype.names)}", [value[name] for name in value.dtype.names])
    mask = numpy.ma.getmaskarray(value)
    data = numpy.array(value.data)
    data[mask] = numpy.zeros((), dtype=data.dtype)[()]
    return Parts("masked", [mask, data])


# -- pandas --------------------------------------------------------------------------------------------------------


def _with_index(value: Any, found: Any, pandas: Any) -> Any:
    """An index of whole numbers is none: it numbers the rows, and batches of them go on where others ended."""
    if pandas.api.types.is_integer_dtype(value.index.dtype):
        return found
    return Parts("indexed", [_column(pandas.Series(value.index), pandas), found])


def _frame(frame: Any, pandas: Any) -> Any:
    numpy = sys.modules["numpy"]
    types, names = set(frame.dtypes), frame.columns
    if not types:
        return numpy.zeros((len(frame), 0))
    if len(types) == 1 and isinstance(next(iter(types)), numpy.dtype):
        is_named = not isinstance(names, pandas.RangeIndex) or not names.equals(pandas.RangeIndex(len(names)))
        array = frame.to_numpy()
        return Parts(f"frame{labels(names)}", [array]) if is_named else array
    columns = [_column(frame.iloc[:, place], pandas) for place in range(frame.shape[1])]
    return Parts(f"frame{labels(names)}", columns)


def _column(column: Any, pandas: Any) -> Any:
    """A column as an array; one of pandas' own types as an array of objects, with the name of the type."""
    numpy = sys.modules["numpy"]
    dtype = column.dtype
    if isinstance(dtype, numpy.dtype):
        return column.to_numpy()
    values = column.astype(object).to_numpy()
    if isinstance(dtype, pandas.CategoricalDtype):
        kind = "ordered categories" if dtype.ordered else "categories"
        return Parts(f"{kind}{labels(dtype.categories)}", [values])
    return values if dtype.name in _TEXT else Typed(values, str(dtype))


# -- tables of Arrow -----------------------------------------------------------------------------------------------


def _of_polars(column: Any) -> Parts:
    missing = column.is_null().to_numpy()
    if column.dtype.is_numeric() and not column.dtype.is_decimal():
        return Parts(f"column {column.dtype}", [missing, column.fill_null(0).to_numpy()])
    return Parts(f"column {column.dtype}", [missing, _objects(column.to_list())])


def _of_arrow(column: Any, pyarrow: Any) -> Parts:
    numpy = sys.modules["numpy"]
    missing = numpy.asarray(column.is_null())
    types, kind = pyarrow.types, column.type
    if types.is_integer(kind) or types.is_float32(kind) or types.is_float64(kind):
        return Parts(f"column {kind}", [missing, numpy.asarray(column.fill_null(0))])
    return Parts(f"column {kind}", [missing, _objects(column.to_pylist())])


def _objects(values: Sequence[Any]) -> Any:
    numpy = sys.modules["numpy"]
    array = numpy.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array
