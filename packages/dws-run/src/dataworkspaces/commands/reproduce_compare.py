"""Whether a file that a step wrote again is the one that it wrote then.

Of formats whose meaning is known, numbers are compared within tolerances. Nothing is ever unpickled: files come from
somebody else's workspace.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataworkspaces.commands.reproduce_verdict import Comparison, first
from dataworkspaces.workspace.results import RESULTS_FILE

_CHUNK = 1 << 20
_LARGEST_TEXT = 200 << 20
TIMES = frozenset({"start_time", "end_time", "execution_time_seconds", "run_id", "files"})
"""Keys of ``results.json`` that tell of the run, or of files that are compared themselves, and not of what it found."""


@dataclass
class Rules:
    """:ivar rtol, atol: two numbers are equal if they differ by at most ``atol + rtol * abs(the old one)``.
    :ivar places: by a directory of then that of now, which stands for the same."""

    rtol: float = 1e-9
    atol: float = 0.0
    places: Mapping[str, str] = field(default_factory=dict)

    def are_equal(self, old: float, new: float) -> bool:
        if math.isnan(old) or math.isnan(new):
            return math.isnan(old) and math.isnan(new)
        return old == new or abs(old - new) <= self.atol + self.rtol * abs(old)

    def text(self, text: str) -> str:
        for then, now in self.places.items():
            text = text.replace(now, then)
        return text


@dataclass
class _Found:
    """Differences, as they are found."""

    rules: Rules
    texts: list[str] = field(default_factory=list)
    largest: float | None = None

    def differ(self, where: str, old: Any, new: Any) -> None:
        self.texts.append(f"{where}: {_shown(old)} is now {_shown(new)}")

    def numbers(self, where: str, old: float, new: float) -> None:
        if not self.rules.are_equal(old, new):
            self.differ(where, old, new)
            size = abs(old - new)
            if math.isfinite(size):
                self.largest = max(size, self.largest or 0.0)

    def comparison(self) -> Comparison:
        return Comparison("different" if self.texts else "equal", first(self.texts), self.largest)


def compare_files(old: Path, new: Path, name: str, rules: Rules) -> Comparison:
    """Compare a file with what is there now; ``name`` is its path, whose ending says what it is."""
    if not new.is_file() and not new.is_symlink():
        return Comparison("missing", ("the step did not write it",))
    if old.is_symlink() or new.is_symlink():
        same = old.is_symlink() and new.is_symlink() and old.readlink() == new.readlink()
        return Comparison("identical") if same else Comparison("different", ("it is another link",))
    if have_same_bytes(old, new):
        return Comparison("identical")
    compare = _by_ending(name.lower())
    if compare is None or max(old.stat().st_size, new.stat().st_size) > _LARGEST_TEXT:
        return _bytes_differ(old, new)
    found = _Found(rules)
    try:
        compare(old, new, found)
    except Exception as e:  # a file that is not what its name says, a library that is not installed
        different = _bytes_differ(old, new)
        reason = str(e).splitlines()[0][:200] if str(e) else type(e).__name__
        return Comparison("different", (*different.details, f"read as bytes: {reason}"))
    return found.comparison()


def have_same_bytes(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as a, other.open("rb") as b:
        while True:
            chunk = a.read(_CHUNK)
            if chunk != b.read(_CHUNK):
                return False
            if not chunk:
                return True


def _by_ending(name: str) -> Callable[[Path, Path, _Found], None] | None:
    if name.rpartition("/")[2] == RESULTS_FILE:
        return _results
    endings: dict[tuple[str, ...], Callable[[Path, Path, _Found], None]] = {
        (".json",): _json,
        (".jsonl", ".ndjson"): _json_lines,
        (".csv", ".tsv"): _csv,
        (".txt", ".log", ".md"): _text,
        (".npy",): _npy,
        (".npz",): _npz,
        (".parquet",): _parquet,
        (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff"): _image,
    }
    return next((compare for known, compare in endings.items() if name.endswith(known)), None)


def _bytes_differ(old: Path, new: Path) -> Comparison:
    sizes = old.stat().st_size, new.stat().st_size
    position = 0
    with old.open("rb") as a, new.open("rb") as b:
        while (one := a.read(_CHUNK)) == (other := b.read(_CHUNK)) and one:
            position += len(one)
    position += next((i for i, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other)))
    size = f"{sizes[0]:,} bytes" if sizes[0] == sizes[1] else f"{sizes[0]:,} bytes, now {sizes[1]:,}"
    return Comparison("different", (f"from byte {position:,} on ({size})",))


# -- what is in the files ------------------------------------------------------------------------------------------


def _results(old: Path, new: Path, found: _Found) -> None:
    def what_was_found(path: Path) -> Any:
        data = json.loads(path.read_text(encoding="utf-8"))
        kept = {k: v for k, v in data.items() if k not in TIMES} if isinstance(data, dict) else data
        return _without_places(kept)

    _values("", what_was_found(old), what_was_found(new), found)


def _without_places(value: Any) -> Any:
    """Of an absolute path nothing but that it is one."""
    if isinstance(value, dict):
        return {key: _without_places(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_places(item) for item in value]
    return "/" if isinstance(value, str) and value.startswith("/") else value


def _json(old: Path, new: Path, found: _Found) -> None:
    _values("", json.loads(old.read_text(encoding="utf-8")), json.loads(new.read_text(encoding="utf-8")), found)


def _json_lines(old: Path, new: Path, found: _Found) -> None:
    def lines(path: Path) -> list[Any]:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]

    _values("", lines(old), lines(new), found)


def _values(where: str, old: Any, new: Any, found: _Found) -> None:
    """Iterative, since a document may be nested deeply."""
    pending = [(where, old, new)]
    while pending:
        where, old, new = pending.pop()
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            for key in sorted({*old, *new}, reverse=True):
                at = f"{where}.{key}" if where else str(key)
                if key in old and key in new:
                    pending.append((at, old[key], new[key]))
                else:
                    found.texts.append(f"{at}: {'only now' if key in new else 'no longer there'}")
        elif isinstance(old, list) and isinstance(new, list):
            if len(old) != len(new):
                found.differ(f"{where or 'the list'}, how many", len(old), len(new))
            pending += [(f"{where}[{n}]", a, b) for n, (a, b) in enumerate(zip(old, new, strict=False))][::-1]
        elif _is_number(old) and _is_number(new):
            found.numbers(where, float(old), float(new))
        elif isinstance(old, str) and isinstance(new, str):
            if found.rules.text(old) != found.rules.text(new):
                found.differ(where, old, new)
        elif old != new or type(old) is not type(new):
            found.differ(where or "the whole", old, new)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(old: Path, new: Path, found: _Found) -> None:
    texts = [path.read_text(encoding="utf-8").splitlines() for path in (old, new)]
    if len(texts[0]) != len(texts[1]):
        found.differ("lines", len(texts[0]), len(texts[1]))
    for number, (a, b) in enumerate(zip(*texts, strict=False), 1):
        if found.rules.text(a) != found.rules.text(b):
            found.differ(f"line {number}", a, b)


def _csv(old: Path, new: Path, found: _Found) -> None:
    def rows(path: Path) -> Iterator[list[str]]:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.reader(file, delimiter="\t" if "\t" in path.open(encoding="utf-8").readline() else ",")

    before, after = list(rows(old)), list(rows(new))
    if len(before) != len(after):
        found.differ("rows", len(before), len(after))
    for number, (a, b) in enumerate(zip(before, after, strict=False), 1):
        if len(a) != len(b):
            found.differ(f"row {number}, columns", len(a), len(b))
        for column, (x, y) in enumerate(zip(a, b, strict=False), 1):
            if x != y:
                _cells(f"row {number}, column {column}", x, y, found)


def _cells(where: str, old: str, new: str, found: _Found) -> None:
    try:
        found.numbers(where, float(old), float(new))
    except ValueError:
        if found.rules.text(old) != found.rules.text(new):
            found.differ(where, old, new)


def _npy(old: Path, new: Path, found: _Found) -> None:
    import numpy

    _arrays("", numpy.load(old, allow_pickle=False), numpy.load(new, allow_pickle=False), found)


def _npz(old: Path, new: Path, found: _Found) -> None:
    import numpy

    with numpy.load(old, allow_pickle=False) as a, numpy.load(new, allow_pickle=False) as b:
        if set(a.files) != set(b.files):
            found.differ("arrays", sorted(a.files), sorted(b.files))
        for name in sorted(set(a.files) & set(b.files)):
            _arrays(name, a[name], b[name], found)


def _arrays(where: str, old: Any, new: Any, found: _Found) -> None:
    import numpy

    at = f"{where}: " if where else ""
    if old.shape != new.shape or old.dtype.kind != new.dtype.kind:
        found.differ(f"{at}shape and type", f"{old.shape} {old.dtype}", f"{new.shape} {new.dtype}")
        return
    if old.dtype.kind in "iufc":
        equal = numpy.isclose(new, old, rtol=found.rules.rtol, atol=found.rules.atol, equal_nan=True)
    else:
        equal = old == new
    wrong = numpy.argwhere(~numpy.asarray(equal))
    for index in wrong[:6]:
        place = tuple(int(i) for i in index)
        found.differ(f"{at}[{', '.join(map(str, place))}]", old[place].item(), new[place].item())
    if len(wrong) > 6:
        found.texts += [""] * (len(wrong) - 6)
    if len(wrong) and old.dtype.kind in "iufc":
        sizes = numpy.abs(old.astype("complex128") - new.astype("complex128"))
        found.largest = float(numpy.nanmax(sizes[numpy.isfinite(sizes)], initial=found.largest or 0.0))


def _parquet(old: Path, new: Path, found: _Found) -> None:
    import pyarrow.parquet

    a, b = pyarrow.parquet.read_table(old), pyarrow.parquet.read_table(new)
    if a.column_names != b.column_names or a.num_rows != b.num_rows:
        found.differ("columns and rows", f"{a.column_names}, {a.num_rows}", f"{b.column_names}, {b.num_rows}")
        return
    for name in a.column_names:
        _values(name, a.column(name).to_pylist(), b.column(name).to_pylist(), found)


def _image(old: Path, new: Path, found: _Found) -> None:
    import numpy
    from PIL import Image

    with Image.open(old) as a, Image.open(new) as b:
        if (a.size, a.mode) != (b.size, b.mode):
            found.differ("size and mode", f"{a.size} {a.mode}", f"{b.size} {b.mode}")
            return
        pixels = [numpy.asarray(image).astype("int64") for image in (a, b)]
    wrong = pixels[0] != pixels[1]
    if wrong.any():
        found.texts.append(f"{int(wrong.any(axis=-1).sum() if wrong.ndim == 3 else wrong.sum())} pixels differ")
        found.largest = float(numpy.abs(pixels[0] - pixels[1]).max())


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
