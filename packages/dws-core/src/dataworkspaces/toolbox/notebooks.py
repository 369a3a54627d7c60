"""What of a Jupyter notebook is code: outputs, execution counts and settings of front ends change at every run."""

from __future__ import annotations

import hashlib
import json
from typing import Any

__all__ = ["SUFFIX", "code_cells", "hash_of_sources", "notebook_sources"]

SUFFIX = ".ipynb"


def notebook_sources(document: bytes) -> bytes | None:
    """The cells' kinds and sources, in their order, as a text that is the same for the same code; None if the document
    is no notebook."""
    cells = read_cells(document)
    return None if cells is None else json.dumps(cells, ensure_ascii=False, indent=0).encode("utf-8", "surrogatepass")


def hash_of_sources(document: bytes) -> str | None:
    """``sha256:`` and the hash of :func:`notebook_sources`."""
    sources = notebook_sources(document)
    return None if sources is None else f"sha256:{hashlib.sha256(sources).hexdigest()}"


def code_cells(document: bytes) -> list[str]:
    """The sources of the cells with code; raises ValueError if the document is no notebook."""
    cells = read_cells(document)
    if cells is None:
        raise ValueError("not a Jupyter notebook")
    return [source for kind, source in cells if kind == "code"]


def read_cells(document: bytes) -> list[tuple[str, str]] | None:
    """Kind and source of each cell, or None if the document is no notebook."""
    try:
        content: Any = json.loads(document)
        return [(str(cell["cell_type"]), _text(cell["source"])) for cell in content["cells"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _text(source: Any) -> str:
    if isinstance(source, str):
        return source
    return "".join(str(line) for line in source)
