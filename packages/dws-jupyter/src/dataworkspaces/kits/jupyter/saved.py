"""Whether the file of a notebook holds what is on the screen."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from dataworkspaces.workspace.notebooks import code_cells


def state_of_notebook(path: Path | None, running_cell: str | None) -> str:
    """One line on what a snapshot will hold of the notebook. A kernel cannot have a front end save it."""
    if path is None:
        return "The snapshot holds the notebook as it was last saved; which one this is, is not known here"
    try:
        saved = datetime.fromtimestamp(path.stat().st_mtime)
        sources = [source.strip() for source in code_cells(path.read_bytes())]
    except (OSError, ValueError):
        return f"The notebook {path.name} has not been saved, or cannot be read: the snapshot does not hold it as it is"
    told = f"The snapshot holds {path.name} as it was last saved, at {saved:%Y-%m-%dT%H:%M:%S}"
    if running_cell is not None and running_cell.strip() not in sources:
        return f"{told}. That is older than the cell that runs: save the notebook, and take the snapshot again"
    return told
