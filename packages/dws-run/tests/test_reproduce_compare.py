"""What counts as a difference between the file of then and that of now."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataworkspaces.commands.reproduce_compare import Rules, compare_files
from dataworkspaces.commands.reproduce_html import page
from dataworkspaces.commands.reproduce_places import place_in_copy
from dataworkspaces.commands.reproduce_verdict import (
    Comparison,
    OutputVerdict,
    RecordedEnvironment,
    Reproduction,
    StepVerdict,
)


def compared(tmp_path: Path, name: str, old: str | bytes, new: str | bytes, rules: Rules | None = None) -> Comparison:
    for directory, content in (("old", old), ("new", new)):
        path = tmp_path / directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return compare_files(tmp_path / "old" / name, tmp_path / "new" / name, name, rules or Rules())


@pytest.mark.parametrize(
    ("name", "old", "new", "verdict"),
    [
        ("a.bin", b"same", b"same", "identical"),
        ("a.bin", b"same", b"sane", "different"),
        ("a.pkl", b"x", b"y", "different"),
        ("a.json", '{"a": 1, "b": [2]}', '{"b": [2], "a": 1.0}', "equal"),
        ("a.json", '{"a": NaN}', '{"a":NaN}', "equal"),
        ("a.json", '{"a": true}', '{"a": 1}', "different"),
        ("a.json", '{"a": 1}', '{"a": 1, "b": 2}', "different"),
        ("a.json", "[1]", "[1, 2]", "different"),
        ("a.json", "{", "{ ", "different"),
        ("a.json", "[" * 100_000, "[" * 100_001, "different"),
        (
            "results.json",
            '{"start_time": "1", "metrics": {"x": 1}}',
            '{"start_time": "2", "metrics": {"x": 1}}',
            "equal",
        ),
        ("results.json", '{"metrics": {"x": 1}}', '{"metrics": {"x": 2}}', "different"),
        ("results.json", '{"x": ["/home/ada/ws"]}', '{"x": ["/tmp/checkout"]}', "equal"),
        ("a.json", '{"start_time": "1"}', '{"start_time": "2"}', "different"),
        ("a.csv", "x,y\n1,2.0\n", "x,y\n1.0,2\n", "equal"),
        ("a.csv", "x\n1\n", "x\n2\n", "different"),
        ("a.csv", "x\n1\n", "x\n1\n1\n", "different"),
        ("a.tsv", "x\ty\n1\t2\n", "x\ty\n1\t2.0\n", "equal"),
        ("a.npy", b"no array", b"another", "different"),
        ("a.txt", "one\r\ntwo\n", "one\ntwo\n", "equal"),
    ],
)
def test_two_files(tmp_path: Path, name: str, old: str | bytes, new: str | bytes, verdict: str) -> None:
    assert compared(tmp_path, name, old, new).verdict == verdict


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("")
    assert compare_files(tmp_path / "old", tmp_path / "new", "new", Rules()).verdict == "missing"


def test_the_largest_difference_and_the_first_ones(tmp_path: Path) -> None:
    old, new = {str(n): n for n in range(9)}, {str(n): n + n / 10 for n in range(9)}
    found = compared(tmp_path, "a.json", json.dumps(old), json.dumps(new))
    assert found.largest == pytest.approx(0.8)
    assert found.details[0] == "1: 1.0 is now 1.1"
    assert found.details[-1] == "and 3 more"


def test_places_of_then_and_now_are_the_same(tmp_path: Path) -> None:
    rules = Rules(places={"/home/ada/ws": "/tmp/checkout"})
    assert compared(tmp_path, "a.json", '"/home/ada/ws/x"', '"/tmp/checkout/x"', rules).verdict == "equal"


def test_no_array_is_unpickled(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    for directory, value in (("old", 1), ("new", 2)):
        (tmp_path / directory).mkdir()
        numpy.save(tmp_path / directory / "a.npy", numpy.array([{"a": value}], dtype=object), allow_pickle=True)
    found = compare_files(tmp_path / "old/a.npy", tmp_path / "new/a.npy", "a.npy", Rules())
    assert found.verdict == "different"
    assert "allow_pickle" in found.details[-1]


def test_arrays_within_a_tolerance(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    for directory, value in (("old", 1.0), ("new", 1.0 + 1e-6)):
        (tmp_path / directory).mkdir()
        numpy.save(tmp_path / directory / "a.npy", numpy.array([value, math.nan]))
    old, new = tmp_path / "old/a.npy", tmp_path / "new/a.npy"
    assert compare_files(old, new, "a.npy", Rules(rtol=1e-5)).verdict == "equal"
    found = compare_files(old, new, "a.npy", Rules())
    assert (found.verdict, found.largest) == ("different", pytest.approx(1e-6))


def two(tmp_path: Path, name: str, write: Callable[[Path, Any], None], old: Any, new: Any) -> tuple[Path, Path]:
    """A file of then and one of now, each written by ``write``."""
    paths = tmp_path / "old" / name, tmp_path / "new" / name
    for path, value in zip(paths, (old, new), strict=True):
        path.parent.mkdir(exist_ok=True)
        write(path, value)
    return paths


@pytest.mark.parametrize(
    ("new", "verdict", "told"),
    [
        ({"x": [1.0, 2.0], "s": ["a", None]}, "equal", ()),
        ({"x": [1.0, 2.0 + 1e-12], "s": ["a", None]}, "equal", ()),
        ({"x": [1.0, 2.5], "s": ["a", None]}, "different", ("x[1]: 2.0 is now 2.5",)),
        ({"x": [1.0, 2.0], "s": ["a", "b"]}, "different", ("s[1]: None is now 'b'",)),
        ({"x": [1.0, 2.0]}, "different", ("columns and rows: \"['x', 's'], 2\" is now \"['x'], 2\"",)),
    ],
)
def test_tables_of_parquet(tmp_path: Path, new: Any, verdict: str, told: tuple[str, ...]) -> None:
    """However the file is compressed."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    def write(path: Path, value: Any) -> None:
        parquet.write_table(pyarrow.table(value), path, compression="gzip" if path.parent.name == "old" else "none")

    old_path, new_path = two(tmp_path, "a.parquet", write, {"x": [1.0, 2.0], "s": ["a", None]}, new)
    found = compare_files(old_path, new_path, "a.parquet", Rules())
    assert (found.verdict, found.details) == (verdict, told)


@pytest.mark.parametrize(
    ("change", "verdict", "told"),
    [(None, "equal", ()), ((3, 4, 7), "different", ("1 pixels differ",)), ("size", "different", None)],
)
def test_images_by_their_pixels(tmp_path: Path, change: Any, verdict: str, told: tuple[str, ...] | None) -> None:
    """And not by what else the file tells, such as when it was made."""
    numpy = pytest.importorskip("numpy")
    image = pytest.importorskip("PIL.Image")
    png = pytest.importorskip("PIL.PngImagePlugin")
    pixels = numpy.arange(10 * 12 * 3, dtype="uint8").reshape(10, 12, 3)
    other = pixels[:9] if change == "size" else pixels.copy()
    if isinstance(change, tuple):
        row, column, by = change
        other[row, column, 1] += by

    def write(path: Path, value: Any) -> None:
        info = png.PngInfo()
        info.add_text("Creation Time", path.parent.name)
        image.fromarray(value).save(path, pnginfo=info)

    old, new = two(tmp_path, "a.png", write, pixels, other)
    found = compare_files(old, new, "a.png", Rules())
    assert found.verdict == verdict
    assert told is None or found.details == told
    assert found.largest == (7 if isinstance(change, tuple) else None)


def test_arrays_of_another_shape_and_archives_of_arrays(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    old, new = two(tmp_path, "a.npy", numpy.save, numpy.zeros((2, 3)), numpy.zeros((3, 2)))
    assert compare_files(old, new, "a.npy", Rules()).details[0].startswith("shape and type: ")
    values = {"x": numpy.arange(3.0)}, {"x": numpy.array([0, 1, 2.25])}
    old, new = two(tmp_path, "a.npz", lambda path, arrays: numpy.savez(path, **arrays), *values)
    found = compare_files(old, new, "a.npz", Rules())
    assert (found.verdict, found.details, found.largest) == ("different", ("x: [2]: 2.0 is now 2.25",), 0.25)
    assert compare_files(old, new, "a.npz", Rules(atol=0.25)).verdict == "equal"


_numbers = st.floats(-1e9, 1e9)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["json", "csv", "npy"])
@given(values=st.lists(st.tuples(_numbers, _numbers), min_size=1, max_size=4), atol=st.floats(0, 1e9))
def test_all_formats_have_the_same_tolerance(suffix: str, values: list[tuple[float, float]], atol: float) -> None:
    """A file is equal if and only if each of its numbers is; what differs has the largest difference."""
    numpy = pytest.importorskip("numpy")
    write: dict[str, Callable[[Path, list[float]], Any]] = {
        "json": lambda path, numbers: path.write_text(json.dumps(numbers)),
        "csv": lambda path, numbers: path.write_text("".join(f"{n!r}\n" for n in numbers)),
        "npy": lambda path, numbers: numpy.save(path, numpy.array(numbers)),
    }
    rules = Rules(atol=atol)
    with tempfile.TemporaryDirectory() as directory:
        old, new = two(Path(directory), f"a.{suffix}", write[suffix], *map(list, zip(*values, strict=True)))
        found = compare_files(old, new, old.name, rules)
    wrong = [abs(a - b) for a, b in values if not rules.are_equal(a, b)]
    assert (found.verdict == "different") == bool(wrong)
    assert found.largest is None if not wrong else found.largest == pytest.approx(max(abs(a - b) for a, b in values))


def test_absolute_paths_are_those_of_the_copy(tmp_path: Path) -> None:
    copy, other = tmp_path / "copy", tmp_path / "other"
    for directory in (copy / "code", other / ".dataworkspace", tmp_path / "plain"):
        directory.mkdir(parents=True)
    places = {"/ws": str(copy)}
    expected = {
        "/ws/code/x.py": f"{copy}/code/x.py",
        "/ws": str(copy),
        "/wsx/y": "/wsx/y",
        f"{other}/code/x.py": f"{copy}/code/x.py",
        f"{copy}/code/x.py": f"{copy}/code/x.py",
        "/no/such/place/code/x.py": f"{copy}/code/x.py",
        "/no/such/place/of/it": "/no/such/place/of/it",
        f"{tmp_path}/plain/file": f"{tmp_path}/plain/file",
        "code/x.py": "code/x.py",
        "-v": "-v",
    }
    assert {text: place_in_copy(text, places, copy) for text in expected} == expected


@given(st.floats(), st.floats(), st.floats(0, 1), st.floats(0, 1))
def test_numbers(old: float, new: float, rtol: float, atol: float) -> None:
    rules = Rules(rtol, atol)
    assert rules.are_equal(old, old)
    if rules.are_equal(old, new) and math.isfinite(old) and math.isfinite(new):
        assert abs(old - new) <= atol + rtol * abs(old)


def test_the_page_holds_nobodys_html() -> None:
    evil = "<script>alert(1)</script>"
    found = Reproduction(
        evil, evil, (evil,), True, evil, (RecordedEnvironment((evil,), evil, 1, 1, (evil,)),), evil, evil, evil, evil,
        evil, evil, 0.0, 0.0, 1, {evil: evil},
        (StepVerdict(evil, (evil,), 1, 1.0, evil, evil, (evil,)),),
        (OutputVerdict(evil, evil, "different", (evil,)),),
    )  # fmt: skip
    assert "<script" not in page(found)
