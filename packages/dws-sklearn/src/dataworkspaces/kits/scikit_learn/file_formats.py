"""The files that a data set may consist of, and how each becomes the value of an attribute."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, TextIO

import numpy as np

from dataworkspaces.errors import ConfigurationError

OpenFile = Callable[[], IO[bytes]]
"""Opens the file for reading; may be called again to read from the beginning."""

TEXT_EXTENSIONS = (".txt", ".rst")
ARRAY_EXTENSIONS = (".csv", ".csv.gz", ".csv.bz2", ".npy")


def split_name(name: str) -> tuple[str, str] | None:
    """Attribute and extension, which the name of a file consists of; None if the format is not known."""
    if name.startswith("."):
        return None
    for extension in TEXT_EXTENSIONS + ARRAY_EXTENSIONS:
        if name.lower().endswith(extension):
            return name[: -len(extension)], extension
    return None


def read_file(open_file: OpenFile, extension: str, ndmin: int, what: str) -> Any:
    """What a file holds: a text or an array.

    :param ndmin: the array of a csv file has at least so many dimensions (1 or 2); one of length 1 more is left out.
    :param what: names the file in an error.

    Raises ConfigurationError if the content is not what the extension says."""
    try:
        if extension in TEXT_EXTENSIONS:
            with open_file() as f:
                return f.read().decode("utf-8-sig")
        if extension == ".npy":
            return _read_npy(open_file)
        return _read_csv(open_file, extension, ndmin)
    except (ValueError, EOFError, OSError, zlib.error) as e:
        # Among the first: what is not UTF-8, and what pandas cannot parse.
        reason = " ".join(str(e).split()) or type(e).__name__
        raise ConfigurationError(f"{what} cannot be read: {reason}") from e


def _read_npy(open_file: OpenFile) -> Any:
    # Not numpy.load, which has to seek, and takes a zip of arrays or a pickle as well.
    with open_file() as f:
        try:
            return np.lib.format.read_array(f, allow_pickle=False)
        except ValueError as e:
            if "allow_pickle" not in str(e):
                raise
            raise ValueError(
                "it contains Python objects, and loading them could run any code; save an array of numbers or text"
            ) from e


def _read_csv(open_file: OpenFile, extension: str, ndmin: int) -> Any:
    with _open_text(open_file, extension) as f, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "loadtxt: input contained no data")
        try:
            array = np.loadtxt(f, delimiter=",", ndmin=2)
        except ValueError as e:
            # Values that are not numeric are for pandas; rows of unequal length it would fill up in silence.
            if isinstance(e, UnicodeDecodeError) or "number of columns" in str(e):
                raise
            array = None
    if array is None:
        array = _read_csv_by_pandas(open_file, extension)
    if array.size == 0:
        raise ValueError("it is empty")
    return array.reshape(-1) if ndmin < 2 and 1 in array.shape else array


def _read_csv_by_pandas(open_file: OpenFile, extension: str) -> Any:
    import pandas as pd

    with _open_text(open_file, extension) as f:
        first = next(csv.reader(f), [])
    with _open_text(open_file, extension) as f:
        try:
            below = pd.read_csv(f, header=None, skiprows=1)
        except pd.errors.EmptyDataError:
            below = pd.DataFrame()
    numeric = [pd.api.types.is_numeric_dtype(dtype) for dtype in below.dtypes]
    has_header = any(is_number and _is_text(cell) for is_number, cell in zip(numeric, first, strict=False))
    if has_header:
        table = below
    else:
        with _open_text(open_file, extension) as f:
            table = pd.read_csv(f, header=None)
    array = table.to_numpy()
    return array.astype(float) if array.dtype.kind in "iu" else array


def _is_text(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return bool(cell.strip())
    return False


@contextmanager
def _open_text(open_file: OpenFile, extension: str) -> Iterator[TextIO]:
    """The text of a csv file, unpacked."""
    with open_file() as raw:
        if extension.endswith(".gz"):
            unpacked: Any = gzip.GzipFile(fileobj=raw, mode="rb")
        elif extension.endswith(".bz2"):
            unpacked = bz2.BZ2File(raw, "rb")
        else:
            unpacked = raw
        with unpacked, io.TextIOWrapper(unpacked, encoding="utf-8-sig") as text:
            yield text
