"""The kit for Jupyter: notebooks as steps, and magics. ``%load_ext dataworkspaces.kits.jupyter`` loads the magics."""

from dataworkspaces.kits.jupyter.builder import NotebookLineageBuilder
from dataworkspaces.kits.jupyter.extension import load_ipython_extension, unload_ipython_extension
from dataworkspaces.kits.jupyter.notebook import get_step_name_for_notebook, is_notebook

__all__ = [
    "NotebookLineageBuilder",
    "get_step_name_for_notebook",
    "is_notebook",
    "load_ipython_extension",
    "unload_ipython_extension",
]
