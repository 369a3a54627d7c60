"""Damaged files of this machine, which no history has: set aside, and made anew from what else is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.backends.git.resource_files import read_entries
from dataworkspaces.errors import DwsError
from dataworkspaces.params import HOSTNAME
from dataworkspaces.toolbox.atomic import write_json
from dataworkspaces.toolbox.hostname import default_hostname
from dataworkspaces.toolbox.move_files import set_aside
from dataworkspaces.toolbox.names import some
from dataworkspaces.toolbox.regular import is_present


def how_to_make_anew(paths: WorkspacePaths, machine: Path, relative: str) -> Callable[[], str] | None:
    """What replaces a file, and says what was done; None if nothing can. What was there is kept."""
    makers = {"local_params.json": _local_params, "resource_local_params.json": _local_params_of_resources}
    if relative in makers:
        return partial(_make, paths, machine, relative, makers[relative])
    return None


def _make(
    paths: WorkspacePaths, machine: Path, relative: str, make: Callable[[WorkspacePaths], tuple[Any, str]]
) -> str:
    content, told = make(paths)
    path = paths.metadata / relative
    kept = f"; what was there is kept as {set_aside(path, machine)}" if is_present(path) else ""
    write_json(path, content, durable=True)
    return told + kept


def _local_params(paths: WorkspacePaths) -> tuple[Any, str]:
    hostname = default_hostname()
    return {HOSTNAME: hostname}, f"recreated: the hostname is {hostname}, and all others have their defaults"


def _local_params_of_resources(paths: WorkspacePaths) -> tuple[Any, str]:
    """Those whose place is in the workspace are here, if there is such a directory; of the others nobody knows."""
    try:
        entries = read_entries(paths)
    except DwsError:
        entries = []
    here, elsewhere = {}, []
    for params in (entry["parameters"] for entry in entries):
        place = params.get("relative_local_path")
        if isinstance(place, str) and (paths.directory / place).is_dir():
            here[params["name"]] = dict[str, Any]()
        elif "relative_path" not in params:  # a subdirectory of the workspace's repository has no such parameters
            elsewhere.append(params["name"])
    lost = (
        f"; name the place of {some(elsewhere)} with: dws config --resource NAME my_local_path DIRECTORY"
        if elsewhere
        else ""
    )
    return here, f"recreated for resources in the workspace's directory{lost}"
