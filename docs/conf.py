"""How Sphinx makes the site: ``tox run -e docs``."""

from __future__ import annotations

from pathlib import Path

project = "Data Workspaces"
author = "The Data Workspaces developers"
copyright = author
release = version = (Path(__file__).parent.parent / "VERSION").read_text().strip()

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_click",
    "sphinx_copybutton",
]
root_doc = "index"
exclude_patterns = ["_build"]
smartquotes = False  # "--batch" is no dash

# -- Markdown --------------------------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

# -- what is generated from code ---------------------------------------------------------------------------------------

autodoc_member_order = "bysource"
autodoc_mock_imports = ["keras", "sklearn", "tensorflow", "torch"]
"""The frameworks of the kits, which would be gigabytes."""
python_use_unqualified_type_names = True

# -- pages -------------------------------------------------------------------------------------------------------------

html_theme = "furo"
html_title = "Data Workspaces"
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True
