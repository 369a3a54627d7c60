"""What is running: the name of the step, and the file with its code."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_RUNNERS = {"pytest", "py.test", "ipykernel_launcher", "ipython", "jupyter", "papermill", "nbconvert", "dws"}


def infer_step() -> tuple[str | None, Path | None]:
    """The name of the running script or notebook without its suffix, and its path; None for what cannot be known."""
    path = notebook_path() or script_path()
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


def notebook_path() -> Path | None:
    """The notebook of the running kernel, as its front end tells; None if there is none, or it cannot be known."""
    if "ipykernel" not in sys.modules:
        return None
    for candidate in (_from_vscode(), os.environ.get("JPY_SESSION_NAME"), os.environ.get("PAPERMILL_INPUT_PATH")):
        if candidate and candidate.endswith(".ipynb"):
            return Path(os.path.abspath(candidate))  # noqa: PTH100
    return None


def _from_vscode() -> str | None:
    """The variable that VS Code sets in the namespace of the notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    namespace = getattr(shell, "user_ns", None) or {}
    value = namespace.get("__vsc_ipynb_file__")
    return value if isinstance(value, str) else None
