"""What a sweep tries: values as they are typed, rows of files, and commands with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataworkspaces.commands.sweep_command import (
    check_command,
    check_keys,
    command_of,
    recorded_parameters,
    set_in_files,
)
from dataworkspaces.commands.sweep_values import grid, parse_axis, read_rows, samples
from dataworkspaces.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("C=0.1,1,10", (0.1, 1, 10)),
        ("kernel=rbf,linear", ("rbf", "linear")),
        ("flag=true,null,NaN", (True, None, "NaN")),
        ("n=1..4", (1, 2, 3, 4)),
        ("n=0..1..0.25", (0.0, 0.25, 0.5, 0.75, 1.0)),
        ("n=0..0.3..0.1", (0.0, 0.1, 0.2, 0.3)),
        ("n=1..3,9", (1, 2, 3, 9)),
        ("path=../data", ("../data",)),
        ("q=a=b", ("a=b",)),
        ("q=1e999", ("1e999",)),
        ("n=999999999999999999..1000000000000000000", (10**18 - 1, 10**18)),
    ],
)
def test_lists_and_ranges(text: str, values: tuple[Any, ...]) -> None:
    assert parse_axis(text).values == values


@pytest.mark.parametrize(
    "text",
    [
        *("C", "C=", "=1", "n=3..1", "n=1..2..0", "n=0..1..1e-9", "x=uniform:1:0", "x=loguniform:0:1", "x=int:0:1e999"),
        *("x=uniform:-1e308:1e308", "n=1e9999999..1e9999999", "n=1..2..1e-999999999999999"),
        f"n=1{'0' * 40}..1{'0' * 39}1",
    ],
)
def test_what_is_no_parameter(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--param"):
        parse_axis(text)


def test_all_combinations_the_last_parameter_first() -> None:
    points = grid([parse_axis("a=1,2"), parse_axis("b=x,y")])
    assert points == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"}]


def test_a_distribution_is_drawn_from() -> None:
    axes = [
        parse_axis(text) for text in ("u=uniform:0:1", "l=loguniform:1e-4:1", "i=int:1:3", "j=logint:1:99", "k=a,b")
    ]
    with pytest.raises(ConfigurationError, match="--random N"):
        grid(axes)
    drawn = samples(axes, 200, 7)
    assert drawn == samples(axes, 200, 7) != samples(axes, 200, 8)
    assert all(0 <= p["u"] <= 1 and 1e-4 <= p["l"] <= 1 for p in drawn)
    assert {p["i"] for p in drawn} == {1, 2, 3}
    assert {p["k"] for p in drawn} == {"a", "b"}
    assert sum(p["l"] < 0.01 for p in drawn) > 60  # half of the decades


def test_rows_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("C,kernel\n0.1,rbf\n10,linear\n")
    (tmp_path / "rows.jsonl").write_text('{"C": 1}\n\n{"C": 2}\n')
    assert read_rows(str(tmp_path / "rows.csv")) == [{"C": 0.1, "kernel": "rbf"}, {"C": 10, "kernel": "linear"}]
    assert read_rows(str(tmp_path / "rows.jsonl")) == [{"C": 1}, {"C": 2}]
    (tmp_path / "bad.csv").write_text("C,kernel\n0.1\n")
    (tmp_path / "bad.jsonl").write_text('{"C": [1]}\n')
    (tmp_path / "twice.csv").write_text("C, C\n0.1,1\n")
    for name in ("bad.csv", "bad.jsonl", "none.csv", "twice.csv"):
        with pytest.raises(ConfigurationError, match=name):
            read_rows(str(tmp_path / name))


def test_there_are_not_too_many_runs() -> None:
    with pytest.raises(ConfigurationError, match="1,000,000,000 runs"):
        samples([parse_axis("C=1,2")], 10**9, 1)


def test_values_stand_in_arguments_and_are_never_read_again() -> None:
    point = {"C": "1; rm -rf {kernel}", "kernel": "$(x) {C}"}
    command = ("python", "t.py", "--C={C}", "{kernel}", "{other}", "{}")
    assert command_of(command, point) == ("python", "t.py", "--C=1; rm -rf {kernel}", "$(x) {C}", "{other}", "{}")


@pytest.mark.slow
@given(st.lists(st.text(max_size=20), max_size=5), st.dictionaries(st.sampled_from("abc"), st.text(max_size=20)))
def test_there_are_as_many_arguments_as_before(command: list[str], point: dict[str, str]) -> None:
    assert len(command_of(command, point)) == len(command)


def test_a_parameter_that_changes_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'C' changes nothing"):
        check_command(["python", "t.py"], ["C"], tmp_path)
    with pytest.raises(ConfigurationError, match="no parameter 'D'"):
        check_command(["python", "{C}", "{D}"], ["C"], tmp_path)


def test_a_key_of_a_file_changes_and_nothing_else(tmp_path: Path) -> None:
    before = "# all of it\ntrain:\n  C: 1   # the cost\n  'rate': 0.1\nname: x\n"
    (tmp_path / "params.yaml").write_text(before)
    (tmp_path / "p.json").write_text('{"a": {"b": [1], "c": "x"}}')
    point = {
        "params.yaml:train.C": 10,
        "params.yaml:train.rate": 1e-05,
        "params.yaml:name": "a: b",
        "p.json:a.c": "é\n",
    }
    check_keys(point, tmp_path)
    set_in_files(point, tmp_path, tmp_path)
    after = "# all of it\ntrain:\n  C: 10   # the cost\n  'rate': 1.0e-05\nname: \"a: b\"\n"
    assert (tmp_path / "params.yaml").read_text() == after
    assert json.loads((tmp_path / "p.json").read_text()) == {"a": {"b": [1], "c": "é\n"}}
    assert recorded_parameters(point) == {"train.C": 10, "train.rate": 1e-05, "name": "a: b", "a.c": "é\n"}
    for name in ("params.yaml:train", "params.yaml:none", "p.json:a.b"):
        with pytest.raises(ConfigurationError, match="--param"):
            check_keys([name], tmp_path)
        with pytest.raises(ConfigurationError, match="--param"):
            set_in_files({name: 1}, tmp_path, tmp_path)
    assert (tmp_path / "params.yaml").read_text() == after


def test_a_run_changes_no_file_outside_of_its_copy(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (tmp_path / "own.yaml").write_text("C: 1\n")
    (copy / "link.yaml").symlink_to(tmp_path / "own.yaml")
    for name in (f"{tmp_path}/own.yaml:C", "link.yaml:C", "../own.yaml:C"):
        with pytest.raises(ConfigurationError, match="--param"):
            set_in_files({name: 2}, copy, copy)
    assert (tmp_path / "own.yaml").read_text() == "C: 1\n"


def test_what_is_no_file_of_keys(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{\n\t"C": 1}')  # JSON, but for YAML
    (tmp_path / "p.yaml").write_text("C: [\n")
    for name in ("p.json:C", "p.yaml:C"):
        with pytest.raises(ConfigurationError, match=name[:6]):
            check_keys([name], tmp_path)
