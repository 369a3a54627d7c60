"""What runs beside the workspace share: those of a reproduction, and those of a sweep."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from dataworkspaces.toolbox.atomic import write_bytes
from dataworkspaces.workspace import Workspace
from dataworkspaces.workspace.documents import ENVIRONMENTS

_LOG_BYTES = 4000


def place_beside(workspace: Workspace) -> Path:
    """A directory in which copies of the workspace can be made: beside it, where files may be shared with it."""
    own = workspace.get_workspace_local_path_if_any()
    beside = None if own is None else Path(own).parent
    return beside if beside is not None and os.access(beside, os.W_OK) else Path(tempfile.gettempdir())


def share_what_is_installed(source: Workspace, target: Workspace) -> None:
    """What one workspace has found out of installed distributions, so that no step of the other has to find it out
    again. It is told apart by what it depends on, and is there for speed alone."""
    here, there = source.get_machine_directory(), target.get_machine_directory()
    with suppress(OSError):
        for path in (*here.glob("distributions*.json"), *(here / ENVIRONMENTS).glob("*.*")):
            known = there / path.relative_to(here)
            if path.is_file() and (not known.exists() or path.stat().st_mtime_ns > known.stat().st_mtime_ns):
                write_bytes(known, path.read_bytes())


def end_of_log(log: Path) -> str:
    """The last of what a command printed; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def relative_argument(argument: str, root: str | Path, directory: str | Path) -> str:
    """An argument of a command that runs in ``directory``, for a workspace that lies elsewhere: the path of what is in
    the workspace at ``root`` becomes a relative one."""
    is_inside = Path(argument).is_absolute() and Path(argument).is_relative_to(root)
    return os.path.relpath(argument, directory) if is_inside else argument
