"""Tables: plain in a pipe, fitted on a terminal; JSON."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass

import pytest
from cli_helpers import on_terminal

from dataworkspaces.cli.render import Column, Table, _fit, key_value_table, plain, print_json

LONG = "remote_origin_url=https://example.com/" + "x" * 200


def test_a_plain_table_has_one_line_a_row() -> None:
    table = Table("Metrics", ["Key", "Value"], [("accuracy", 0.9688542825361512), ("f1", None)])
    assert plain(table).splitlines() == [
        "Metrics",
        "| Key      | Value |",
        "|----------|-------|",
        "| accuracy | 0.969 |",
        "| f1       |       |",
    ]


def test_a_plain_table_cuts_and_wraps_nothing() -> None:
    assert LONG in plain(Table(None, ["Name"], [(LONG,)])).splitlines()[2]


def test_wide_characters_keep_the_columns_straight() -> None:
    lines = plain(Table(None, ["A", "B"], [("数据", 1), ("e\u0301", 2)])).splitlines()
    assert lines[2:] == ["| 数据 | 1 |", "| e\u0301    | 2 |"]


@pytest.mark.parametrize("text", ["a\nb", "a | b", "\x1b[2J"])
def test_text_from_outside_breaks_no_plain_table(text: str) -> None:
    lines = plain(Table(text, ["Name"], [(text,)])).splitlines()
    assert len(lines) == 4
    assert lines[3].count("|") - lines[3].count("\\|") == 2
    assert "\x1b" not in "".join(lines)


def test_several_values_in_a_cell() -> None:
    assert "| a, b |" in plain(Table(None, ["Tags"], [(("a", "b"),)]))


def test_parameters_keep_their_digits() -> None:
    assert key_value_table("Parameters", {"C": 0.123456}, exact=True).rows == [("C", "0.123456")]


@dataclass(frozen=True)
class Value:
    number: float


def test_json_is_valid_whatever_the_metrics_hold(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [Value(float("nan")), float("inf"), 1.5], 2: ("ü", None)})
    document = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    assert document == {"a": [{"number": None}, None, 1.5], "2": ["ü", None]}


def test_a_locale_that_cannot_write_a_text_is_no_error() -> None:
    code = (
        "import click\nfrom dataworkspaces.cli.main import dws\nfrom dataworkspaces.cli.cmd_version import version\n"
        "version.callback = lambda as_json: click.echo('\\u6570')\ndws.main(['version'])"
    )
    env = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout == "\\u6570\n", done.stderr


# -- on a terminal ---------------------------------------------------------------------------------------------------

SHOW = """
import sys
from dataworkspaces.cli.render import Column, Table, print_table
print_table(Table("[b]Title[/b]", [Column("Hash", fixed=True), "Name", "Message"], {rows}))
"""


def shown(rows: list[tuple[object, ...]], columns: int = 80) -> str:
    screen = on_terminal([sys.executable, "-c", SHOW.format(rows=rows)], columns=columns)
    assert screen.status == 0, screen.text
    return screen.text


def words(screen: str) -> str:
    """What is shown, without how."""
    return re.sub(r"\x1b\[[0-9;]*m", "", screen)


ROWS: list[tuple[object, ...]] = [
    ("f1401a8", LONG, "first run with a support vector classifier"),
    ("bf9fb37", "b", "c"),
]


@pytest.mark.parametrize("columns", [40, 80, 140])
def test_a_table_fits_the_terminal(columns: int) -> None:
    lines = words(shown(ROWS, columns)).splitlines()
    assert max(len(line) for line in lines) <= columns


def test_a_fitted_table_loses_nothing() -> None:
    assert words(shown(ROWS, 60)).count("x") == LONG.count("x")


def test_fixed_columns_are_not_wrapped() -> None:
    assert "f1401a8" in words(shown(ROWS, 40))


def test_text_from_outside_is_no_markup() -> None:
    text = words(shown([("[red]x[/red]", ":smile:", "\x1b[2J")]))
    assert "[b]Title[/b]" in text
    assert "[red]x[/red]" in text
    assert ":smile:" in text
    assert "\\x1b[2J" in text


def test_only_bold_is_used() -> None:
    codes = set(re.findall(r"\x1b\[([0-9;]*)m", shown(ROWS)))
    assert codes == {"1", "0"}


def test_columns_share_what_there_is() -> None:
    columns = [Column("Hash", fixed=True), Column("Name"), Column("Text")]
    assert _fit(columns, [["f1401a8", "name", "x" * 100]], 40) == [7, 4, 29]
