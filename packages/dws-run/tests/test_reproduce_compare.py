"""What counts as a difference between the file of then and that of now."""

from __future__ import annotations

import json
import math
from pathlib import Path

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
