"""The values of a sweep's parameters, as they are typed: lists, ranges, distributions, and rows of a file."""

from __future__ import annotations

import csv
import io
import json
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException
from itertools import product
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, NotFoundError, kind_of_os_error

Point = dict[str, Any]
"""By parameter its value, for one run."""

MOST_RUNS = 100_000
_EXACT = Context(prec=40)
_LARGEST = Decimal("1e18")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE_RE = re.compile(rf"({_NUMBER}?)\.\.({_NUMBER})(?:\.\.({_NUMBER}))?\Z")
_DISTRIBUTIONS = ("uniform", "loguniform", "int", "logint", "normal")
_DISTRIBUTION_RE = re.compile(rf"({'|'.join(_DISTRIBUTIONS)}):({_NUMBER}):({_NUMBER})\Z")


@dataclass(frozen=True)
class Distribution:
    """:ivar kind: one of ``uniform``, ``loguniform``, ``int``, ``logint`` (both ends belong to it), ``normal``.
    :ivar low, high: the ends; of ``normal`` its mean and its standard deviation."""

    kind: str
    low: float
    high: float

    def sample(self, source: random.Random) -> float | int:
        if self.kind == "uniform":
            return source.uniform(self.low, self.high)
        if self.kind == "normal":
            return source.gauss(self.low, self.high)
        if self.kind == "int":
            return source.randint(int(self.low), int(self.high))
        drawn = math.exp(source.uniform(math.log(self.low), math.log(self.high)))
        return min(max(round(drawn), int(self.low)), int(self.high)) if self.kind == "logint" else drawn


@dataclass(frozen=True)
class Axis:
    """A parameter, and what it may be: some values, or a distribution."""

    name: str
    values: tuple[Any, ...] = ()
    distribution: Distribution | None = None


def parse_axis(text: str) -> Axis:
    """``NAME=VALUE,VALUE``, ``NAME=START..END`` or ``START..END..STEP``, or ``NAME=KIND:LOW:HIGH``.

    Raises ConfigurationError for what is none."""
    name, equals, given = text.partition("=")
    if not equals or not name.strip() or not given:
        raise ConfigurationError(f"--param: '{text:.100}' is not of the form NAME=VALUES", hint="As in --param C=0.1,1")
    name = name.strip()
    found = _DISTRIBUTION_RE.match(given)
    if found is not None:
        return Axis(name, distribution=_distribution(found[1], float(found[2]), float(found[3]), text))
    values: list[Any] = []
    for part in given.split(","):
        values += _range(part, text) if ".." in part else [value_of(part)]
        if len(values) > MOST_RUNS:
            raise ConfigurationError(f"--param: '{text:.100}' has more than {MOST_RUNS:,} values")
    return Axis(name, tuple(values))


def value_of(text: str) -> Any:
    """What a text is: a number, a truth value or null, as in JSON, or the text itself."""
    try:
        parsed = json.loads(text, parse_constant=lambda _text: text)
    except (ValueError, RecursionError):
        return text
    is_infinite = isinstance(parsed, float) and not math.isfinite(parsed)  # 1e999
    return parsed if isinstance(parsed, (int, float, bool, type(None))) and not is_infinite else text


def text_of(value: Any) -> str:
    """A value as a part of a command line."""
    return value if isinstance(value, str) else json.dumps(value)


def _range(part: str, text: str) -> Iterator[Any]:
    found = _RANGE_RE.match(part)
    if found is None:
        yield part
        return
    try:
        start, end, step = (_EXACT.create_decimal(each) for each in (found[1] or "0", found[2], found[3] or "1"))
        if any(abs(each) > _LARGEST or 0 < abs(each) * _LARGEST < 1 for each in (start, end, step)):
            raise ConfigurationError(f"--param: '{text:.100}' is a range of numbers that are too large or too small")
    except DecimalException as e:
        raise ConfigurationError(f"--param: '{text:.100}' is not a range") from e
    if step <= 0 or end < start:
        raise ConfigurationError(
            f"--param: '{text:.100}' is empty", hint="Write a range as START..END or START..END..STEP"
        )
    if (end - start) / step > MOST_RUNS:
        raise ConfigurationError(f"--param: '{text:.100}' has more than {MOST_RUNS:,} values")
    is_whole = all(each == each.to_integral_value() for each in (start, step))
    for count in range(int((end - start) // step) + 1):
        value = _EXACT.add(start, step * count)
        yield int(value) if is_whole else float(value)


def _distribution(kind: str, low: float, high: float, text: str) -> Distribution:
    good = math.isfinite(low) and math.isfinite(high - low)
    good = good and (high > 0 if kind == "normal" else low < high and (low > 0 or not kind.startswith("log")))
    if kind.endswith("int"):
        good = good and low == int(low) and high == int(high)
    if not good:
        raise ConfigurationError(
            f"--param: '{text:.100}' is not a distribution",
            hint="Write KIND:LOW:HIGH, with LOW > 0 for loguniform and logint, or normal:MEAN:SD",
        )
    return Distribution(kind, low, high)


def grid(axes: Sequence[Axis]) -> list[Point]:
    """All combinations; the last parameter changes first. Raises ConfigurationError for a distribution."""
    for axis in axes:
        if axis.distribution is not None:
            raise ConfigurationError(
                f"--param: '{axis.name}' is a distribution, from which values have to be drawn",
                hint="Add --random N or --optuna N",
            )
    if math.prod(len(axis.values) for axis in axes) > MOST_RUNS:
        raise ConfigurationError(f"The sweep has more than {MOST_RUNS:,} runs", hint="Use --random N")
    return [dict(zip((a.name for a in axes), values, strict=True)) for values in product(*(a.values for a in axes))]


def samples(axes: Sequence[Axis], count: int, seed: int) -> list[Point]:
    """Points that are drawn, one like the other for the same seed."""
    check_count(count)
    source = random.Random(seed)
    return [
        {
            axis.name: source.choice(axis.values) if axis.distribution is None else axis.distribution.sample(source)
            for axis in axes
        }
        for _ in range(count)
    ]


def check_count(runs: int) -> None:
    """Raise ConfigurationError for more runs than a sweep may have."""
    if runs > MOST_RUNS:
        raise ConfigurationError(f"The sweep has {runs:,} runs, more than {MOST_RUNS:,}", hint="Try fewer values")


def read_rows(path: str) -> list[Point]:
    """The rows of a CSV or JSON-lines file. Raises ConfigurationError, which names the line, for one that is none."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFoundError(f"--rows: {path} does not exist") from None
    except (OSError, UnicodeDecodeError) as e:
        raise kind_of_os_error(e)(
            f"--rows: {path} cannot be read: {getattr(e, 'strerror', None) or 'not UTF-8'}"
        ) from e
    rows = list(_csv_rows(text, path) if Path(path).suffix.lower() == ".csv" else _json_rows(text, path))
    if not rows:
        raise ConfigurationError(f"--rows: {path} has no rows")
    if len(rows) > MOST_RUNS:
        raise ConfigurationError(f"--rows: {path} has more than {MOST_RUNS:,} rows")
    return rows


def _csv_rows(text: str, path: str) -> Iterator[Point]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        names = [name.strip() for name in reader.fieldnames or ()]
        for name in names:
            if not name or names.count(name) > 1:
                raise ConfigurationError(f"--rows: {path}: there are two columns '{name}', or one without a name")
        for row in reader:
            if None in row or None in row.values():
                raise ConfigurationError(f"--rows: {path}, line {reader.line_num}: not as many values as columns")
            yield {name.strip(): value_of(value) for name, value in row.items()}
    except csv.Error as e:
        raise ConfigurationError(f"--rows: {path}, line {reader.line_num}: {e}") from e


def _json_rows(text: str, path: str) -> Iterator[Point]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as e:
            raise ConfigurationError(f"--rows: {path}, line {number}: not valid JSON") from e
        if not isinstance(row, Mapping) or any(isinstance(value, (list, dict)) for value in row.values()):
            raise ConfigurationError(f"--rows: {path}, line {number}: should be an object of single values")
        yield dict(row)
