"""The notebook of the running kernel, as its front end tells."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dataworkspaces.lineage.probe import Probe


class _Notebooks(Probe):
    def notebook(self) -> Path | None:
        if "ipykernel" not in sys.modules:
            return None
        for candidate in (_from_vscode(), os.environ.get("JPY_SESSION_NAME"), os.environ.get("PAPERMILL_INPUT_PATH")):
            if candidate and candidate.endswith(".ipynb"):
                return Path(os.path.abspath(candidate))  # noqa: PTH100 - links stay: the step has the name that was called
        return None


def _from_vscode() -> str | None:
    """The variable that VS Code sets in the namespace of the notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    namespace = getattr(shell, "user_ns", None) or {}
    value = namespace.get("__vsc_ipynb_file__")
    return value if isinstance(value, str) else None


PROBE = _Notebooks()
