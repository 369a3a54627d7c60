"""What the user calls the data that are handed to a call."""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any

_MOST_FRAMES = 30


def name_of(*values: Any) -> str | None:
    """The name of the variable that holds the first of ``values`` that has one, where the call was made."""
    frame = _of_the_caller()
    for value in values:
        if frame is None or value is None:
            continue
        for variables in (frame.f_locals, frame.f_globals):
            found = [name for name, held in list(variables.items()) if held is value and not name.startswith("_")]
            if found:
                return found[0]
    return None


def _of_the_caller() -> FrameType | None:
    """The first frame that is neither ours nor of a library that wraps."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return None
        file = frame.f_code.co_filename
        if not _is_ours(file) and not frame.f_globals.get("__name__", "").startswith(("wrapt", "contextlib")):
            return frame
        frame = frame.f_back
    return None


def _is_ours(file: str) -> bool:
    return f"{os.sep}dataworkspaces{os.sep}kit" in file
