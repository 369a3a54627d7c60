"""The hash of data that a program hands to a kit: it says which version of an API resource was used.

It depends on the values, their types and their arrangement, and is the same in each process and on each machine of
the same byte order. Nothing here knows scikit-learn; pandas and scipy are not imported, since data of theirs can only
come from somebody who has done so.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import numpy as np

from dataworkspaces.errors import ApiParamError

HASHABLE = "NumPy arrays, pandas data frames and series, scipy sparse matrices, and lists of numbers or text"

_BLOCK_BYTES = 1 << 24


def hash_of_inputs(*values: Any) -> str:
    """The SHA-1 of some values, as 40 hexadecimal digits.

    A value is one of :data:`HASHABLE`, None, a number, a text, a dictionary with keys that are text, or anything that
    converts itself to a NumPy array; else ApiParamError is raised. A pandas index is left out: no predictor sees it.
    """
    hasher = _Hasher()
    for value in values:
        hasher.add(value)
    return hasher.hexdigest()


class _Hasher:
    """Each value is preceded by its kind and its length or shape, so that no two different inputs look alike."""

    def __init__(self) -> None:
        self._sha1 = hashlib.sha1(usedforsecurity=False)

    def hexdigest(self) -> str:
        return self._sha1.hexdigest()

    def add(self, value: Any) -> None:
        pandas, sparse = sys.modules.get("pandas"), sys.modules.get("scipy.sparse")
        if value is None or (isinstance(value, (bool, int, float, complex)) and not isinstance(value, np.generic)):
            self._add_tag(type(value).__name__, repr(value))
        elif isinstance(value, (str, bytes)) and not isinstance(value, np.generic):
            self._add_bytes(
                type(value).__name__, value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
            )
        elif isinstance(value, (list, tuple)):
            self._add_sequence(value)
        elif isinstance(value, dict):
            self._add_tag("dict", len(value))
            for key in sorted(value, key=str):
                self.add(str(key))
                self.add(value[key])
        elif pandas is not None and isinstance(value, pandas.DataFrame):
            self._add_tag("frame", value.shape)
            for i, name in enumerate(value.columns):
                self.add(str(name))
                self._add_column(value.iloc[:, i], pandas)
        elif pandas is not None and isinstance(value, (pandas.Series, pandas.Index)):
            self._add_tag("series", value.shape)
            self._add_column(value, pandas)
        elif sparse is not None and sparse.issparse(value):
            self._add_sparse(value)
        elif hasattr(value, "__array__"):
            self._add_array(np.asarray(value))
        else:
            raise ApiParamError(
                f"The hash of a value of type {type(value).__name__} cannot be computed for an API resource",
                hint=f"It can for {HASHABLE}; other data can lie in a resource with files",
            )

    def _add_tag(self, kind: str, what: object) -> None:
        self._sha1.update(f"{kind}:{what};".encode())

    def _add_bytes(self, kind: str, content: bytes) -> None:
        self._add_tag(kind, len(content))
        self._sha1.update(content)

    def _add_sequence(self, values: list[Any] | tuple[Any, ...]) -> None:
        self._add_tag("list", len(values))
        if set(map(type, values)) in (
            {float},
            {int},
            {bool},
        ):  # what becomes an array without loss, which is much faster
            self._add_array(np.array(values))
        else:
            for value in values:
                self.add(value)

    def _add_array(self, array: Any) -> None:
        dtype = array.dtype
        self._add_tag("array", (dtype.descr if dtype.names else dtype.str, array.shape))
        if dtype.hasobject:
            for value in array.flat:
                self.add(value)
        elif array.nbytes:
            # In blocks: where the memory is not in order a copy is needed, and one of the whole may not fit.
            array = np.atleast_1d(array)
            step = max(1, _BLOCK_BYTES * len(array) // array.nbytes)
            for start in range(0, len(array), step):
                block = np.ascontiguousarray(array[start : start + step])
                self._sha1.update(block.reshape(-1).view(np.uint8).data)

    def _add_column(self, column: Any, pandas: Any) -> None:
        self._add_tag("dtype", column.dtype)
        if not isinstance(column.dtype, np.dtype):
            # Text, categories, numbers that may be missing: pandas has a hash of 64 bits for each value.
            self._add_array(pandas.util.hash_array(column.array))
        else:
            self._add_array(column.to_numpy())

    def _add_sparse(self, matrix: Any) -> None:
        """The same for all formats: what counts is where which values are, with explicit zeros left out."""
        csr = matrix.tocsr(copy=True)
        csr.sum_duplicates()
        csr.eliminate_zeros()
        self._add_tag("sparse", csr.shape)
        for part in (csr.indptr.astype(np.int64), csr.indices.astype(np.int64), csr.data):
            self._add_array(part)
