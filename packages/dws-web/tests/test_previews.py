"""Previews of files, without a browser: tests/test_web.py looks at them in one."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow.parquet
import pytest

from dataworkspaces.web.files import checked
from dataworkspaces.web.previews import Code, Image, Markdown, Table
from dataworkspaces.web.previews.choice import preview

HOSTILE = "<script>alert(1)</script>"


def shown(name: str, content: bytes | str, *, is_whole: bool = True) -> list[Any]:
    blocks, problem = preview(name, content.encode() if isinstance(content, str) else content, is_whole=is_whole)
    assert problem == ""
    return blocks


def test_table_has_names_numbers_as_they_are_written_and_texts() -> None:
    (table,) = shown("a.csv", f"name,size\n{HOSTILE},0012\nb,1.50\n")
    assert table == Table(("name", "size"), ((HOSTILE, {"number": "0012"}), ("b", {"number": "1.50"})))


def test_table_without_names_counts_its_columns() -> None:
    (table,) = shown("a.csv", "1;2\n3;4\n")
    assert table.columns == ("1", "2")
    assert len(table.rows) == 2


def test_long_table_says_what_is_not_shown() -> None:
    (table,) = shown("a.tsv", "n\n" + "1\n" * 5000)
    assert table.note == "The first 200 of 5,000 rows"
    (table,) = shown("a.csv", "n\n" + "1\n" * 5000, is_whole=False)
    assert table.note == "The first 200 of more than 5,000 rows"


def parquet(columns: dict[str, list[Any]]) -> bytes:
    target = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), target)
    return target.getvalue()


def test_parquet_is_a_table() -> None:
    columns = {"name": [HOSTILE, None], "size": [1, 2], "share": [0.5, float("nan")], "ok": [True, False]}
    (table,) = shown("a.parquet", parquet(columns))
    first = (HOSTILE, {"number": "1"}, {"number": "0.5"}, "True")
    assert table == Table(("name", "size", "share", "ok"), (first, ("", {"number": "2"}, {"number": "nan"}, "False")))
    (table,) = shown("a.parquet", parquet({"n": [*range(1000)]}))
    assert (len(table.rows), table.note) == (200, "The first 200 of 1,000 rows")
    assert shown("a.parquet", parquet({"n": []})) == [Table(("n",), ())]


def test_parquet_that_is_damaged_or_cut_off_says_so() -> None:
    whole = parquet({"n": [*range(1000)]})
    for content, is_whole in ((whole[:-20], True), (b"PAR1" + whole[30:], True), (whole, False)):
        _, problem = preview("a.parquet", content, is_whole=is_whole)
        assert problem.startswith("It is not a valid .parquet file: ")


def test_notebook_is_its_cells_and_no_html() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# T\n", HOSTILE]},
        {
            "cell_type": "code",
            "execution_count": 1,
            "source": "x",
            "outputs": [
                {"output_type": "execute_result", "data": {"text/html": HOSTILE, "text/plain": ["42"]}},
                {"output_type": "display_data", "data": {"image/png": "iVBORw0K\n"}},
            ],
        },
    ]
    blocks = shown("a.ipynb", json.dumps({"cells": cells}))
    assert blocks == [Markdown(f"# T\n{HOSTILE}"), Code("x", "In [1]"), Code("42"), Image("image/png", b"\x89PNG\r\n")]


@pytest.mark.parametrize(
    "cells",
    [
        None,
        [None, 1, {"cell_type": "code", "outputs": [None, {"data": 1}]}],
        [{"cell_type": "code", "source": 1, "outputs": 3}],
        [
            {
                "cell_type": "code",
                "outputs": [{"output_type": "error", "traceback": 3}, {"data": {"image/png": [1, "§"]}}],
            }
        ],
    ],
)
def test_odd_notebooks_do_no_harm(cells: Any) -> None:
    preview("a.ipynb", json.dumps({"cells": cells}).encode(), is_whole=True)


@pytest.mark.parametrize("content", ["{", "[" * 100_000, '"' + "a" * 3_000_000 + '"'])
def test_damaged_json_is_text(content: str) -> None:
    blocks, _ = preview("a.json", content.encode(), is_whole=True)
    assert isinstance(blocks[0], Code)
    assert len(blocks[0].text) < 300_000


def test_what_is_no_text_has_no_preview() -> None:
    assert shown("model.joblib", b"\x80\x04\x00\xff" * 50) == []


def test_picture_that_is_too_large_says_so() -> None:
    blocks, problem = preview("a.png", b"\x89PNG\r\n\0", is_whole=False)
    assert (blocks, problem) == ([], "It is not a valid .png file: it is too large to be shown")


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../b", "..", "a\\..\\b", "a\0"])
def test_path_out_of_a_resource_is_refused(path: str) -> None:
    with pytest.raises(Exception, match="is not a path in a resource"):
        checked(path)
