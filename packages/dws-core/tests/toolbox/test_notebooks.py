"""What of a notebook is code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dataworkspaces.toolbox.notebooks import code_cells, hash_of_sources, notebook_sources


def notebook(*sources: Any, **cell: Any) -> bytes:
    cells = [{"cell_type": "code", "source": source, "outputs": [], **cell} for source in sources]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}).encode()


def test_outputs_and_counts_are_no_code() -> None:
    before = notebook("1 + 1", "print(2)")
    after = notebook("1 + 1", "print(2)", execution_count=7, outputs=[{"text": "2"}], metadata={"scrolled": True})
    assert notebook_sources(before) == notebook_sources(after)
    assert hash_of_sources(before) == hash_of_sources(after)


@pytest.mark.parametrize(
    "other", [notebook("1 + 2"), notebook("1 + 1", ""), notebook(), notebook("1 + 1", cell_type="raw")]
)
def test_another_source_is_other_code(other: bytes) -> None:
    assert notebook_sources(other) != notebook_sources(notebook("1 + 1"))


def test_a_source_may_be_in_lines() -> None:
    assert hash_of_sources(notebook(["a = 1\n", "b = 2"])) == hash_of_sources(notebook("a = 1\nb = 2"))


def test_text_between_the_cells_counts_and_is_not_run() -> None:
    document = json.dumps({"cells": [{"cell_type": "markdown", "source": "# A"}, {"cell_type": "code", "source": "1"}]})
    assert code_cells(document.encode()) == ["1"]
    assert hash_of_sources(document.encode()) != hash_of_sources(notebook("1"))


@pytest.mark.parametrize("document", [b"", b"{", b"[]", b'{"cells": 3}', b'{"cells": [{}]}', b"\xff", b"[" * 100_000])
def test_what_is_no_notebook(document: bytes) -> None:
    assert notebook_sources(document) is None
    assert hash_of_sources(document) is None
    with pytest.raises(ValueError, match="not a Jupyter notebook"):
        code_cells(document)
