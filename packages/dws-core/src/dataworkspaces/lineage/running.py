"""How ``dws run`` tells the steps within its command that they belong to it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from dataworkspaces.errors import MetadataError
from dataworkspaces.lineage.model import RunRecord
from dataworkspaces.lineage.reading import run_from_json
from dataworkspaces.workspace import Workspace

VARIABLE = "DWS_RUN"


def environment_of_run(workspace: Workspace, run: RunRecord) -> dict[str, str]:
    """The environment variables of a command that ``dws run`` runs."""
    return {VARIABLE: json.dumps({"workspace": _place(workspace), "run": run.to_json()})}


def current_run(workspace: Workspace) -> RunRecord | None:
    """The run of ``dws run`` in this workspace to which this process belongs."""
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or data.get("workspace") != _place(workspace):
            return None
        return run_from_json(data.get("run"), VARIABLE)
    except (ValueError, MetadataError):
        return None  # set by somebody else


def working_directory(workspace: Workspace) -> str | None:
    """The current directory relative to the workspace's (``""`` is this), or None if it does not lie there."""
    root = workspace.get_workspace_local_path_if_any()
    here = Path(os.path.realpath(Path.cwd()))
    if root is None or not here.is_relative_to(os.path.realpath(root)):
        return None
    below = here.relative_to(os.path.realpath(root)).as_posix()
    return "" if below == "." else below


def _place(workspace: Workspace) -> str | None:
    root = workspace.get_workspace_local_path_if_any()
    return None if root is None else os.path.realpath(root)
