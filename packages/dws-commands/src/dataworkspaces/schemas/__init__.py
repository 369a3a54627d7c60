"""JSON Schemas (draft 2020-12) of the documents that commands print with ``--json``, and of the files of a workspace.

One file a shape, complete in itself. The last part of its ``$id`` is its version: it grows when documents that were
valid no longer are. New keys may come without that, so a schema allows keys that it does not name.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from dataworkspaces.errors import NotFoundError

__all__ = ["load", "names"]

_SUFFIX = ".schema.json"
SAME_AS = {
    "log": "history",
    "pull-dry-run": "push-dry-run",
    "pull-experiment": "push-experiment",
    "push": "publish",
    "report-history": "history",
    "report-status": "status",
}
"""Commands that print what another one does."""


def names() -> list[str]:
    """The shapes that have a schema: commands, with ``-`` for the spaces (``restore-dry-run``), and files."""
    found = (path.name for path in files(__name__).iterdir())
    return sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX))


def load(name: str) -> dict[str, Any]:
    """The schema of a shape, or of a command that prints what another one does (``push``).

    Raises NotFoundError for a name that has none."""
    shape = SAME_AS.get(name, name)
    if shape not in names():  # which also keeps paths out
        raise NotFoundError(f"There is no schema '{name}'", hint="'dws schema' lists them")
    schema: dict[str, Any] = json.loads(files(__name__).joinpath(f"{shape}{_SUFFIX}").read_text(encoding="utf-8"))
    return schema
