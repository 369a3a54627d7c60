"""Reading what ``git diff --raw -z`` writes."""

from __future__ import annotations

import os
from collections.abc import Sequence

from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace import FileChange


def parse_raw_diff(output: bytes) -> list[FileChange]:
    """The file changes of a raw, NUL-terminated diff, in git's order."""
    fields = iter(os.fsdecode(output).split("\0"))
    changes: list[FileChange] = []
    for header in fields:
        if not header.startswith(":"):
            continue  # the end, or the line that diff-tree writes above a single commit
        letter = header.rpartition(" ")[2][:1]
        path = next(fields)
        if letter in ("R", "C"):
            new = next(fields)
            changes.append(FileChange("renamed", new, path) if letter == "R" else FileChange("added", new))
        elif letter == "A":
            changes.append(FileChange("added", path))
        elif letter == "D":
            changes.append(FileChange("deleted", path))
        else:
            changes.append(FileChange("modified", path))
    return changes


def told(changes: Sequence[FileChange]) -> str:
    """Changes of files in words, a few of them."""
    return some(f"{change.path} ({change.status})" for change in changes)
