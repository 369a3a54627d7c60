"""Which notebook is running, as the front ends tell."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dataworkspaces.kits.jupyter.sessions import path_from_servers


def is_notebook() -> bool:
    """Whether this code runs in the kernel of a notebook: a plain IPython at a terminal is none."""
    return hasattr(_shell(), "kernel")


def get_step_name_for_notebook() -> str | None:
    """The name of the running notebook without its suffix, or None if there is none or no front end tells it."""
    path = find_notebook()
    return None if path is None else path.stem


def executed_sources() -> list[str]:
    """The sources of the cells that ran in this kernel, the first one first, with the one that runs."""
    shell = _shell()
    return [] if shell is None else [str(source) for source in shell.history_manager.input_hist_raw[1:]]


def find_notebook() -> Path | None:
    """The file of the running notebook."""
    if not is_notebook():
        return None
    return choose(getattr(_shell(), "user_ns", {}), os.environ, path_from_servers)


def choose(
    variables: Mapping[str, Any], environment: Mapping[str, str], ask_servers: Callable[[], Path | None]
) -> Path | None:
    """The notebook, as VS Code and papermill tell by variables, or a Jupyter server by the environment.

    :param ask_servers: called if the environment does not tell, or tells of a file that is gone: a server sets the
        variable when the kernel starts, and the notebook may have been renamed since.
    """
    for name in ("__vsc_ipynb_file__", "PAPERMILL_INPUT_PATH"):
        found = _as_path(variables.get(name))
        if found is not None:
            return found
    found = _as_path(environment.get("JPY_SESSION_NAME"))
    if found is not None and found.is_file():
        return found
    return ask_servers() or found or _as_path(environment.get("PAPERMILL_INPUT_PATH"))


def _as_path(value: object) -> Path | None:
    if not isinstance(value, str) or not value.endswith(".ipynb"):
        return None
    return Path(os.path.abspath(value))  # noqa: PTH100 - links stay: the step has the name that people see


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
