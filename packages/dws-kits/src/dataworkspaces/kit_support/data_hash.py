"""The hash of data that a program hands to a kit: it says which version of an API resource was used.

It depends on values, their types, shapes, names and order, and on which are missing. It does not depend on how many
samples come at a time, nor on what holds them: an array, the tensor of the same numbers, the list, the data frame of
one type without names, and a generator of batches of them hash alike. It is the same in each process and on each
machine.

How it is computed: data are a structure (tuples, dictionaries) with arrays as leaves; the first axis of an array counts
samples. Of each leaf the samples go one after the other into a SHA-1: as they are, or, if they are larger than
64 bytes, by the SHA-1 of each. So batches can be prepared anywhere (:func:`prepare`) and be put in order later.

NumPy has to be installed. pandas, scipy and the frameworks with tensors are not imported, since data of theirs can only
come from somebody who has done so.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.data_tables import Parts, Typed, label, labels, parts_of_table

HASHABLE = "NumPy arrays, tensors, pandas data frames and series, scipy sparse matrices, and lists of numbers or text"

_BLOCK_BYTES = 1 << 24
_LARGEST_SAMPLE_AS_IT_IS = 64
_OBJECTS = "object"


def hash_of_inputs(*values: Any) -> str:
    """The hash of some values, as 40 hexadecimal digits.

    A value is one of :data:`HASHABLE`, None, a number, a text, a tuple, list or dictionary of these, or anything that
    converts itself to a NumPy array; else ApiParamError is raised. What is the same is in the page of the kits."""
    hasher = DataHash()
    hasher.add(values)
    return hasher.hexdigest()


class Samples(NamedTuple):
    """Some samples of a leaf.

    :ivar kind: the type of their numbers, and the shape of one.
    :ivar content: the samples, or the SHA-1 of each."""

    kind: str
    number: int
    content: bytes


class Prepared(NamedTuple):
    """A batch, ready to be added to a hash: small, and can be pickled."""

    structure: str
    leaves: list[list[Samples]]


def prepare(batch: Any) -> Prepared:
    """What :meth:`DataHash.add` needs of a batch; costs nearly all the time, and can be had in any process."""
    structure, leaves = _take_apart(batch)
    return Prepared(structure, [list(leaf()) for leaf in leaves])


class DataHash:
    """The hash of data that come in batches. How they are cut into batches does not matter."""

    def __init__(self) -> None:
        self._outer = _sha1()
        self._structure: str | None = None
        self._leaves: list[_Leaf] = []

    def add(self, batch: Any) -> None:
        """The next samples: a batch, or all there are."""
        structure, leaves = _take_apart(batch)
        self._begin(structure, len(leaves))
        for state, leaf in zip(self._leaves, leaves, strict=True):
            for samples in leaf():
                state.add(samples)

    def add_prepared(self, batch: Prepared) -> None:
        """The next samples, from :func:`prepare`."""
        self._begin(batch.structure, len(batch.leaves))
        for state, leaf in zip(self._leaves, batch.leaves, strict=True):
            for samples in leaf:
                state.add(samples)

    def hexdigest(self) -> str:
        """The hash of what was added by now."""
        outer = self._outer.copy()
        self._end_into(outer)
        return str(outer.hexdigest())

    def _begin(self, structure: str, leaves: int) -> None:
        if structure != self._structure:
            self._end_into(self._outer)
            self._structure = structure
            self._leaves = [_Leaf() for _ in range(leaves)]

    def _end_into(self, outer: Any) -> None:
        if self._structure is not None:
            outer.update(_tag("data", self._structure))
            for leaf in self._leaves:
                outer.update(leaf.digest())


class _Leaf:
    """The samples of one leaf, in runs of one kind."""

    def __init__(self) -> None:
        self._runs = _sha1()
        self._kind: str | None = None
        self._count = 0
        self._content = _sha1()

    def add(self, samples: Samples) -> None:
        if samples.kind != self._kind:
            if self._count:
                self._end_into(self._runs)
            self._kind, self._count, self._content = samples.kind, 0, _sha1()
        self._count += samples.number
        self._content.update(samples.content)

    def digest(self) -> bytes:
        runs = self._runs.copy()
        self._end_into(runs)
        return bytes(runs.digest())

    def _end_into(self, runs: Any) -> None:
        runs.update(_tag("run", f"{self._kind}/{self._count}"))
        runs.update(self._content.digest())


_GetSamples = Callable[[], Iterator[Samples]]


def _take_apart(value: Any) -> tuple[str, list[_GetSamples]]:
    """The structure of a value (``*`` is a leaf), and its leaves from left to right."""
    np = _numpy()
    scipy, torch = (sys.modules.get(name) for name in ("scipy.sparse", "torch"))
    if value is None:
        return "-", []
    if isinstance(value, (list, tuple)):
        array = _rectangular(value) if isinstance(value, list) else None
        return _array(array) if array is not None else _parts("", [_take_apart(item) for item in value])
    if isinstance(value, Mapping):
        by_label = {label(key): item for key, item in value.items()}
        names = sorted(by_label)
        return _parts(f"{{{','.join(names)}}}", [_take_apart(by_label[name]) for name in names])
    if isinstance(value, (bool, int, float, complex, str, bytes, bytearray, np.generic)):
        return "*", [lambda: iter([_scalar(value)])]
    if isinstance(value, Typed):
        return _array(value.array, value.type_name)
    if (found := value if isinstance(value, Parts) else parts_of_table(value)) is not None:
        if isinstance(found, Parts):
            return _parts(found.kind, [_take_apart(part) for part in found.parts])
        return _take_apart(found)
    if scipy is not None and scipy.issparse(value):
        return _sparse(value)
    if torch is not None and isinstance(value, torch.Tensor):
        try:
            return _torch(value, torch)
        except (TypeError, RuntimeError) as e:
            raise _unknown(value) from e
    if hasattr(value, "nested_row_lengths") and hasattr(value, "flat_values"):  # tensorflow.RaggedTensor
        lengths = [_take_apart(row) for row in value.nested_row_lengths()]
        return _parts("ragged", [*lengths, _take_apart(value.flat_values)])
    if hasattr(value, "dense_shape") and hasattr(value, "indices") and hasattr(value, "values"):
        return _tensorflow_sparse(value)
    if hasattr(value, "__array__"):
        try:
            array = np.asarray(value)
            if array.dtype.names:  # by field, since there may be gaps between them, and orders of bytes in them
                fields = [_array(array[name]) for name in array.dtype.names]
                return _parts(f"fields{labels(array.dtype.names)}", fields)
            return _array(array)
        except (TypeError, ValueError, NotImplementedError, RuntimeError) as e:
            raise _unknown(value) from e
    raise _unknown(value)


def _parts(kind: str, parts: list[tuple[str, list[_GetSamples]]]) -> tuple[str, list[_GetSamples]]:
    return f"{kind}({','.join(structure for structure, _ in parts)})", [leaf for _, leaves in parts for leaf in leaves]


def _array(array: Any, name_of_type: str | None = None) -> tuple[str, list[_GetSamples]]:
    return "*", [lambda: _samples(array, name_of_type)]


def _samples(array: Any, name_of_type: str | None = None) -> Iterator[Samples]:
    np = _numpy()
    if array.ndim == 0:
        yield _scalar(array[()])
        return
    dtype = array.dtype
    if dtype.kind in "OSUT" or dtype.hasobject:
        content = b"".join(_element(value) for value in array.flat)
        yield Samples(f"{name_of_type or _OBJECTS}{array.shape[1:]}", len(array), content)
        return
    if dtype.byteorder == ">" or (dtype.byteorder == "=" and sys.byteorder == "big"):
        array = array.astype(dtype.newbyteorder("<"))
    kind = f"{name_of_type or _name_of_type(dtype)}{array.shape[1:]}"
    size = dtype.itemsize * math.prod(array.shape[1:])
    # In blocks: where the memory is not in order a copy is needed, and one of the whole may not fit.
    step = max(1, _BLOCK_BYTES // max(1, size))
    for start in range(0, max(1, len(array)), step):
        block = np.ascontiguousarray(array[start : start + step])
        yield Samples(kind, len(block), _content(block, size))


def _content(block: Any, size: int) -> bytes:
    if size <= _LARGEST_SAMPLE_AS_IT_IS or not len(block):
        return bytes(block.tobytes())
    view = memoryview(block.reshape(-1).view(_numpy().uint8))
    return b"".join([_sha1(view[i : i + size]).digest() for i in range(0, len(block) * size, size)])


def _name_of_type(dtype: Any) -> str:
    """The type of numbers, without the order of bytes; that of extensions of NumPy (bfloat16) is their name."""
    return str(dtype.name if dtype.kind == "V" else dtype.str.lstrip("<>=|"))


_TYPES_OF_PYTHON = {bool: "b1", int: "i8", float: "f8", complex: "c16"}


def _scalar(value: Any) -> Samples:
    name = _name_of_type(value.dtype) if hasattr(value, "dtype") else _TYPES_OF_PYTHON.get(type(value), _OBJECTS)
    plain = value.item() if isinstance(value, _numpy().generic) else value
    return Samples(f"scalar {_OBJECTS if name[:1] in 'SUOT' else name}", 1, _element(plain))


def _element(value: Any) -> bytes:
    """A Python object among others, so that no two different sequences of them look alike."""
    if isinstance(value, _numpy().generic) and not isinstance(value, (str, bytes)):
        name = _name_of_type(value.dtype)
        if name not in _TYPES_OF_PYTHON.values():
            return _tag("scalar", f"{name} {value!r}")
        value = value.item()
    if value is None:
        return b"none;"
    if type(value).__name__ == "NAType":
        return b"missing;"
    if isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        return _tag("text", len(text)) + text
    if isinstance(value, (bytes, bytearray)):
        return _tag("bytes", len(value)) + value
    if isinstance(value, (bool, int, float, complex)):
        return _tag(type(value).__name__, repr(value))
    if hasattr(value, "isoformat"):
        zone = getattr(value, "tzinfo", None)
        return _tag(type(value).__name__, value.isoformat() if zone is None else f"{value.isoformat()} {zone}")
    if type(value).__name__ in ("Decimal", "Fraction", "UUID", "timedelta", "Timedelta", "Period", "Interval"):
        return _tag(type(value).__name__, repr(value))
    return _tag("data", hash_of_inputs(value))


def _rectangular(values: Any) -> Any:
    """The array of (nested) lists of numbers or of text, if they are all of one type and the lists equally long; else
    None."""
    np = _numpy()
    types: set[type] = set()
    pending = [values]
    while pending:
        item = pending.pop()
        if isinstance(item, (list, tuple)):
            pending.extend(i for i in item if isinstance(i, (list, tuple)))
            types.update(t for t in set(map(type, item)) if not issubclass(t, (list, tuple)))
        if len(types) > 1:
            return None
    found = next(iter(types), None)
    if found in (str, bytes):
        array = np.array(values, dtype=object)
        return array if all(not isinstance(item, (list, tuple)) for item in array.flat) else None
    if found not in (bool, int, float, complex):
        return None
    try:
        array = np.array(values)
    except ValueError:  # of unequal length
        return None
    return np.array(values, dtype=object) if found is int and array.dtype.kind == "f" else array


def _torch(tensor: Any, torch: Any) -> tuple[str, list[_GetSamples]]:
    tensor = tensor.detach().cpu()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.dtype == torch.bfloat16:  # which NumPy does not have
        return _array(tensor.contiguous().view(torch.int16).numpy(), "bfloat16")
    return _array(tensor.resolve_conj().resolve_neg().numpy())


def _sparse(matrix: Any) -> tuple[str, list[_GetSamples]]:
    """The same for all formats: what counts is where which values are, with explicit zeros left out."""
    np = _numpy()
    try:
        csr = matrix.tocsr(copy=True)
    except ValueError as e:  # of more dimensions
        raise _unknown(matrix) from e
    csr.sum_duplicates()
    csr.eliminate_zeros()
    lengths = np.diff(csr.indptr)
    if matrix.ndim == 1:
        return _parts("vector", [_rows(csr.shape[-1], lengths, csr.indices, csr.data)])
    return _rows(csr.shape[-1], lengths, csr.indices, csr.data)


def _tensorflow_sparse(tensor: Any) -> tuple[str, list[_GetSamples]]:
    np = _numpy()
    indices, values, shape = (np.asarray(part) for part in (tensor.indices, tensor.values, tensor.dense_shape))
    if len(shape) != 2:
        dense = np.zeros(tuple(shape), values.dtype)
        dense[tuple(indices.T)] = values
        return _array(dense)
    keep = values != 0
    indices, values = indices[keep], values[keep]
    order = np.lexsort((indices[:, 1], indices[:, 0]))
    indices, values = indices[order], values[order]
    return _rows(shape[1], np.bincount(indices[:, 0], minlength=shape[0]), indices[:, 1], values)


def _rows(width: int, lengths: Any, columns: Any, values: Any) -> tuple[str, list[_GetSamples]]:
    np = _numpy()
    leaves = [_array(part) for part in (lengths.astype(np.int64), columns.astype(np.int64), values)]
    return _parts(f"sparse {int(width)}", leaves)


def _unknown(value: Any) -> ApiParamError:
    return ApiParamError(
        f"A value of type {type(value).__name__} cannot be hashed for an API resource",
        hint=f"Hashing works for {HASHABLE}; keep other data in a resource with files",
    )


def _tag(kind: str, what: object) -> bytes:
    return f"{kind}:{what};".encode()


def _sha1(content: Any = b"") -> Any:
    return hashlib.sha1(content, usedforsecurity=False)


def _numpy() -> Any:
    import numpy

    return numpy
