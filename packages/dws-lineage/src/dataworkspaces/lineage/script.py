"""What is running: the name of the step, and the file with its code."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dataworkspaces.lineage import probe

__all__ = ["infer_step", "script_path"]

_RUNNERS = {"pytest", "py.test", "ipykernel_launcher", "ipython", "jupyter", "papermill", "nbconvert", "dws"}


def infer_step() -> tuple[str | None, Path | None]:
    """The name of the running script or notebook without its suffix, and its path; None for what cannot be known."""
    path = probe.notebook() or script_path()
    return (None, None) if path is None else (path.stem, path)


def script_path() -> Path | None:
    """The script that Python runs; None in an interactive session or a runner of other people's code."""
    main = sys.modules.get("__main__")
    name = getattr(main, "__file__", None)
    if name is None:
        return None
    path = Path(os.path.abspath(name))  # noqa: PTH100 - links stay: the step has the name that was called
    if path.stem == "__main__":
        package = path.parent
        return None if package.name in _RUNNERS else package
    return None if path.stem in _RUNNERS else path
