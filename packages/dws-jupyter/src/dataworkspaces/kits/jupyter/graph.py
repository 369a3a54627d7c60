"""The lineage graph in a cell."""

from __future__ import annotations

from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from IPython.display import HTML, display

from dataworkspaces import api

_HEIGHT = 600


def show_graph(workspace: str | None, resource: str | None, snapshot: str | None) -> None:
    """Show the page of ``dws lineage graph`` in a frame. The page is in the output itself, so that a notebook that
    is saved or converted keeps it. Names in it come from outside: the frame may run its own scripts, and reach
    nothing of the notebook around it."""
    with TemporaryDirectory() as directory:
        file = Path(directory, "lineage.html")
        api.make_lineage_graph(str(file), workspace, resource, snapshot, None, None)
        page = file.read_text(encoding="utf-8")
    frame = (
        f'<iframe title="Lineage graph" sandbox="allow-scripts allow-downloads" width="100%" height="{_HEIGHT}" '
        f'style="border: 1px solid #8884; background: #ffffff" srcdoc="{escape(page)}"></iframe>'
    )
    display(HTML(f"<div>{frame}</div>"))  # type: ignore[no-untyped-call]
