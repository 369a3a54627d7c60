"""Which rows of a table differ."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataworkspaces.web.table_rows import _LONGEST_CELL, MOST_SHOWN, rows_that_differ


def changes(one: str, other: str, name: str = "t.csv") -> list[tuple[str, list[str] | None, list[str] | None]]:
    found = rows_that_differ(name, one.encode(), other.encode())
    return [(row["status"], row["before"], row["after"]) for row in found["rows"]]


def test_rows_belong_together_by_their_first_column() -> None:
    assert changes("id,x\n1,a\n2,b\n3,c\n", "id,x\n3,c\n2,B\n4,d\n") == [
        ("changed", ["2", "b"], ["2", "B"]),
        ("added", None, ["4", "d"]),
        ("removed", ["1", "a"], None),
    ]


def test_rows_without_a_key_come_and_go() -> None:
    assert changes("x,y\n1,a\n1,b\n1,b\n", "x,y\n1,a\n1,b\n1,c\n") == [
        ("removed", ["1", "b"], None),
        ("added", None, ["1", "c"]),
    ]


def test_columns_may_come_go_and_move() -> None:
    found = rows_that_differ("t.tsv", b"id\tx\ty\n1\ta\tb\n", b"id\ty\tz\n1\tb\tc\n")
    assert (found["added_columns"], found["removed_columns"]) == (["z"], ["x"])
    assert found["columns"] == ["id", "y", "z", "x"]
    assert [row["before"] for row in found["rows"]] == [["1", "b", "", "a"]]


def test_file_that_is_new_has_new_rows_only() -> None:
    assert changes("", "id,x\n1,a\n") == [("added", None, ["1", "a"])]


def test_many_rows_are_counted_and_not_all_told() -> None:
    many = "id\n" + "".join(f"{n}\n" for n in range(MOST_SHOWN + 5))
    found = rows_that_differ("t.csv", b"id\n", many.encode())
    assert found["counts"]["added"] == MOST_SHOWN + 5
    assert len(found["rows"]) == MOST_SHOWN


@pytest.mark.parametrize("content", ["a,a\n1,2\n", "a,b\n" + "x" * 200_000 + ",1\n"])
def test_what_is_no_table_is_said(content: str) -> None:
    with pytest.raises(ValueError, match=r"column|field"):
        rows_that_differ("t.csv", b"a,b\n", content.encode())


def test_long_cells_differ_in_what_is_not_shown_of_them() -> None:
    start = "a" * _LONGEST_CELL
    assert changes(f"id,x\n1,{start}b\n", f"id,x\n1,{start}c\n") == [
        ("changed", ["1", f"{start}…"], ["1", f"{start}…"]),
    ]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=_LONGEST_CELL)
"""Those that are shown whole."""
ROWS = st.dictionaries(st.integers(0, 20).map(str), CELLS)


@pytest.mark.slow
@given(ROWS, ROWS)
def test_changes_make_one_table_of_the_other(one: dict[str, str], other: dict[str, str]) -> None:
    def text(rows: dict[str, str]) -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows([("id", "x"), *rows.items()])
        return out.getvalue().encode()

    rows = dict(one)
    for change in rows_that_differ("t.csv", text(one), text(other))["rows"]:
        if change["status"] == "removed":
            del rows[change["before"][0]]
        else:
            assert (change["before"] is None) == (change["status"] == "added")
            rows[change["after"][0]] = change["after"][1]
    assert rows == other
