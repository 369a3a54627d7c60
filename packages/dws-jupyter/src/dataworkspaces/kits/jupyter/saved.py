"""Whether the file of a notebook holds what ran.

No message of Jupyter's protocol has a front end save its notebook: JupyterLab, Notebook and VS Code save when people
do, or by their own clocks. Only where the server itself holds the notebook (jupyter-collaboration) is it saved a moment
after each change; there it is enough to wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from dataworkspaces.kits.jupyter.ran import Ran
from dataworkspaces.toolbox.notebooks import code_cells

_SECONDS = 10.0
_SECONDS_OF_WRITING = 1.0
_INTERVAL = 0.1


def state_of_notebook(path: Path | None, ran: Ran, saves_itself: Callable[[], bool], seconds: float = _SECONDS) -> str:
    """One line on what a snapshot will hold of the notebook.

    :param saves_itself: whether a server saves the notebook after each change. Asked if the file is behind; then it
        gets some ``seconds`` to catch up."""
    if path is None:
        return "The snapshot holds the notebook as it was last saved; it is not known which notebook this is"
    try:
        missing = _not_saved(path, ran)
        if missing and saves_itself():
            missing = _wait(path, ran, time.monotonic() + seconds)
        saved = datetime.fromtimestamp(path.stat().st_mtime)
    except (OSError, ValueError):
        return (
            f"The notebook {path.name} has not been saved, or cannot be read: the snapshot does not contain it as it is"
        )
    told = f"The snapshot holds {path.name} as it was last saved, at {saved:%Y-%m-%dT%H:%M:%S}"
    if not missing:
        return told
    number = len(missing)
    what = "the cell that runs" if ran.last() in missing else f"{number} cell{'s' if number > 1 else ''} that ran since"
    return f"{told}. That is older than {what}: save the notebook and take the snapshot again"


def _not_saved(path: Path, ran: Ran) -> list[str]:
    """The sources that ran after the notebook was saved, and are not in it. What ran before and is not in it was
    changed or deleted since."""
    saved = path.stat().st_mtime
    sources = {source.strip() for source in _saved_cells(path)}
    return [source for source in ran.after(saved) if source not in sources]


def _saved_cells(path: Path) -> list[str]:
    """A server writes into the file, which for a moment is no notebook."""
    end = time.monotonic() + _SECONDS_OF_WRITING
    while True:
        try:
            return code_cells(path.read_bytes())
        except ValueError:
            if time.monotonic() > end:
                raise
        time.sleep(_INTERVAL)


def _wait(path: Path, ran: Ran, end: float) -> list[str]:
    while (missing := _not_saved(path, ran)) and time.monotonic() < end:
        time.sleep(_INTERVAL)
    return missing
