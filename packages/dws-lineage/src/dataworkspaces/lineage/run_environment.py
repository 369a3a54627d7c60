"""How ``dws run`` tells the steps within its command that they belong to it, and ``dws reproduce`` that they are
repeated."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import MetadataError
from dataworkspaces.toolbox.atomic import explain_os_error, write_json
from dataworkspaces.workspace import Workspace

if TYPE_CHECKING:
    from dataworkspaces.lineage.model import RunRecord

__all__ = [
    "current_run",
    "reproduced_snapshot",
    "variables_of_reproduction",
    "variables_of_run",
    "working_directory",
]

VARIABLE = "DWS_RUN"
REPRODUCED = "DWS_REPRODUCED"
_MOST_CHARACTERS = 50_000
"""A longer record goes through a file: Linux takes 128 KiB a variable, others 32 KiB for all."""


@contextmanager
def variables_of_run(workspace: Workspace, run: RunRecord) -> Iterator[Mapping[str, str]]:
    """The environment variables of a command that ``dws run`` runs; they are good as long as it runs."""
    data = {"workspace": _place(workspace), "run": run.to_json()}
    text = json.dumps(data)
    if len(text) <= _MOST_CHARACTERS:
        yield {VARIABLE: text}
        return
    path = workspace.get_machine_directory() / f"{run.run_id}.run"
    try:
        write_json(path, data)
    except OSError as e:
        raise explain_os_error(e, "Noting what is run") from e
    try:
        yield {VARIABLE: json.dumps({"file": str(path)})}
    finally:
        path.unlink(missing_ok=True)


def current_run(workspace: Workspace) -> RunRecord | None:
    """The run of ``dws run`` in this workspace to which this process belongs."""
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    from dataworkspaces.lineage.from_json import run_from_json

    try:
        data = json.loads(text)
        if isinstance(data, dict) and isinstance(data.get("file"), str):
            data = json.loads(Path(data["file"]).read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("workspace") != _place(workspace):
            return None
        return run_from_json(data.get("run"), VARIABLE)
    except (OSError, ValueError, RecursionError, MetadataError):
        return None  # set by somebody else


def variables_of_reproduction(copy: Workspace, snapshot: str) -> Mapping[str, str]:
    """The environment variables of steps of a snapshot that run again in a copy of the workspace."""
    return {REPRODUCED: json.dumps({"workspace": _place(copy), "snapshot": snapshot})}


def reproduced_snapshot(workspace: Workspace) -> str | None:
    """The hash of the snapshot whose steps run again in this workspace, this process among them."""
    try:
        data = json.loads(os.environ.get(REPRODUCED, "null"))
    except (ValueError, RecursionError):
        return None  # set by somebody else
    is_here = isinstance(data, dict) and data.get("workspace") == _place(workspace)
    return str(data.get("snapshot")) if is_here else None


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
